"""Make the table of whales; every change of it is told to who listens, and notes its time."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_POSTGRESQL = (
    "CREATE FUNCTION whales_changed() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN NOTIFY tidemill_whales; RETURN NULL; END $$",
    "CREATE TRIGGER whales_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON whales "
    "FOR EACH STATEMENT EXECUTE FUNCTION whales_changed()",
    "CREATE FUNCTION whales_updated() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN NEW.updated_at = now(); RETURN NEW; END $$",
    "CREATE TRIGGER whales_updated BEFORE UPDATE ON whales FOR EACH ROW EXECUTE FUNCTION whales_updated()",
)

_SQLITE = (
    "CREATE TRIGGER whales_updated AFTER UPDATE ON whales "
    "BEGIN UPDATE whales SET updated_at = CURRENT_TIMESTAMP WHERE address = NEW.address; END",
)


def upgrade() -> None:
    """Make it."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    op.create_table("whales", *_columns(is_sqlite))
    for statement in _SQLITE if is_sqlite else _POSTGRESQL:
        op.execute(statement)


def _columns(is_sqlite: bool) -> Iterator[sa.schema.SchemaItem]:
    exact = sa.Text() if is_sqlite else sa.Numeric()
    is_address = f"GLOB '0x{'[0-9a-f]' * 40}'" if is_sqlite else "~ '^0x[0-9a-f]{40}$'"
    yield sa.Column("address", sa.Text, primary_key=True)
    yield from (sa.Column(name, sa.Text) for name in ("pseudonym", "tier", "notes", "cluster_name"))
    yield _flag("is_famous", is_set=False)
    yield sa.Column("estimated_pnl", exact)
    yield sa.Column("primary_category", sa.Text)
    yield sa.Column("win_rate", exact)
    yield sa.Column("total_volume", exact)
    yield _flag("is_confirmed", is_set=False)
    yield _flag("is_copying_enabled", is_set=False)
    yield _flag("is_enabled", is_set=True)
    for name in ("created_at", "updated_at"):
        now = sa.text("CURRENT_TIMESTAMP")
        yield sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=now)
    yield sa.CheckConstraint(f"address {is_address}", name="address_is_lower_case_hexadecimal")
    yield sa.CheckConstraint("CAST(win_rate AS NUMERIC) BETWEEN 0 AND 100", name="win_rate_is_a_percentage")


def _flag(name: str, *, is_set: bool) -> sa.Column[bool]:
    default = sa.true() if is_set else sa.false()
    return sa.Column(name, sa.Boolean, nullable=False, server_default=default)
