"""Knows where things are in a shop's own database, and of what type they are.

Path: ``mysql`` composes its statements from it; the part "The shop's tables" of ``connector/onhand.php`` says the same in PHP.
Promise: a shop is found, never guessed: without a prefix in the cart's address exactly one has to be there.
Never: writes.

A place is ``table.column``, the table by its usual name, as in ``domain.families``, which has the facts about each cart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from string import Formatter

from onhand.domain.errors import Permanent
from onhand.domain.families import (
    DOWNLOADS_SUBTRACTED,
    FAMILIES,
    NEEDED,
    OTHER_STOCK,
    SENT_AS_WELL,
    SETTINGS,
    TELLING,
    OtherStock,
    SettingsTable,
)
from onhand.domain.sketch import MULTIPLIER, WORD

from .mysql_server import PREFIX, Server

LINES = "orders_products"

_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
# How far whole numbers are safe. The shop reads six digits of a FLOAT; anything beyond would be rounded at its next sale.
_EXACT = {"float": 999_999, "double": 2**53}


@dataclass(frozen=True, slots=True)
class Column:
    """The database's description of one column."""

    type: str
    shape: str  # the declared type
    nullable: bool
    length: int  # characters, 0 if it is not a text
    collation: str
    digits: int  # digits before the point of a decimal
    stamped: bool  # whether the database writes the time of every change into it

    @property
    def unsigned(self) -> bool:
        return "unsigned" in self.shape.lower()


@dataclass(frozen=True, slots=True)
class Counter:
    """Ways to read one of the two counters of a product."""

    plain: str  # as it is
    value: str  # as a whole number
    wide: str  # safe to multiply by a weight
    fraction: str  # whether it has a fraction
    low: int  # the range that the column holds exactly
    high: int

    @property
    def after(self) -> str:
        """Return what it would be after the post d."""
        return f"{self.value} + d.delta"


@dataclass(slots=True)
class Tables:
    """The tables of one shop. They are looked up again in every verb, because a shop may be altered while we are connected."""

    server: Server
    prefix: str
    _columns: dict[str, dict[str, Column]] = field(default_factory=dict, init=False)
    _engine: str | None = field(default=None, init=False)

    def name(self, usual: str) -> str:
        """Return a table, by its usual name, as it goes into a statement."""
        return f"`{self.prefix}{usual}`"

    @property
    def state(self) -> str:
        return self.name("onhand_state")

    @property
    def products(self) -> str:
        return self.name("products")

    def columns(self, tables: Sequence[str] = ("products",)) -> dict[str, Column]:
        """Return the columns of these tables by their places, if the tables exist. Raise Permanent if products is not a shop's table."""
        missing = {f"{self.prefix}{usual}".lower(): usual for usual in tables if usual not in self._columns}
        if missing:
            self._columns.update({usual: {} for usual in missing.values()})
            for row in self.server.rows(
                "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, CHARACTER_MAXIMUM_LENGTH, COLLATION_NAME,"
                " NUMERIC_PRECISION, NUMERIC_SCALE, EXTRA FROM information_schema.COLUMNS"
                f" WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN ({_texts(missing)})"
            ):
                found = missing[text(row[0]).lower()]
                self._columns[found][f"{found}.{text(row[1]).lower()}"] = _column(row[2:])
        for place in NEEDED:
            if "products" in tables and place not in self._columns["products"]:
                raise Permanent(
                    f"The shop's database has no column {place.split('.')[1]} in a table {self.prefix}products that this user may read:"
                    f" check database and prefix in the cart's address, and the rights of the user.{self._other_prefixes()}",
                    reason="tables",
                )
        return {place: column for usual in tables for place, column in self._columns[usual].items()}

    def engine(self) -> str:
        """Return the engine of the products table."""
        if self._engine is None:
            row = self.server.row(
                "SELECT ENGINE FROM information_schema.TABLES"
                f" WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '{self.prefix}products'"
            )
            self._engine = text(row[0]) if row else ""
        return self._engine

    def transactional(self) -> bool:
        return self.engine().lower() == "innodb"

    def quantity(self) -> Counter:
        return self._counter("products_quantity")

    def ordered(self) -> Counter:
        return self._counter("products_ordered")

    def weight(self) -> str:
        """Return h(id): the weight of a product in the checking sums."""
        unsigned = self.columns()["products.products_id"].unsigned
        product = "CAST(p.products_id AS SIGNED)" if unsigned else "p.products_id"
        return f"({product} * {MULTIPLIER} % {WORD})"

    def _counter(self, name: str) -> Counter:
        column = self.columns()[f"products.{name}"]
        plain = f"IFNULL(p.{name}, 0)" if column.nullable else f"p.{name}"
        if bits := _BITS.get(column.type):
            high = 2 ** min(53, bits - (not column.unsigned)) - 1
            value = f"CAST({plain} AS SIGNED)" if column.unsigned else plain
            wide = value if bits < 64 and not column.unsigned else f"CAST({value} AS DECIMAL(30))"
            return Counter(plain, value, wide, "0", 0 if column.unsigned else -high - 1, high)
        high = 10 ** min(column.digits, 15) - 1 if column.type == "decimal" else _EXACT.get(column.type, 0)
        if not high:
            raise Permanent(f"The column {name} is of type {column.type}, which holds no quantities.", reason="tables")
        value = f"CAST(ROUND({plain}) AS SIGNED)"
        wide, fraction = f"CAST({value} AS DECIMAL(30))", f"({plain} <> ROUND({plain}))"
        return Counter(plain, value, wide, fraction, 0 if column.unsigned else -high, high)

    def download(self) -> str:
        """Return a condition: the product is sold as a download, so that its counter moves without its quantity."""
        switches = self.switches(("DOWNLOAD_ENABLED", *DOWNLOADS_SUBTRACTED))
        on = {name for name, value in switches.items() if value == "true"}
        if "DOWNLOAD_ENABLED" not in on or on.intersection(DOWNLOADS_SUBTRACTED):
            return "0"  # not sold as downloads, or subtracted like anything else
        columns = self.columns()
        sent = "".join(f" AND NOT ({when})" for place, when in SENT_AS_WELL.items() if place in columns)
        return (
            f"(EXISTS (SELECT 1 FROM {self.name('products_attributes')} a JOIN {self.name('products_attributes_download')} f"
            " ON f.products_attributes_id = a.products_attributes_id"
            " WHERE a.products_id = p.products_id AND f.products_attributes_filename <> '')"
            f"{sent})"
        )

    def apart(self) -> str:
        """Return a number that changes when a product becomes or stops being a download, or has its quantity worked out from others."""
        named = (f"({self._named(other)}) d" for other in self._other_stock())
        sums = ["0", *(f"(SELECT IFNULL(SUM(CRC32(d.product)), 0) FROM {products})" for products in named)]
        if self.download() != "0":
            sums.append(
                f"(SELECT IFNULL(SUM(CRC32(a.products_id)), 0) FROM {self.name('products_attributes')} a"
                f" JOIN {self.name('products_attributes_download')} f ON f.products_attributes_id = a.products_attributes_id"
                " WHERE f.products_attributes_filename <> '')"
            )
        return " + ".join(sums)

    def stock_elsewhere(self) -> tuple[str, ...]:
        """Return the places of ``OTHER_STOCK`` that this shop has."""
        return tuple(other.place for other in self._other_stock())

    def _other_stock(self) -> tuple[OtherStock, ...]:
        places = self.columns(TELLING)
        return tuple(other for other in OTHER_STOCK if other.place in places)

    def obstacle(self) -> str:
        """Return why this shop cannot be kept in sync this way at all, in a sentence that says what to do; '' if it can."""
        columns = self.columns()
        for family in FAMILIES:
            if family.own_part and family.own_part_place in columns:
                return (
                    f"This is the database of an {family.title}, which keeps stock in its own warehouses: connect it through"
                    " onhand.php."
                )
        return ""

    def check_obstacle(self) -> None:
        """Raise Permanent if there is an obstacle."""
        if obstacle := self.obstacle():
            raise Permanent(obstacle, reason="obstacle")

    def derived(self, products: Iterable[int]) -> set[int]:
        """Return the products whose quantity the shop works out from others: variants, sub-products."""
        ids = ids_of(products)
        found: set[int] = set()
        for other in self._other_stock() if ids else ():
            found |= {number(row[0]) for row in self.server.rows(self._named(other, ids))}
        return found

    def _named(self, other: OtherStock, ids: str = "") -> str:
        """Return a SELECT of the products that a place of ``OTHER_STOCK`` names: all, or those of these ids."""
        table, column = other.place.split(".")
        tables, condition = f"{self.name(table)} e", f"e.{column} IN ({ids})" if ids else "TRUE"
        if other.when:
            tables += f" JOIN {self.products} p ON p.products_id = e.{column}"
            condition += f" AND ({self._with_settings(other.when)})"
        return f"SELECT DISTINCT e.{column} AS product FROM {tables} WHERE {condition}"

    def _with_settings(self, condition: str) -> str:
        """Return a condition with its settings in braces replaced: 1 for those that are on, 0 for the others."""
        named = [name for _, name, _, _ in Formatter().parse(condition) if name]
        switches = self.switches(named) if named else {}
        return condition.format(**{name: int(switches.get(name) == "true") for name in named})

    def _settings(self) -> tuple[str, SettingsTable]:
        """Return this shop's table of settings, as it goes into a statement, and its columns."""
        places = self.columns(TELLING)
        there = (known for known in SETTINGS if f"{known.table}.{known.name}" in places)
        found = next(there, SETTINGS[-1])
        return self.name(found.table), found

    def switches(self, names: Sequence[str]) -> dict[str, str]:
        """Return those of the named settings that the shop has. If one appears twice, the shop uses the first."""
        table, at = self._settings()
        wanted = {name if "/" in name else at.before + name: name for name in names}
        found: dict[str, str] = {}
        for stored, value in self.server.rows(
            f"SELECT `{at.name}`, `{at.value}` FROM {table} WHERE `{at.name}` IN ({_texts(wanted)}) ORDER BY {at.order}"
        ):
            if name := wanted.get(
                text(stored)
            ):  # the collation may also find a name in other letters, which the shop never uses
                found.setdefault(name, text(value))
        return found

    def default_language(self) -> int:
        """Return the id of the shop's default language; 0 if it is unknown."""
        table, at = self._settings()
        row = self.server.row(
            f"SELECT l.languages_id FROM {table} s JOIN {self.name('languages')} l ON l.code = s.`{at.value}`"
            f" WHERE s.`{at.name}` = '{at.before}DEFAULT_LANGUAGE' ORDER BY s.{at.order} LIMIT 1"
        )
        return number(row[0]) if row else 0

    def _other_prefixes(self) -> str:
        found = [repr(prefix) for prefix in prefixes(self.server)]
        return f" A shop stands there under the prefix {' and '.join(found)}." if found else ""


def prefix_of(server: Server) -> str:
    """Return the prefix of the one shop in this database. Raise Permanent if there is none, or more than one."""
    found = [prefix for prefix in prefixes(server) if _is_shop(server, prefix)]
    if len(found) == 1:
        return found[0]
    if found:
        names = " and ".join(repr(prefix) for prefix in found)
        raise Permanent(
            f"Several shops stand in this database, under the prefixes {names}: name the one of this cart in its address, as in"
            f" ?prefix={found[-1]}.",
            reason="tables",
        )
    parts = sorted({prefix for table in ("products", "orders", "onhand_state") for prefix in prefixes(server, table)})
    if parts:
        names = " and ".join(repr(prefix) for prefix in parts)
        raise Permanent(
            f"The user may read a part of a shop in this database, under the prefix {names}, and not all that is needed:"
            f" `onhand cart grants --prefix '{parts[-1]}'` prints the rights." + _ABOUT_PREFIX,
            reason="tables",
            prefixes=parts,
        )
    raise Permanent(
        "The user may read no shop of the osCommerce family in this database: check the database in the cart's address, and the rights"
        " of the user; `onhand cart grants` prints them." + _ABOUT_PREFIX,
        reason="tables",
        prefixes=[],
    )


# Without rights nothing is visible, not even the prefix of the tables.
_ABOUT_PREFIX = (
    " If the shop's includes/configure.php has a DB_PREFIX, as zen_ in zen_products, put it behind the cart's address, as in"
    " ?prefix=zen_, and grant the rights again: they are for tables of that name."
)


def prefixes(server: Server, table: str = LINES) -> list[str]:
    """Return what comes before the name of this table in the database, once for each that the user may see."""
    rows = server.rows(
        "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()"
        f" AND RIGHT(TABLE_NAME, {len(table)}) = '{table}' ORDER BY TABLE_NAME"
    )
    found = [text(row[0])[: -len(table)] for row in rows]
    return [prefix for prefix in found if PREFIX.fullmatch(prefix)]


def text(value: bytes | None) -> str:
    """Return a value from the database as valid text; bytes that are not become U+FFFD."""
    return (value or b"").decode("utf-8", "replace")


def number(value: bytes | None) -> int:
    """Return a value from the database as a whole number; NULL is nothing."""
    return int(value or 0)


def ids_of(numbers: Iterable[int]) -> str:
    """Return whole numbers as they go into a statement."""
    return ",".join(f"{each:d}" for each in numbers)


def _is_shop(server: Server, prefix: str) -> bool:
    try:
        return bool(Tables(server, prefix).columns())
    except Permanent:
        return False


def _column(values: Sequence[bytes | None]) -> Column:
    kind, shape, nullable, length, collation, precision, scale, extra = values
    return Column(
        type=text(kind).lower(),
        shape=text(shape),
        nullable=nullable == b"YES",
        length=number(length),
        collation=text(collation),
        digits=number(precision) - number(scale),
        stamped="on update" in text(extra).lower(),
    )


def _texts(names: Iterable[str]) -> str:
    """Return our own names as texts in a statement: letters, digits, underscores and slashes."""
    return ", ".join(f"'{name}'" for name in names)
