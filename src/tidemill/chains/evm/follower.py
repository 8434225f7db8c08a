"""What does a chain's machine do with each entry: a pure step from what came in to what follows from it.

It reads no clock and does no I/O: the same entries give the same steps, however they are grouped.
"""

from collections.abc import Sequence

import msgspec

from tidemill._rust import Answer, FramesRead, Head, MalformedFrame, Notice, read_frames
from tidemill.chains.evm.attending import Attending
from tidemill.chains.evm.calls import Calls, Failed
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.following import Following
from tidemill.chains.evm.forks import factories_of
from tidemill.chains.evm.jury import Jury
from tidemill.chains.evm.links import Links
from tidemill.chains.evm.opening import Opening
from tidemill.chains.evm.sealing import Sealing
from tidemill.chains.evm.steps import Step
from tidemill.chains.evm.token_trial import trial_event
from tidemill.chains.evm.tokens import Tokens
from tidemill.chains.evm.tracking import tracked_logs
from tidemill.chains.evm.v4_pools import read_names, write_names
from tidemill.chains.evm.window import Checkpoint, Window
from tidemill.core.recording import Entry, Kind
from tidemill.schema.faults import Malformed


class EvmFollower:
    """The machine that follows one EVM chain.

    Raises: Refused where the configuration names an exchange that is not known on its chain.
    """

    def __init__(self, config: EvmConfig, checkpoint: Checkpoint | None, run_id: str) -> None:
        self.config = config
        self.stopped = False
        factories = factories_of(config)
        self._filter = tracked_logs(config, factories)
        self._calls = Calls(config)
        self._window = Window(config.source, config.window_blocks, checkpoint)
        self._tokens = Tokens(self._calls, self._window, config, checkpoint)
        self._sealing = Sealing(self._calls, self._window, config, factories, run_id)
        self._reports = self._sealing.reports
        jury = Jury(self._calls.links.cards)
        self._following = Following(
            self._calls,
            self._window,
            config,
            self._sealing,
            self._tokens,
            self._filter,
            jury,
            self._on_unanchored,
        )
        self._opening = Opening(
            self._calls, self._window, config, factories, self._tokens, self._sealing, self._on_ready
        )
        self._is_following = checkpoint is not None
        self._attending = Attending(
            self._calls, config, self._reports, self._filter, jury, self._ask_newest, self._on_head
        )

    @property
    def tip(self) -> tuple[int, bytes]:
        """Number and hash of the newest sealed block; (-1, zeros) before the first block of a chain."""
        return self._window.tip_number, self._window.tip_hash

    @property
    def is_idle(self) -> bool:
        """Whether no question is open."""
        return self._calls.open_count == 0

    @property
    def links(self) -> Links:
        """Its connections, and how each endpoint fares."""
        return self._calls.links

    @property
    def is_cut_off(self) -> bool:
        """Whether nothing tells new blocks now."""
        return self._reports.is_cut_off

    @property
    def unknown_answer_count(self) -> int:
        """How many answers came twice, late, or to nothing."""
        return self._calls.unknown_count

    @property
    def stale_head_count(self) -> int:
        """How many heads were announced that were canonical already."""
        return self._following.stale_head_count

    def step(self, entries: Sequence[Entry | FramesRead]) -> Step:
        """Take entries, in order, and return what follows from them."""
        step = self._calls.step = Step()
        frames: list[Entry] = []
        for entry in entries:
            if self.stopped:
                break
            if isinstance(entry, Entry) and entry.kind is Kind.FRAME:
                frames.append(entry)
                continue
            self._take_frames(frames)
            if self.stopped:
                break
            if isinstance(entry, Entry):
                self._on_entry(entry)
            else:
                self._on_heard(entry.heard, entry)
            self.stopped = step.stop is not None
        self._take_frames(frames)
        step.state = self._window.take_changes()
        return step

    def _on_entry(self, entry: Entry) -> None:
        self._calls.now_ns = entry.recv_ns
        match entry.kind:
            case Kind.START:
                self._attending.begin()
            case Kind.OPEN:
                self._attending.opened(entry.connection)
            case Kind.CLOSE:
                self._attending.closed(entry.connection, entry.data.decode("utf-8", "replace"))
            case Kind.FAILED:
                self._on_failed(entry)
            case Kind.TICK:
                self._calls.tick()
                self._following.tick()
                self._attending.tick()
            case Kind.DRIFT:
                self._following.on_drift(read_drift(entry))
            case Kind.TRIAL:
                event = trial_event(entry, self.config.source, self.config.chain_id)
                self._calls.step.events.append(event)
            case Kind.STEP:
                pass
            case _:
                raise AssertionError(entry.kind)

    def _on_failed(self, entry: Entry) -> None:
        failed = msgspec.json.decode(entry.data, type=Failed)
        self._calls.failed(failed)
        if failed.fault != "Malformed":
            self._attending.failed(entry.connection, failed.message)

    def _take_frames(self, frames: list[Entry]) -> None:
        if frames and not self.stopped:
            self._on_heard(read_frames([entry.data for entry in frames]), _Frames(frames))
            self.stopped = self._calls.step.stop is not None
        frames.clear()

    def _on_heard(
        self, heard: Sequence[Answer | Notice | MalformedFrame], frames: "_Frames | FramesRead"
    ) -> None:
        """Take what frames say; logs announced one after another have the time of the last."""
        first, is_alone = 0, len(self.config.endpoints) == 1
        for item in heard:
            if self._calls.step.stop is not None:
                return
            its_frames = range(first, item.frame + 1)
            said_by = {frames.origin(at)[1] for at in its_frames} if not is_alone else ()
            if first < item.frame and isinstance(item, Notice) and (len(said_by) > 1 or self._is_proof(item)):
                # what follows from a frame has the frame's time and endpoint, however frames are grouped
                for at in its_frames:
                    for alone in read_frames([frames.data(at)]):
                        self._on_item(alone, frames, at)
            else:
                self._on_item(item, frames, item.frame)
            first = item.frame + 1

    def _is_proof(self, notice: Notice) -> bool:
        announced = notice.announced
        return announced is not None and self._is_following and self._sealing.witness.is_proof(announced)

    def _on_item(
        self, item: Answer | Notice | MalformedFrame, frames: "_Frames | FramesRead", at: int
    ) -> None:
        self._calls.now_ns, connection = frames.origin(at)
        self._calls.answered_by = self._calls.links[connection].endpoint
        self._attending.answered(connection)
        match item:
            case Answer():
                self._calls.answered(item)
            case Notice():
                self._on_notice(item, connection)
            case MalformedFrame():
                fault = Malformed(f"chain {self.config.source}: {connection}: {item.message}")
                self._calls.step.faults.append(fault)
                self._calls.step.quarantine.append((frames.data(at), fault))

    def _on_notice(self, notice: Notice, connection: str) -> None:
        if notice.head is not None and self._attending.announced(connection, notice.head):
            self._on_head(notice.head)
        is_news = notice.announced is not None and not notice.is_removed and self._is_following
        if is_news and self._calls.links[connection].is_open:
            self._following.on_announced_logs(notice.announced or ())

    def _on_head(self, head: Head) -> None:
        if self._is_following:
            self._following.on_head(head)
        else:
            self._opening.on_head(head)

    def _ask_newest(self) -> None:
        if self._is_following:
            self._following.ask_newest()
        else:
            self._opening.ask_newest()

    def _on_unanchored(self) -> None:
        self._is_following = False
        self._opening.begin_anew()

    def _on_ready(self) -> None:
        self._is_following = True
        self._following.ask_newest()


class _Frames:
    """Entries of frames, told as those of a recording are."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries

    def origin(self, at: int) -> tuple[int, str]:
        entry = self._entries[at]
        return entry.recv_ns, entry.connection

    def data(self, at: int) -> bytes:
        return self._entries[at].data


def drift_entry(pools: Sequence[bytes], recv_ns: int) -> Entry:
    """Return the entry that says that pools, by their names, contradict their logs."""
    return Entry(Kind.DRIFT, recv_ns, "", write_names(pools))


def read_drift(entry: Entry) -> list[bytes]:
    """Return the names of the pools in a DRIFT entry. Raises: Malformed."""
    return read_names(entry.data)
