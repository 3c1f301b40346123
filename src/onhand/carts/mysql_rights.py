"""Lists the rights a database user needs for direct MySQL, and no others, as statements for an administrator of the shop's server.

Path: ``onhand cart grants`` and the cart's page print them; the contract tests run as a user who has exactly these.
Promise: only rights that a verb uses are granted: no column of a customer, no write except to our own table and two columns of
products.
Never: connects, or knows a password.
"""

from __future__ import annotations

from collections.abc import Iterator

from onhand.domain.families import TELLING

from .mysql_server import Address

# The tables that every shop has, and the columns that are read; blank: all columns. Of orders and their history, only numbers.
READ = {
    "products": "",
    "products_description": "products_id, language_id, products_name",
    "products_attributes": "",
    "products_attributes_download": "products_attributes_id, products_attributes_filename",
    "products_to_categories": "categories_id",
    "orders_products": "orders_products_id, orders_id, products_id, products_model, products_quantity",
    "orders": "orders_id, orders_status",
    "orders_status_history": "orders_id",
    "orders_total": "sort_order",
    "languages": "languages_id, code",
}
_UNKNOWN_PREFIX = (
    "-- These rights are for tables without a prefix (products). If the shop's includes/configure.php has a DB_PREFIX, as zen_ in",
    "-- zen_products, do not run this: put the prefix behind the cart's address, as in ?prefix=zen_, and print the rights again.",
)
WRITTEN = "products_quantity, products_status"  # columns of products


def grants(address: Address, prefix: str, host: str) -> dict[str, list[str]]:
    """Return the statements: ``needed``; ``if_there``, for tables that only some shops have; ``rowlog``, if the address asks for it."""
    user = f"{_quoted(address.user)}@{_quoted(host)}"
    needed = [
        f"GRANT {_select(columns)} ON {_table(address, prefix, name)} TO {user};" for name, columns in READ.items()
    ]
    needed += [
        f"GRANT UPDATE ({WRITTEN}) ON {_table(address, prefix, 'products')} TO {user};",
        f"GRANT CREATE, SELECT, INSERT, UPDATE ON {_table(address, prefix, 'onhand_state')} TO {user};",
    ]
    some = [name for name in TELLING if name not in READ]
    return {
        "needed": [f"CREATE USER {user} IDENTIFIED BY 'the password';", *needed],
        "if_there": [f"GRANT SELECT ON {_table(address, prefix, name)} TO {user};" for name in some],
        "rowlog": list(_rowlog(user)) if address.rowlog else [],
    }


def as_text(statements: dict[str, list[str]], prefix: str | None = "") -> str:
    """Return all of it as a script for the program ``mysql``. ``prefix`` None: it is not known, and the script says so."""
    lines = [
        *(_UNKNOWN_PREFIX if prefix is None else ()),
        "-- Run this as an administrator of the shop's database server, as in: mysql --force < grants.sql",
        "-- Put a long random password in place of the words 'the password', and give it to `onhand cart password`.",
        *statements["needed"],
        "-- Only some shops have these tables. Where a statement fails because there is no such table, that is as it should be;",
        "-- after installing an add-on that keeps stock by option, run them again.",
        *statements["if_there"],
    ]
    if statements["rowlog"]:
        lines += [
            "-- To be woken by the row log. The second statement is for MariaDB from 10.5 on, and may fail elsewhere.",
            *statements["rowlog"],
        ]
    return "\n".join(lines) + "\n"


def _rowlog(user: str) -> Iterator[str]:
    yield f"GRANT REPLICATION SLAVE ON *.* TO {user};"
    yield f"GRANT BINLOG MONITOR ON *.* TO {user};"
    yield f"GRANT REPLICATION CLIENT ON *.* TO {user};"


def _select(columns: str) -> str:
    return f"SELECT ({columns})" if columns else "SELECT"


def _table(address: Address, prefix: str, usual: str) -> str:
    return f"`{address.database}`.`{prefix}{usual}`"


def _quoted(name: str) -> str:
    return "'" + name.replace("\\", "\\\\").replace("'", "''") + "'"
