"""Builds a small osCommerce 2.3 shop with the connector in it, and trades in it.

Path: contract tests, stories and bench scripts; needs a ``MariaDB`` and a ``PhpServer`` of ``tests.servers``.
Promise: buyers and admins act through ``checkout.php``, statement by statement as the real shop does;
``row`` and the like read the database directly.
Never: goes through the connector, except that ``shop()`` answers a client for it.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from onhand.carts.endpoint import Endpoint
from onhand.carts.signing import key_file, new_key
from tests.carts.driver import Product, Wire
from tests.servers import PASSWORD, USER, MariaDB, PhpServer

HERE = Path(__file__).parent
CONNECTOR = HERE.parents[2] / "connector" / "onhand.php"
COLLATIONS = {
    "utf8": "DEFAULT CHARACTER SET utf8mb3 COLLATE utf8mb3_unicode_ci",
    "latin1": "DEFAULT CHARACTER SET latin1",
}
_numbers = itertools.count(1)


class OsCommerce23:
    """One fresh, empty shop. Implements ``tests.carts.driver.ShopDriver``."""

    family = "oscommerce"
    sku_length = 12
    quantity_min, quantity_max = -(2**31), 2**31 - 1

    def __init__(
        self,
        mariadb: MariaDB,
        php: PhpServer,
        engine: str = "InnoDB",
        *,
        charset: str = "utf8",
        prefix: str = "",
        connector_php: PhpServer | None = None,
    ) -> None:
        """``connector_php`` serves the connector where that is not to be the PHP of the shop's own pages."""
        self.mariadb, self.php, self.engine, self.prefix = mariadb, php, engine, prefix
        self.database = mariadb.new_database()
        self.connection = mariadb.connect(self.database)
        schema = (HERE / "schema.sql").read_text()
        schema = schema.replace("{ENGINE}", engine).replace("{COLLATION}", COLLATIONS[charset])
        for statement in schema.split(";\n"):
            if "".join(line for line in statement.splitlines() if not line.startswith("--")).strip():
                self.sql(statement)
        self.root = php.root / f"shop{os.getpid()}-{next(_numbers)}"
        (self.root / "includes").mkdir(parents=True)
        self.configure()
        shutil.copy(HERE / "checkout.php", self.root)
        shutil.copy(CONNECTOR, self.root)
        self.key_id, self.secret_hex = new_key()
        (self.root / "onhand-key.php").write_text(key_file(self.key_id, self.secret_hex, False, prefix))
        self.base_url = f"{php.url}/{self.root.name}"
        self.url = f"{self.base_url}/onhand.php"
        if connector_php is not None:
            (connector_php.root / self.root.name).symlink_to(self.root)
            self.url = f"{connector_php.url}/{self.root.name}/onhand.php"
        self._shop = self.new_client()

    def configure(self, *, server: str | None = None, password: str = PASSWORD, database: str | None = None) -> None:
        """Writes the shop's includes/configure.php."""
        text = (HERE / "configure.php").read_text()
        text = text.replace("{SERVER}", server or f"127.0.0.1:{self.mariadb.port}").replace("{USER}", USER)
        text = text.replace("{PASSWORD}", password).replace("{DATABASE}", database or self.database)
        (self.root / "includes" / "configure.php").write_text(text)

    def close(self) -> None:
        self._shop.disconnect()
        self.connection.close()
        self.mariadb.drop_database(self.database)
        shutil.rmtree(self.root, ignore_errors=True)

    def reconnect(self) -> None:
        """After the server was killed and started again."""
        self.connection.close()
        self.connection = self.mariadb.connect(self.database)

    # The client under test

    def shop(self) -> Endpoint:
        return self._shop

    def new_client(self, *, path: str = "onhand.php", read_timeout_seconds: float = 30) -> Endpoint:
        """Another client; ``path`` names another file that answers as the connector."""
        url = f"{self.url.rpartition('/')[0]}/{path}"
        return Endpoint(url, self.key_id, self.secret_hex, clock=time.time, read_timeout_seconds=read_timeout_seconds)

    def wire(self) -> Wire:
        return Wire(self.url, self.key_id, self.secret_hex)

    # The shop's side

    def act(self, action: str, **what: Any) -> dict[str, Any]:
        """One request to checkout.php."""
        body = json.dumps({"action": action, **what}).encode()
        with urllib.request.urlopen(
            urllib.request.Request(f"{self.base_url}/checkout.php", body), timeout=60
        ) as answer:
            return dict(json.loads(answer.read()))

    def sql(self, statement: str, values: Sequence[object] | None = None) -> list[Any]:
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())

    def add_product(self, model: str | None, quantity: int, name: str = "", status: int = 1, ordered: int = 0) -> int:
        with self.connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO products (products_quantity, products_model, products_price, products_date_added, products_weight,"
                " products_status, products_tax_class_id, products_ordered) VALUES (%s, %s, 1, now(), 0, %s, 0, %s)",
                (quantity, model, status, ordered),
            )
            product = int(cursor.lastrowid)
            cursor.execute(
                "INSERT INTO products_description (products_id, language_id, products_name) VALUES (%s, 1, %s)",
                (product, name),
            )
        return product

    def add_products(self, number: int, quantity: int = 100) -> None:
        """Many products in one statement, for measurements."""
        self.sql(
            "INSERT INTO products (products_quantity, products_model, products_price, products_date_added, products_weight,"
            " products_status, products_tax_class_id, products_ordered)"
            " SELECT %s + seq %% 7, CONCAT('M', seq), 1, now(), 0, 1, 0, seq %% 11 FROM (SELECT seq FROM seq_1_to_"
            + str(number)
            + ") n",
            (quantity,),
        )
        self.sql(
            "INSERT INTO products_description (products_id, language_id, products_name)"
            " SELECT products_id, 1, CONCAT('Product ', products_id) FROM products"
            " WHERE products_id NOT IN (SELECT products_id FROM products_description)"
        )

    def sell(self, product: int, n: int) -> int:
        return self.sell_order([(product, n)])

    def sell_order(self, lines: Sequence[tuple[int, int]], think_us: int = 0) -> int:
        return int(self.act("sell", lines=[list(line) for line in lines], think_us=think_us)["order"])

    def prepare(self, product: int, n: int) -> int:
        return int(self.act("prepare", lines=[[product, n]])["order"])

    def pay(self, order: int) -> None:
        self.act("pay", order=order)

    def abandon(self, order: int) -> None:
        self.act("abandon", order=order)

    def remove_order(self, order: int, restock: bool) -> None:
        self.act("remove", order=order, restock=restock)

    def set_order_status(self, order: int, status: int) -> None:
        self.act("status", order=order, status=status)

    def lines_of(self, order: int) -> list[int]:
        found = self.sql("SELECT orders_products_id FROM orders_products WHERE orders_id = %s ORDER BY 1", (order,))
        return [int(row[0]) for row in found]

    def add_line(self, line: int, order: int, product: int, n: int) -> None:
        self.sql(
            "INSERT INTO orders_products (orders_products_id, orders_id, products_id, products_model, products_name, products_price,"
            " final_price, products_tax, products_quantity) SELECT %s, %s, products_id, products_model, 'x', 1, 1, 0, %s"
            " FROM products WHERE products_id = %s",
            (line, order, n, product),
        )

    def delete_order_row(self, order: int) -> None:
        self.sql("DELETE FROM orders WHERE orders_id = %s", (order,))

    def set(
        self,
        product: int,
        *,
        quantity: int | None = None,
        ordered: int | None = None,
        status: int | None = None,
        model: str | None = None,
        modified: bool = True,
    ) -> None:
        given = {"quantity": quantity, "ordered": ordered, "status": status, "model": model}
        fields = {name: value for name, value in given.items() if value is not None}
        if modified:
            self.act("save", product=product, fields=fields)
        else:
            sets = ", ".join(f"products_{name} = %s" for name in fields)
            self.sql(f"UPDATE products SET {sets} WHERE products_id = %s", (*fields.values(), product))

    def delete_product(self, product: int) -> None:
        self.act("delete", product=product)

    def row(self, product: int) -> Product | None:
        found = self.sql(
            "SELECT products_quantity, products_ordered, products_status, products_model, CAST(products_last_modified AS CHAR)"
            " FROM products WHERE products_id = %s",
            (product,),
        )
        return Product(*found[0]) if found else None

    def make_download(self, product: int) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO products_attributes (products_id, options_id, options_values_id, options_values_price, price_prefix)"
                " VALUES (%s, 1, 1, 0, '+')",
                (product,),
            )
            cursor.execute(
                "INSERT INTO products_attributes_download VALUES (%s, 'manual.pdf', 7, 5)", (cursor.lastrowid,)
            )
        self.setting("DOWNLOAD_ENABLED", "true")

    def setting(self, name: str, value: str) -> None:
        self.sql("UPDATE configuration SET configuration_value = %s WHERE configuration_key = %s", (value, name))

    def leave_begun(self, first: int, last: int) -> None:
        self.sql(f"UPDATE `{self.prefix}onhand_state` SET begun_first = %s, begun_last = %s", (first, last))

    @property
    def lock_name(self) -> str:
        return "onhand:" + hashlib.md5(f"{self.database}|{self.prefix}".encode()).hexdigest()

    @contextmanager
    def busy(self) -> Iterator[None]:
        self.sql("SELECT GET_LOCK(%s, 5)", (self.lock_name,))
        try:
            yield
        finally:
            self.sql("SELECT RELEASE_LOCK(%s)", (self.lock_name,))
