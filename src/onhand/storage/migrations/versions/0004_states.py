"""products that were switched off when they sold out

Products known to be off because of a sale are carried over; for all others it is not known.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in ("off_when_empty", "switch_on"):
        op.add_column("listings", sa.Column(column, sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute("UPDATE listings SET off_when_empty = off_by_sale")
    held, off = sa.text("held <> 0"), sa.text("off_when_empty")
    op.create_index("ix_listings_held", "listings", ["cart_id"], sqlite_where=held, postgresql_where=held)
    op.create_index("ix_listings_off", "listings", ["cart_id", "product"], sqlite_where=off, postgresql_where=off)
