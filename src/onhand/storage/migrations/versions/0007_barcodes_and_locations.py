"""barcodes and shelf locations of items"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("items", sa.Column("barcode", sa.String(length=64), nullable=False, server_default=""))
    op.add_column("items", sa.Column("location", sa.String(length=60), nullable=False, server_default=""))
    used = sa.text("barcode <> ''")
    op.create_index("ix_items_barcode", "items", ["barcode"], unique=True, sqlite_where=used, postgresql_where=used)
