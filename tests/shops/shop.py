"""Builds a small shop of one family with the connector in it, and trades in it.

Path: contract tests, stories and bench scripts take a class of ``tests.shops.families``; needs a ``MariaDB`` and a ``PhpServer``.
Promise: the tables are those of a real installation; buyers and admins act through ``checkout.php``, statement by statement as the
real shop does; ``row`` and the like read the database directly.
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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from onhand.carts.endpoint import Endpoint
from onhand.carts.signing import key_file, new_key
from onhand.services.ports import Shop
from tests.carts.driver import Product, Wire
from tests.servers import PASSWORD, USER, MariaDB, PhpServer

HERE = Path(__file__).parent
CONNECTOR = HERE.parents[1] / "connector" / "onhand.php"
SWITCHES = {
    "DEFAULT_LANGUAGE": "en",
    "STOCK_CHECK": "true",
    "STOCK_LIMITED": "true",
    "STOCK_ALLOW_CHECKOUT": "true",
    "DOWNLOAD_ENABLED": "false",
}
_numbers = itertools.count(1)


class FamilyShop:
    """One fresh, empty shop. Implements ``tests.carts.driver.ShopDriver``; what differs from family to family is a class attribute."""

    folder: ClassVar[str]  # with its schema.sql and, if it sells otherwise than osCommerce 2.3, its selling.php
    selling: ClassVar[str] = ""  # whose selling.php, if not its own
    family: ClassVar[str]
    version: ClassVar[str] = ""
    usual_engine: ClassVar[str] = "InnoDB"
    usual_prefix: ClassVar[str] = ""
    collation: ClassVar[str] = "DEFAULT CHARACTER SET utf8mb3 COLLATE utf8mb3_unicode_ci"
    sku_length: ClassVar[int] = 12
    quantity_min: ClassVar[int] = -(2**31)
    quantity_max: ClassVar[int] = 2**31 - 1
    ordered_max: ClassVar[int] = 2**31 - 1
    letters: ClassVar[str] = "Ω – 漢字, ελληνικά, שלום"
    reactivates: ClassVar[bool] = True
    stamped: ClassVar[bool] = False
    switches: ClassVar[Mapping[str, str]] = {}  # beyond what every shop has
    switches_off: ClassVar[Mapping[str, str]] = {}  # settings with which a product that sold out is switched off

    def __init__(
        self,
        mariadb: MariaDB,
        php: PhpServer,
        engine: str = "",
        *,
        collation: str = "",
        prefix: str | None = None,
        connector_php: PhpServer | None = None,
    ) -> None:
        """``connector_php`` serves the connector where that is not to be the PHP of the shop's own pages."""
        self.mariadb, self.php = mariadb, php
        self.engine, self.prefix = engine or self.usual_engine, self.usual_prefix if prefix is None else prefix
        self.database = mariadb.new_database()
        self.connection = mariadb.connect(self.database)
        self._make_tables(collation or self.collation)
        self.root = php.root / f"shop{os.getpid()}-{next(_numbers)}"
        (self.root / "includes").mkdir(parents=True)
        self.configure()
        shutil.copy(HERE / "checkout.php", self.root)
        selling = HERE / (self.selling or self.folder) / "selling.php"
        if selling.exists():
            shutil.copy(selling, self.root)
        shutil.copy(CONNECTOR, self.root)
        self.key_id, self.secret_hex = new_key()
        (self.root / "onhand-key.php").write_text(key_file(self.key_id, self.secret_hex, False, ""))
        self.base_url = f"{php.url}/{self.root.name}"
        self.url = f"{self.base_url}/onhand.php"
        if connector_php is not None:
            (connector_php.root / self.root.name).symlink_to(self.root)
            self.url = f"{connector_php.url}/{self.root.name}/onhand.php"
        self._shop: Shop | None = None

    def _make_tables(self, collation: str) -> None:
        self.sql(
            "SET SESSION sql_mode = ''"
        )  # as most shops do: what is not given is nothing, and there are zero dates
        schema = (HERE / self.folder / "schema.sql").read_text()
        for word, value in (("{ENGINE}", self.engine), ("{COLLATION}", collation), ("{PREFIX}", self.prefix)):
            schema = schema.replace(word, value)
        for statement in schema.split(";\n"):
            if "".join(line for line in statement.splitlines() if not line.startswith("--")).strip():
                self.sql(statement)
        for name, value in {**SWITCHES, **self.switches}.items():
            self.setting(name, value)
        self.sql(
            f"INSERT INTO {self.prefix}languages (languages_id, name, code, directory, sort_order)"
            " VALUES (1, 'English', 'en', 'english', 1), (2, 'Deutsch', 'de', 'german', 2)"
        )

    def configure(self, *, server: str | None = None, password: str = PASSWORD, database: str | None = None) -> None:
        """Writes the shop's configuration file, and the login that its own pages use."""
        login = {
            "DB_SERVER": server or f"127.0.0.1:{self.mariadb.port}",
            "DB_SERVER_USERNAME": USER,
            "DB_SERVER_PASSWORD": password,
            "DB_DATABASE": database or self.database,
        }
        self.write_configuration(login)
        own = {**login, "DB_SERVER": f"127.0.0.1:{self.mariadb.port}", "PREFIX": self.prefix}
        (self.root / "login.php").write_text(defines(own))

    def write_configuration(self, login: Mapping[str, str]) -> None:
        """Writes what the family has for its database login; most have constants in includes/configure.php."""
        (self.root / "includes" / "configure.php").write_text(defines({"HTTP_SERVER": "http://127.0.0.1", **login}))

    def empty(self) -> None:
        """Make it fresh again, quicker than a new one: nothing in it, no memory of the connector, the settings as at first."""
        for (table,) in self.sql("SHOW TABLES"):
            if table == f"{self.prefix}onhand_state":
                self.sql(f"DROP TABLE {table}")
            elif not table.endswith(("languages", "_version")):
                self.sql(f"DELETE FROM {table}")
        for name, value in {**SWITCHES, **self.switches}.items():
            self.setting(name, value)

    def close(self) -> None:
        if self._shop is not None:
            self._shop.disconnect()
        self.connection.close()
        self.mariadb.drop_database(self.database)
        shutil.rmtree(self.root, ignore_errors=True)

    def reconnect(self) -> None:
        """After the server was killed and started again."""
        self.connection.close()
        self.connection = self.mariadb.connect(self.database)

    # The client under test

    def shop(self) -> Shop:
        if self._shop is None:
            self._shop = self.new_client()
        return self._shop

    def new_client(self, *, path: str = "onhand.php", read_timeout_seconds: float = 30, holder: str = "") -> Endpoint:
        """Another client; ``path`` names another file that answers as the connector."""
        url = f"{self.url.rpartition('/')[0]}/{path}"
        return Endpoint(
            url,
            self.key_id,
            self.secret_hex,
            clock=time.time,
            read_timeout_seconds=read_timeout_seconds,
            holder=holder,
        )

    def wire(self) -> Wire:
        return Wire(self.url, self.key_id, self.secret_hex)

    # The shop's side

    @property
    def stock(self) -> str:
        """Where a statement reads products_quantity and products_ordered: a table, or what stands for one."""
        return f"{self.prefix}products"

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
                f"INSERT INTO {self.prefix}products (products_quantity, products_model, products_date_added, products_status,"
                " products_ordered) VALUES (%s, %s, now(), %s, %s)",
                (quantity, model, status, ordered),
            )
            product = int(cursor.lastrowid)
            cursor.execute(
                f"INSERT INTO {self.prefix}products_description (products_id, language_id, products_name) VALUES (%s, 1, %s)",
                (product, name),
            )
        return product

    def add_products(self, number: int, quantity: int = 100) -> None:
        """Many products in one statement, for measurements."""
        self.sql(
            f"INSERT INTO {self.prefix}products (products_quantity, products_model, products_date_added, products_status, products_ordered)"
            " SELECT %s + seq %% 7, CONCAT('M', seq), now(), 1, seq %% 11 FROM (SELECT seq FROM seq_1_to_"
            + str(number)
            + ") n",
            (quantity,),
        )
        self.sql(
            f"INSERT INTO {self.prefix}products_description (products_id, language_id, products_name)"
            f" SELECT products_id, 1, CONCAT('Product ', products_id) FROM {self.prefix}products"
            f" WHERE products_id NOT IN (SELECT products_id FROM {self.prefix}products_description)"
        )

    def sell(self, product: int, n: int) -> int:
        return self.sell_order([(product, n)])

    def sell_order(self, lines: Sequence[Sequence[Any]], think_us: int = 0) -> int:
        """Lines of product, units and, where a family keeps stock by option, the option: see its selling.php."""
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
        found = self.sql(
            f"SELECT orders_products_id FROM {self.prefix}orders_products WHERE orders_id = %s ORDER BY 1", (order,)
        )
        return [int(row[0]) for row in found]

    def add_line(self, line: int, order: int, product: int, n: int) -> None:
        self.sql(
            f"INSERT INTO {self.prefix}orders_products (orders_products_id, orders_id, products_id, products_model, products_name,"
            " products_quantity) SELECT %s, %s, products_id, products_model, 'x', %s"
            f" FROM {self.prefix}products WHERE products_id = %s",
            (line, order, n, product),
        )

    def delete_order_row(self, order: int) -> None:
        self.sql(f"DELETE FROM {self.prefix}orders WHERE orders_id = %s", (order,))

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
            self.sql(f"UPDATE {self.prefix}products SET {sets} WHERE products_id = %s", (*fields.values(), product))

    def delete_product(self, product: int) -> None:
        self.act("delete", product=product)

    def row(self, product: int) -> Product | None:
        found = self.sql(
            "SELECT products_quantity + 0e0, products_ordered + 0e0, products_status, products_model, CAST(products_last_modified AS CHAR)"
            f" FROM {self.stock} p WHERE products_id = %s",
            (product,),
        )
        if not found:
            return None
        quantity, ordered, status, model, modified = found[0]
        # As doubles they are exact, also where the columns are FLOAT; a zero date is no date.
        return Product(
            _whole(quantity), _whole(ordered), status, model, None if modified and modified < "0001" else modified
        )

    def make_download(self, product: int) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {self.prefix}products_attributes (products_id, options_id, options_values_id) VALUES (%s, 1, 1)",
                (product,),
            )
            cursor.execute(
                f"INSERT INTO {self.prefix}products_attributes_download (products_attributes_id, products_attributes_filename)"
                " VALUES (%s, 'manual.pdf')",
                (cursor.lastrowid,),
            )
        self.setting("DOWNLOAD_ENABLED", "true")

    def setting(self, name: str, value: str) -> None:
        where = f"{self.prefix}configuration"
        if not self.sql(f"SELECT 1 FROM {where} WHERE configuration_key = %s", (name,)):
            self.sql(f"INSERT INTO {where} (configuration_key, configuration_value) VALUES (%s, %s)", (name, value))
        self.sql(f"UPDATE {where} SET configuration_value = %s WHERE configuration_key = %s", (value, name))

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


def _whole(number: float) -> float:
    return int(number) if number == int(number) else number


def defines(constants: Mapping[str, str]) -> str:
    """A PHP file that defines these constants."""
    return "<?php\n" + "".join(f"define('{name}', '{value}');\n" for name, value in constants.items())
