"""What is told of an alert, and in which words."""

from typing import Literal

from msgspec import Struct

from tidemill.serve.monitor import Alert

State = Literal["raised", "reminder", "ended"]


class Notice(Struct, frozen=True, kw_only=True):
    """One message about one alert."""

    id: str
    """The same each time that it is sent again, so that a receiver can leave out what it has."""
    instance: str
    """Which tidemill tells it."""
    state: State
    alert: Alert
    times: int
    """How often it was raised since it was told last; 0 in what is no new alert."""

    @property
    def title(self) -> str:
        """A line."""
        word = {"raised": "ALERT", "reminder": "STILL", "ended": "OVER"}[self.state]
        return f"{word} tidemill {self.instance}: {self.alert.name}"

    @property
    def text(self) -> str:
        """All of it."""
        again = f" ({self.times} times since it was told last)" if self.times > 1 else ""
        return f"{self.title}\n{self.alert.message}{again}"
