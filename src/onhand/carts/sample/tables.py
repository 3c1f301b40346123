"""Holds the sample shop's tables: those of osCommerce 2.3 that trade and a connector need, in SQLite.

Path: ``shop`` opens its file through ``Pool`` and creates it with ``SCHEMA``.
Promise: column names and meanings are osCommerce's; ids rise and are never reused.
Never: holds a rule of trade.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BUSY_SECONDS = 10.0  # how long a statement waits for another's commit

SCHEMA = """
CREATE TABLE products (
    products_id INTEGER PRIMARY KEY AUTOINCREMENT,
    products_quantity INTEGER NOT NULL CHECK (products_quantity BETWEEN -2147483648 AND 2147483647),
    products_model VARCHAR(12) COLLATE NOCASE,
    products_price DECIMAL(15,4) NOT NULL,
    products_date_added DATETIME NOT NULL,
    products_last_modified DATETIME,
    products_status TINYINT NOT NULL,
    products_ordered INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX idx_products_model ON products (products_model);
CREATE TABLE products_description (
    products_id INTEGER NOT NULL,
    language_id INTEGER NOT NULL DEFAULT 1,
    products_name VARCHAR(64) NOT NULL DEFAULT '',
    PRIMARY KEY (products_id, language_id)
);
CREATE TABLE products_attributes (
    products_attributes_id INTEGER PRIMARY KEY AUTOINCREMENT,
    products_id INTEGER NOT NULL
);
CREATE INDEX idx_products_attributes_products_id ON products_attributes (products_id);
CREATE TABLE products_attributes_download (
    products_attributes_id INTEGER PRIMARY KEY,
    products_attributes_filename VARCHAR(255) NOT NULL DEFAULT ''
);
CREATE TABLE orders (
    orders_id INTEGER PRIMARY KEY AUTOINCREMENT,
    customers_name VARCHAR(255) NOT NULL,
    payment_method VARCHAR(255) NOT NULL,
    last_modified DATETIME,
    date_purchased DATETIME,
    orders_status INTEGER NOT NULL
);
CREATE TABLE orders_products (
    orders_products_id INTEGER PRIMARY KEY AUTOINCREMENT,
    orders_id INTEGER NOT NULL,
    products_id INTEGER NOT NULL,
    products_model VARCHAR(12),
    products_name VARCHAR(64) NOT NULL,
    products_price DECIMAL(15,4) NOT NULL,
    final_price DECIMAL(15,4) NOT NULL,
    products_quantity INTEGER NOT NULL
);
CREATE INDEX idx_orders_products_orders_id ON orders_products (orders_id);
CREATE TABLE orders_status_history (
    orders_status_history_id INTEGER PRIMARY KEY AUTOINCREMENT,
    orders_id INTEGER NOT NULL,
    orders_status_id INTEGER NOT NULL,
    date_added DATETIME NOT NULL
);
CREATE INDEX idx_orders_status_history_orders_id ON orders_status_history (orders_id);
CREATE TABLE orders_total (
    orders_total_id INTEGER PRIMARY KEY AUTOINCREMENT,
    orders_id INTEGER NOT NULL,
    title VARCHAR(255) NOT NULL,
    value DECIMAL(15,4) NOT NULL,
    class VARCHAR(32) NOT NULL
);
CREATE INDEX idx_orders_total_orders_id ON orders_total (orders_id);
CREATE TABLE configuration (
    configuration_id INTEGER PRIMARY KEY AUTOINCREMENT,
    configuration_key VARCHAR(255) NOT NULL,
    configuration_value TEXT NOT NULL
);
"""


class Pool:
    """A pool of SQLite connections to one file: each is used by one thread at a time, so that threads race for real.

    Connections are in autocommit: every statement outside an explicit BEGIN commits alone.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection for the length of the block; uncommitted work is rolled back."""
        with self._lock:
            db = self._idle.pop() if self._idle else None
        db = db or self._open()
        try:
            yield db
        finally:
            if db.in_transaction:
                db.rollback()
            with self._lock:
                self._idle.append(db)

    def close(self) -> None:
        """Close the idle connections; a later call opens new ones."""
        with self._lock:
            idle, self._idle = self._idle, []
        for db in idle:
            db.close()

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        # Shops hold bytes of every age; bytes that are not UTF-8 are shown as U+FFFD and never break a page or an answer.
        db.text_factory = lambda raw: raw.decode("utf-8", "replace")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        return db
