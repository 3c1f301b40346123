"""Defines the tables for buying, counting, people, webhooks, long work, leases, commits and moves.

Path: the books of these nouns query them; the first migration creates them together with those of ``tables``.
Promise: the session, link and token secrets of browsers and programs are stored only as digests.
Never: holds a quantity on hand; those are in ``tables``.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text, false

from .tables import Id, metadata

suppliers = Table(
    "suppliers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(255), nullable=False),
    Column("name_key", String(255), nullable=False, unique=True),
    Column("email", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("revision", BigInteger, nullable=False, server_default="0"),
)

purchase_orders = Table(
    "purchase_orders",
    metadata,
    Column("id", Id, primary_key=True),
    Column("number", String(255), nullable=False, unique=True),
    Column("supplier_id", Id, ForeignKey("suppliers.id"), nullable=False),
    Column("state", String(12), nullable=False),
    Column("note", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("sent_at", BigInteger),
    Column("closed_at", BigInteger),
    Column("revision", BigInteger, nullable=False, server_default="0"),
)

purchase_order_lines = Table(
    "purchase_order_lines",
    metadata,
    Column("order_id", Id, ForeignKey("purchase_orders.id"), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("item_id", Id, ForeignKey("items.id"), nullable=False),
    Column("ordered", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False),
    Index("ix_purchase_order_lines_item", "item_id"),
)

count_sheets = Table(
    "count_sheets",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(255), nullable=False),
    Column("state", String(12), nullable=False),
    Column("person", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger),
    Column("revision", BigInteger, nullable=False, server_default="0"),
)

count_lines = Table(
    "count_lines",
    metadata,
    Column("sheet_id", Id, ForeignKey("count_sheets.id"), primary_key=True),
    Column("item_id", Id, ForeignKey("items.id"), primary_key=True),
    Column("counted", BigInteger),  # None: not counted yet
    Column("expected", BigInteger),  # on hand at the moment of counting
    Column("counted_at", BigInteger),
    Column("movement", BigInteger),  # the newest one at that time
    Column("person", Text, nullable=False),
    Column("revision", BigInteger, nullable=False, server_default="0"),
)

users = Table(
    "users",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(100), nullable=False),
    Column("name_key", String(100), nullable=False, unique=True),
    Column("password", Text),  # an argon2 hash; None: not chosen yet
    Column("role", String(20), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False, server_default="0"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", String(64), primary_key=True),  # of the browser's cookie
    Column("user_id", Id, ForeignKey("users.id"), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("agent", Text, nullable=False),
    Index("ix_sessions_user", "user_id"),
)

links = Table(
    "links",
    metadata,
    Column("digest", String(64), primary_key=True),  # of the secret part of a one-time link
    Column("user_id", Id, ForeignKey("users.id")),  # who chooses a password with it; None: the first administrator
    Column("expires_at", BigInteger, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(100), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("scopes", Text, nullable=False),
    Column("user_id", Id, ForeignKey("users.id"), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("used_at", BigInteger),
    Column("revoked_at", BigInteger),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("person", Text, nullable=False),
    Column("via", String(12), nullable=False),
    Column("verb", String(60), nullable=False),
    Column("arguments", Text, nullable=False),
    # The log is asked for a day, a person or a verb; it is written once for each verb, not for each movement.
    Index("ix_audit_at", "at"),
    Index("ix_audit_person", "person", "id"),
    Index("ix_audit_verb", "verb", "id"),
)

requests = Table(
    "requests",
    metadata,
    Column("caller", String(120), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("answer", Text, nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("verb", String(60), nullable=False),
    Column("cart_id", Id),
    Column("arguments", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("state", String(12), nullable=False),
    Column("result", Text),
    Column("message", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("holder", String(40), nullable=False, server_default=""),  # the process that runs it
    Column("caller", String(40), nullable=False, server_default=""),  # who may go on with it if its process dies
    Column("stopping", Boolean, nullable=False, server_default=false()),  # a person wants it to stop
)

task_lines = Table(
    "task_lines",
    metadata,
    Column("task_id", Id, ForeignKey("tasks.id"), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("product", BigInteger, nullable=False),
    Column("sku", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("here", BigInteger),
    Column("there", BigInteger, nullable=False),
    Column("change", BigInteger, nullable=False),
    Column("result", String(12), nullable=False),
    Column("failure", Text),
    Index("ix_task_lines_result", "task_id", "result", "line"),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("url", Text, nullable=False, unique=True),
    Column("secret", Text, nullable=False),  # sealed, see ``vault``
    Column("events", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("allow_http", Boolean, nullable=False),
    Column("down", Text, nullable=False),  # the carts that it was notified are down
    Column("movement_cursor", BigInteger, nullable=False),
    Column("difference_cursor", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False, server_default="0"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("webhook_id", Id, ForeignKey("webhooks.id"), nullable=False),
    Column("event", String(40), nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String(12), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("answer", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("settled_at", BigInteger),
    Index("ix_deliveries_webhook", "webhook_id", "id"),
    Index("ix_deliveries_state", "webhook_id", "state", "id"),
)

mappings = Table(
    "mappings",
    metadata,
    Column("kind", String(20), primary_key=True),  # of a file: items, counts, receipts
    Column("heading", String(255), primary_key=True),  # as ``headings.normal`` writes it
    Column("column", String(40), nullable=False),  # blank: left out
)

samples = Table(
    "samples",
    metadata,
    Column("cart_id", Id, ForeignKey("carts.id"), primary_key=True),
    Column("at", BigInteger, primary_key=True),
    Column("waiting", BigInteger, nullable=False),
    Column("in_flight", BigInteger, nullable=False),
    Column("parked", BigInteger, nullable=False),
    Column("differences", BigInteger, nullable=False),
)

processes = Table(
    "processes",
    metadata,
    Column("holder", String(40), primary_key=True),  # the name of the process, new with each start
    Column("machine", Text, nullable=False),
    Column("role", String(40), nullable=False),  # what it was started as
    Column("pid", BigInteger, nullable=False),
    Column("drives", Boolean, nullable=False),  # takes a share of the duties
    Column("notice", Text, nullable=False),  # JSON, sealed: where it takes commands
    Column("since", BigInteger, nullable=False),  # this and the other times: by the clock of the database server
    Column("until", BigInteger, nullable=False),  # all its leases end then, unless it renews this
    Column("report", Text, nullable=False),  # JSON: the pulses of its carts, the progress of its tasks
    Column("reported", BigInteger, nullable=False),
)

guesses = Table(
    "guesses",
    metadata,
    Column("guesser", String(64), primary_key=True),  # a digest: people type their password where the name belongs
    Column("wrong", BigInteger, nullable=False),
    Column(
        "until", BigInteger
    ),  # no try is checked before this; this and the next: by the clock of the database server
    Column("at", BigInteger, nullable=False, index=True),  # of the last try
)

uploads = Table(
    "uploads",
    metadata,
    Column("token", String(64), primary_key=True),  # its digest
    Column("owner", String(40), nullable=False),  # a caller
    Column("content", LargeBinary, nullable=False),  # compressed
    Column("at", BigInteger, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(40), primary_key=True),  # a duty; or "store", which keeps writers apart and counts commits
    Column("holder", String(40), nullable=False),  # a process; blank: free
    Column("epoch", BigInteger, nullable=False),  # grows whenever the holder changes
    Column("wanted", String(40), nullable=False, server_default=""),  # a process that waits for it
    Column("hints", BigInteger, nullable=False, server_default="0"),  # how often the shop said that it sold something
)

commits = Table(
    "commits",
    metadata,
    Column("process", String(40), primary_key=True),
    Column("number", BigInteger, nullable=False),  # of its last commit
    Column("at", BigInteger, nullable=False),  # by the clock of the database server
)

moves = Table(
    "moves",
    metadata,
    Column("id", String(32), primary_key=True),  # the same in both stores of a move
    Column("state", String(12), nullable=False),  # of this store in that move, see ``storage.moves``
    Column("other", Text, nullable=False),  # the address of the other store, without passwords
    Column("at", BigInteger, nullable=False),
    Column("person", Text, nullable=False),
    Column("run", String(32), nullable=False),  # the only run of `onhand migrate` that may fill this store; blank: none
)
