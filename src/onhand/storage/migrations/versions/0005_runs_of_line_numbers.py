"""line numbers that start again, and where a listing stopped being followed

Both are empty at first: no number is known to have been used twice, and no listing goes on from where it was left before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("order_lines", sa.Column("run", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("carts", sa.Column("restart_line", sa.BigInteger(), nullable=True))
    for column in ("left_item_id", "left_ordered", "left_sum", "left_line"):
        op.add_column("listings", sa.Column(column, sa.BigInteger(), nullable=True))
