"""units that an order line took, and units that came back

Both were added up from movements and from the line's quantity, in three places. Booked lines get the sums of their movements.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("order_lines", sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite")))
    op.add_column("order_lines", sa.Column("gone_at", sa.BigInteger()))
    for column in ("taken", "back"):
        op.add_column("order_lines", sa.Column(column, sa.BigInteger(), nullable=False, server_default="0"))
    if op.get_bind().dialect.name != "sqlite":
        return  # no store is as old as this elsewhere, so there is nothing to add up
    op.execute(
        """
        UPDATE order_lines SET
            taken = quantity,
            item_id = coalesce(
                (SELECT item_id FROM movements
                    WHERE origin = 'cart/' || cart_id || '/' || epoch || '/line/' || order_lines.line),
                (SELECT item_id FROM listings
                    WHERE listings.cart_id = order_lines.cart_id AND listings.product = order_lines.product)),
            back = CASE state WHEN 'restocked' THEN quantity ELSE min(quantity, coalesce(
                (SELECT sum(movements.quantity) FROM movements
                    WHERE kind = 'return'
                    AND origin >= 'cart/' || cart_id || '/' || epoch || '/order/' || order_lines.order_number
                        || '/' || order_lines.line || '/returned/'
                    AND origin < 'cart/' || cart_id || '/' || epoch || '/order/' || order_lines.order_number
                        || '/' || order_lines.line || '/returned0'), 0)) END
        WHERE state IN ('sold', 'restocked')
        """
    )
