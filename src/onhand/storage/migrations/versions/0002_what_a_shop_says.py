"""the shop's complete description of itself

Three columns held parts of it. The next look asks the shop again, so nothing is carried over.
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
