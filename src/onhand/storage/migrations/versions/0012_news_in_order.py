"""listings: news in the order in which they are delivered"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_listings_news", "listings")
    op.create_index(
        "ix_listings_news",
        "listings",
        ["cart_id", "item_id"],
        sqlite_where=sa.text("news"),
        postgresql_where=sa.text("news"),
    )
