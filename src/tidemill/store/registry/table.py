"""How do whales, API keys and schedules lie in a database, the same in SQLite and PostgreSQL?"""

import datetime as dt
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from tidemill.schema.faults import Malformed


class Exact(TypeDecorator[Decimal]):
    """A decimal number with all of its digits: SQLite has no such type, and keeps it as text."""

    impl = sa.Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the column's type."""
        return dialect.type_descriptor(sa.Text() if dialect.name == "sqlite" else sa.Numeric())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """Return what is written."""
        return str(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Return what was read. Raises: Malformed, where somebody wrote what is no number."""
        if value is None:
            return None
        try:
            return Decimal(value)
        except InvalidOperation:
            raise Malformed(f"registry: expected a number, found {value!r}") from None


class UtcTime(TypeDecorator[dt.datetime]):
    """A moment, in UTC whatever the database's zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Return what was read; SQLite's own clock writes UTC without saying so."""
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


METADATA = sa.MetaData()

WHALES = sa.Table(
    "whales",
    METADATA,
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("pseudonym", sa.Text),
    sa.Column("tier", sa.Text),
    sa.Column("notes", sa.Text),
    sa.Column("cluster_name", sa.Text),
    sa.Column("is_famous", sa.Boolean, nullable=False),
    sa.Column("estimated_pnl", Exact),
    sa.Column("primary_category", sa.Text),
    sa.Column("win_rate", Exact),
    sa.Column("total_volume", Exact),
    sa.Column("is_confirmed", sa.Boolean, nullable=False),
    sa.Column("is_copying_enabled", sa.Boolean, nullable=False),
    sa.Column("is_enabled", sa.Boolean, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("updated_at", UtcTime, nullable=False),
)
"""What the migrations make; defaults and checks are the database's own."""

API_KEYS = sa.Table(
    "api_keys",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("secret_hash", sa.Text, nullable=False),
    sa.Column("requests_per_minute", sa.Integer),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("expires_at", UtcTime),
    sa.Column("revoked_at", UtcTime),
)

EXPORT_SCHEDULES = sa.Table(
    "export_schedules",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("next_ns", sa.BigInteger, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
)
"""`content` is the schedule as JSON; `next_ns` repeats when it is due, for who looks."""
