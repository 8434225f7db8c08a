"""Make the table of scheduled exports."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make it."""
    op.create_table(
        "export_schedules",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("next_ns", sa.BigInteger, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
    )
