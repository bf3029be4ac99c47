"""What a restore needs to know of its plan at once: its counts, and that its environment's folder stands."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Reviews compare what lies under it, and plans write there: with another one they would speak of other files.
STANDS = """
CREATE FUNCTION environment_folder_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an environment keeps its path prefix; register another environment for another folder'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'environments_path_prefix_stands';
END
$$;
CREATE TRIGGER environments_path_prefix_stands BEFORE UPDATE OF path_prefix ON environments
    FOR EACH ROW WHEN (OLD.path_prefix <> NEW.path_prefix) EXECUTE FUNCTION environment_folder_stands();
"""


def upgrade() -> None:
    # Null for the plans that are there, as no plan is ever changed, and for those of the release before.
    op.add_column("restore_plans", sa.Column("counts", JSONB(none_as_null=True), nullable=True))
    op.execute(STANDS)


def downgrade() -> None:
    op.execute("DROP TRIGGER environments_path_prefix_stands ON environments")
    op.execute("DROP FUNCTION environment_folder_stands")
    op.drop_column("restore_plans", "counts")
