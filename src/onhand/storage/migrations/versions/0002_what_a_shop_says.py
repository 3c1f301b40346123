"""what a shop says of itself, whole

Three columns held a part of it. It is asked anew by the next look, so nothing is carried over.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("carts", sa.Column("hello", sa.Text(), nullable=True))
    for column in ("family", "engine", "sku_length"):
        op.drop_column("carts", column)
