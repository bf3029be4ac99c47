"""What reconciliation finds reviews by: their fingerprint, whatever became of them."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_environment_reviews_fingerprint", "environment_reviews", ["fingerprint"], unique=False
    )


def downgrade() -> None:
    op.drop_index("ix_environment_reviews_fingerprint", table_name="environment_reviews")
