"""Defines the tables of carts, items and movements.

Path: the books query these; the first migration creates them; ``onhand prove`` folds them.
Promise: a movement's origin is unique, so the same fact is booked once; a balance stays within the range that a shop can show.
Never: holds an absolute time as text: times are whole microseconds since 1970, UTC.

Sums of a cart exceed 64 bits on large shops (quantities times 32-bit weights), so they are kept as decimal texts.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from onhand.domain.stock import QUANTITY_MAX

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite makes a rowid alias only of INTEGER; PostgreSQL wants 64 bits.
Id = BigInteger().with_variant(Integer, "sqlite")

items = Table(
    "items",
    metadata,
    Column("id", Id, primary_key=True),
    Column("sku", String(255), nullable=False),
    Column("sku_key", String(255), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("on_hand", BigInteger, nullable=False, server_default="0"),
    Column("ignore_qoh", Boolean, nullable=False, server_default=false()),
    Column("drop_ship", Boolean, nullable=False, server_default=false()),
    Column("reorder_point", BigInteger),
    Column("reorder_to", BigInteger),  # order up to this many
    Column("supplier_id", Id, ForeignKey("suppliers.id")),
    Column("barcode", String(64), nullable=False, server_default=""),
    Column("location", String(60), nullable=False, server_default=""),
    Column("revision", BigInteger, nullable=False, server_default="0"),  # of what a person edits, not of the quantity
    Column("created_at", BigInteger, nullable=False),
    CheckConstraint(f"on_hand BETWEEN -{QUANTITY_MAX} AND {QUANTITY_MAX}", name="on_hand_range"),
    Index(
        "ix_items_barcode",
        "barcode",
        unique=True,
        sqlite_where=text("barcode <> ''"),
        postgresql_where=text("barcode <> ''"),
    ),
)

movements = Table(
    "movements",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("item_id", Id, ForeignKey("items.id"), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("origin", String(255), nullable=False, unique=True),
    Column("cart_id", Id),  # no foreign key: movements outlive the cart they came from
    Column("order_number", String(255)),
    Column("line", BigInteger),
    Column("reason", Text, nullable=False),
    Column("person", Text, nullable=False),
    Index("ix_movements_item", "item_id", "id"),
    # For lists. Sales of shops, which must be fast, are in neither.
    Index(
        "ix_movements_kind", "kind", "id", sqlite_where=text("kind <> 'sale'"), postgresql_where=text("kind <> 'sale'")
    ),
    Index(
        "ix_movements_person", "person", "id", sqlite_where=text("person <> ''"), postgresql_where=text("person <> ''")
    ),
)

carts = Table(
    "carts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(255), nullable=False),
    Column("name_key", String(255), nullable=False, unique=True),
    Column("url", Text, nullable=False),
    Column("key_id", String(40), nullable=False),
    Column("secret", Text, nullable=False),  # sealed, see ``vault``
    Column("allow_http", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("policy", String(8)),
    Column("buffer", BigInteger, nullable=False),
    Column("batch_size", Integer),
    Column("tick_seconds", Float),
    Column("settle_seconds", Float),
    Column("synchronize", Boolean, nullable=False),
    Column("halted", Text),
    Column("epoch", String(40)),
    Column("next_seq", BigInteger, nullable=False),
    Column("unmarked", Boolean, nullable=False),
    Column("aligned_movement", BigInteger, nullable=False),
    Column("aligned_at", BigInteger),
    Column("aligned_by", String(4)),  # "send" or "get"
    Column("baseline_line", BigInteger, nullable=False),
    Column("cursor_line", BigInteger, nullable=False),
    Column("restart_line", BigInteger),  # line numbers began again below the baseline
    Column("sum_count", Text, nullable=False),
    Column("sum_quantity", Text, nullable=False),
    Column("sum_ordered", Text, nullable=False),
    Column("sum_quantity_h", Text, nullable=False),
    Column("sum_ordered_h", Text, nullable=False),
    Column("catalogue", Text),
    Column("hello", Text),  # JSON: the shop's latest description of itself
    Column("looked_at", BigInteger),
    Column("in_step_at", BigInteger),
    Column("trouble", Text),
    Column("trouble_since", BigInteger),
    Column("revision", BigInteger, nullable=False, server_default="0"),  # of the settings a person edits
    Column("created_at", BigInteger, nullable=False),
    sqlite_autoincrement=True,  # movements outlive a cart, so its number must not come again
)

listings = Table(
    "listings",
    metadata,
    Column("id", Id, primary_key=True),
    Column("cart_id", Id, ForeignKey("carts.id"), nullable=False),
    Column("product", BigInteger, nullable=False),
    Column("variant", String(255), nullable=False, server_default=""),  # options; always empty at SKU level
    Column("model", Text),
    Column("sku_key", String(255), nullable=False),
    Column("name", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("modified", String(40)),
    Column("flags", Integer, nullable=False, server_default="0"),  # as the shop told them: a fraction, a download
    Column("item_id", Id, ForeignKey("items.id")),
    Column("chosen_id", Id, ForeignKey("items.id")),  # the item that a person chose, regardless of the SKU
    Column("ignored", Boolean, nullable=False, server_default=false()),  # a person ignored it
    Column("problem", String(12)),
    Column("aligned", Boolean, nullable=False),
    Column("ordered", BigInteger, nullable=False),
    Column("sum", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    Column("unnamed", BigInteger, nullable=False),
    Column("news", Boolean, nullable=False),
    Column("off_by_sale", Boolean, nullable=False),
    # It was switched off while its quantity was zero, by the last sale or by a person.
    Column("off_when_empty", Boolean, nullable=False, server_default=false()),
    Column("switch_on", Boolean, nullable=False, server_default=false()),  # a person wants it on, with the next post
    Column("parked", Text),
    Column("parked_by", Text),  # null: parked because of the shop's answer, not by a person
    Column("parked_at", BigInteger),
    # Where it was when its SKU stopped naming its item; null: it is followed, or has never been.
    Column("left_item_id", BigInteger),
    Column("left_ordered", BigInteger),
    Column("left_sum", BigInteger),  # null: it cannot go on from there
    Column("left_line", BigInteger),
    UniqueConstraint("cart_id", "product", "variant", name="uq_listings_product"),
    Index("ix_listings_item", "item_id"),
    Index("ix_listings_sku", "sku_key"),
    # In the order in which they are delivered, so that a batch does not read all that follow it.
    Index("ix_listings_news", "cart_id", "item_id", sqlite_where=text("news"), postgresql_where=text("news")),
    # Few are parked, have a problem, are not aligned or were chosen by hand, and lists of just these are asked for.
    Index(
        "ix_listings_parked",
        "cart_id",
        sqlite_where=text("parked IS NOT NULL"),
        postgresql_where=text("parked IS NOT NULL"),
    ),
    Index("ix_listings_held", "cart_id", sqlite_where=text("held <> 0"), postgresql_where=text("held <> 0")),
    Index(
        "ix_listings_off",
        "cart_id",
        "product",
        sqlite_where=text("off_when_empty"),
        postgresql_where=text("off_when_empty"),
    ),
    Index(
        "ix_listings_problem",
        "cart_id",
        "product",
        sqlite_where=text("problem IS NOT NULL"),
        postgresql_where=text("problem IS NOT NULL"),
    ),
    Index(
        "ix_listings_not_aligned",
        "cart_id",
        "product",
        sqlite_where=text("NOT aligned"),
        postgresql_where=text("NOT aligned"),
    ),
    Index(
        "ix_listings_chosen",
        "chosen_id",
        sqlite_where=text("chosen_id IS NOT NULL"),
        postgresql_where=text("chosen_id IS NOT NULL"),
    ),
)

order_lines = Table(
    "order_lines",
    metadata,
    Column("cart_id", Id, ForeignKey("carts.id"), primary_key=True),
    Column("epoch", String(40), primary_key=True),  # with "~" and a number: put aside when its line numbers came again
    Column("line", BigInteger, primary_key=True),
    Column("order_number", BigInteger, nullable=False),
    Column("product", BigInteger, nullable=False),
    Column("model", Text),
    Column("quantity", BigInteger, nullable=False),
    Column("status", Integer),
    Column("paid", Boolean, nullable=False),
    Column("state", String(12), nullable=False),
    Column("present", Boolean, nullable=False),
    Column("run", Integer, nullable=False, server_default="0"),  # above 0: its number had been used before
    Column("seen_at", BigInteger, nullable=False),
    Column("item_id", Id),  # whose stock it took; null: of nothing that was counted
    Column("taken", BigInteger, nullable=False, server_default="0"),  # units that it took in all
    Column("back", BigInteger, nullable=False, server_default="0"),  # units of it that came back in all
    Column("gone_at", BigInteger),  # when the shop was first seen without it
    Index("ix_order_lines_product", "cart_id", "epoch", "product", "state"),
    Index("ix_order_lines_order", "order_number", "cart_id", "epoch", "line"),
    Index("ix_order_lines_seen", "seen_at", "cart_id", "epoch", "line"),
    Index("ix_order_lines_model", "model", "seen_at", "cart_id", "epoch", "line"),
    Index(
        "ix_order_lines_unsold",
        "state",
        "seen_at",
        "cart_id",
        "epoch",
        "line",
        sqlite_where=text("state <> 'sold'"),
        postgresql_where=text("state <> 'sold'"),
    ),
)

posts = Table(
    "posts",
    metadata,
    Column("cart_id", Id, ForeignKey("carts.id"), primary_key=True),
    Column("epoch", String(40), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("first", BigInteger, nullable=False),  # number of the first post of the same batch
    Column("listing_id", Id, ForeignKey("listings.id"), nullable=False),
    Column("product", BigInteger, nullable=False),
    Column("delta", BigInteger, nullable=False),
    Column("reactivate", Boolean, nullable=False),
    Column("state", String(12), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("settled_at", BigInteger),
    Index("ix_posts_listing", "listing_id"),  # not the time of settling too: every post would be written into it twice
    Index("ix_posts_sent", "cart_id", sqlite_where=text("state = 'sent'"), postgresql_where=text("state = 'sent'")),
    Index("ix_posts_created", "cart_id", "created_at", "seq"),  # the newest first, across epochs
)

differences = Table(
    "differences",
    metadata,
    Column("id", Id, primary_key=True),
    Column("cart_id", Id, ForeignKey("carts.id"), nullable=False),
    Column("listing_id", Id, ForeignKey("listings.id")),
    Column("cause", String(40), nullable=False),
    Column("remedy", String(12), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("seen_quantity", BigInteger, nullable=False),
    Column("seen_ordered", BigInteger, nullable=False),
    Column("expected_quantity", BigInteger, nullable=False),
    Column("expected_ordered", BigInteger, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger),
    Column("note", Text, nullable=False),
    Index("ix_differences_listing", "listing_id", "opened_at"),
    Index(
        "ix_differences_open",
        "cart_id",
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
    sqlite_autoincrement=True,  # a booked edit has the number in its origin, and outlives the difference
)

parameters = Table(
    "parameters",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

phone_orders = Table(
    "phone_orders",
    metadata,
    Column("id", Id, primary_key=True),
    Column("number", String(255), nullable=False, unique=True),
    Column("person", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

phone_order_lines = Table(
    "phone_order_lines",
    metadata,
    Column("order_id", Id, ForeignKey("phone_orders.id"), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("item_id", Id, ForeignKey("items.id"), nullable=False),
    Column("quantity", BigInteger, nullable=False),
)
