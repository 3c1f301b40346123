"""Makes of any test shop one that is reached directly through its database, by a user with the rights that OnHand asks for.

Path: ``tests.carts.test_mysql`` and whoever trades with direct carts.
Promise: the user has exactly what ``onhand cart grants`` prints; everything else of the shop is as in ``FamilyShop``.
Never: gives the user more.
"""

from __future__ import annotations

import time
from typing import Any

import pymysql
from pymysql.constants import ER

from onhand.carts.mysql import MySql
from onhand.carts.mysql_rights import as_text, grants
from onhand.carts.mysql_server import Address
from tests.shops.shop import FamilyShop

PASSWORD = "dïrect 'secret'"


def direct(cart: type[FamilyShop], members: str = "") -> type[Any]:
    """A class like the cart's own, whose client under test is ``MySql``. ``members`` stand behind the address."""

    class Direct(cart):  # type: ignore[misc, valid-type]
        """Reached through its database."""

        version = ""  # what only the shop's files say is not known here

        def __init__(self, *arguments: Any, **more: Any) -> None:
            super().__init__(*arguments, **more)
            self.login = f"d_{self.database}"
            self.address = f"mysql://{self.login}@127.0.0.1:{self.mariadb.port}/{self.database}" + (
                members and f"?{members}"
            )
            script = as_text(grants(Address.of(self.address), self.prefix, "127.0.0.1"))
            run_as_administrator(self, script.replace("the password", PASSWORD.replace("'", "''"), 2))

        def new_client(self, *, address: str = "", **more: Any) -> MySql:
            return MySql(address or self.address, PASSWORD, **{"clock": time.monotonic, **more})

        def close(self) -> None:
            super().close()
            with self.mariadb.connect() as root, root.cursor() as cursor:
                cursor.execute(f"DROP USER '{self.login}'@'127.0.0.1'")

    return Direct


def run_as_administrator(shop: FamilyShop, script: str) -> None:
    """Line by line, as ``mysql --force`` does; only a table that is not there may make a line fail."""
    for line in script.splitlines():
        if not line.startswith("--"):
            try:
                shop.sql(line)
            except pymysql.err.ProgrammingError as problem:
                if problem.args[0] != ER.NO_SUCH_TABLE:
                    raise
