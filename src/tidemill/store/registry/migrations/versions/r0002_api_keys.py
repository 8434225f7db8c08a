"""Make the table of API keys, which holds a hash of each and no key."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make it."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("secret_hash", sa.Text, nullable=False),
        sa.Column("requests_per_minute", sa.Integer),
        sa.Column("created_at", moment, nullable=False, server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("expires_at", moment),
        sa.Column("revoked_at", moment),
        sa.CheckConstraint("role IN ('viewer', 'analyst', 'trader', 'admin')", name="role_is_known"),
        sa.CheckConstraint("length(secret_hash) = 64", name="secret_hash_is_256_bits"),
        sa.CheckConstraint("requests_per_minute > 0", name="requests_per_minute_is_positive"),
    )
