"""Tests that a copy of a store has every row and value, on random rows of every table, in both directions.

Path: pytest; a file, a database on a server, and a file again.
Promise: rows are made from the definitions of the tables, so a new table or column is covered without a change here.
Never: makes rows by the rules of the services: any value that a column can hold has to be copied.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Boolean, Column, Connection, Float, Integer, String, Table, insert, select, update
from sqlalchemy.exc import IntegrityError

from onhand.address import StoreAddress
from onhand.domain.errors import Broken, Refused
from onhand.domain.stock import QUANTITY_MAX
from onhand.storage import copying, dialects
from onhand.storage.copying import OWN, TABLES, Copy, Differs, Digest
from onhand.storage.engines import engine_of, transaction
from onhand.storage.tables import carts, differences, items, listings, metadata, movements, parameters
from tests.builders import SERVER, forget_store, new_store

pytestmark = pytest.mark.postgresql
ROWS = 7  # of each table
SIGNS = "aZ09 \t\r\n\\\"'%_,;{}/\0\x01\x7f\x85ßÄé\u0301\u200b\u202e\ufeff␀漢🙂\U0010ffff"
WORDS = ["", "\\N", "\\.", "NULL", "\\\\", "\\x00", "'", '"', "{}"]  # what a format of a copy could mistake


@pytest.fixture(autouse=True)
def small_batches(monkeypatch) -> None:
    monkeypatch.setattr(copying, "BATCH_ROWS", 3)


@contextmanager
def writer(address: StoreAddress) -> Iterator[tuple[Any, Connection]]:
    engine = engine_of(address)
    with engine.writer() as connection:
        yield engine, connection
    engine.close()


def copied(source: StoreAddress, target: StoreAddress, fails_after: int | None = None) -> dict[str, Digest]:
    """Copy, and compare what arrived. ``fails_after``: the number of transactions after which the copy is cut off."""
    begun = count()
    with ExitStack() as stack:
        _, here = stack.enter_context(writer(source))
        engine, there = stack.enter_context(writer(target))

        @contextmanager
        def cut_off() -> Iterator[None]:
            if next(begun) == fails_after:
                raise InterruptedError
            with transaction(engine, there):
                yield

        digests = Copy(here, there, cut_off, lambda _: None).fill()
        copying.check_equal(there, digests, lambda _: None)
    return digests


# Random rows


def text_for(column: Column[Any], chance: Random) -> str:
    longest = column.type.length or 300
    if chance.random() < 0.2 and not column.primary_key and not column.unique:
        return chance.choice(WORDS)
    length = longest if chance.random() < 0.2 else chance.randint(min(10, longest), min(40, longest))
    # On a server a key with NUL has another place in the order; see below.
    signs = SIGNS.replace("\0", "") if column.primary_key else SIGNS
    return "".join(chance.choice(signs) for _ in range(length))


def value_for(column: Column[Any], parents: list[Any], chance: Random) -> Any:
    if column.nullable and chance.random() < 0.3:
        return None
    if column.foreign_keys:
        return chance.choice(parents)
    if isinstance(column.type, Boolean):
        return chance.random() < 0.5
    if isinstance(column.type, Float):
        return chance.choice([0.1, 1e308, 5e-324, -0.0, 2.0, chance.random()])
    if isinstance(column.type, Integer):
        bits = (
            QUANTITY_MAX
            if column.name == "on_hand"
            else 2**63 - 1
            if column.type.__visit_name__ == "big_integer"
            else 2**31 - 1
        )
        lowest = 1 if column.primary_key else -bits
        return chance.choice([lowest, bits, chance.randint(lowest, bits), chance.randint(1, 9)])
    assert isinstance(column.type, String), column
    return text_for(column, chance)


def furnish(path: Path, seed: int, tables: list[Table] = TABLES) -> None:
    """Fill the tables of a file with random rows that its constraints allow."""
    chance = Random(seed)
    with writer(path) as (_, connection):
        for table in tables:
            parents = {
                column.name: connection.execute(select(key.column)).scalars().all()
                for column in table.columns
                for key in column.foreign_keys
            }
            for _ in range(ROWS):
                row = {c.name: value_for(c, parents.get(c.name, []), chance) for c in table.columns}
                try:
                    connection.execute(insert(table).values(row))
                except IntegrityError:
                    continue  # a number that is there already
            assert connection.execute(select(table)).first() is not None, table.name


def content(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every value of every table as the file holds it, with its type; NUL as PostgreSQL stores it."""

    def mapped(value: Any) -> Any:
        return value.replace("\0", dialects.NUL) if isinstance(value, str) else value

    with closing(sqlite3.connect(path)) as db:
        return {
            table.name: sorted(
                (
                    tuple((type(value), mapped(value)) for value in row)
                    for row in db.execute(f'SELECT * FROM "{table.name}"')
                ),
                key=repr,
            )
            for table in TABLES
        }


@pytest.fixture
def path(tmp_path: Path, seed: int) -> Path:
    """A file with random rows."""
    path = new_store(tmp_path / "a.db")
    assert isinstance(path, Path)
    furnish(path, seed)
    return path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StoreAddress]:
    address = new_store(tmp_path / "server.db", SERVER)
    yield address
    forget_store(address)


def test_every_table_is_copied_except_what_says_something_of_one_store_only() -> None:
    assert {*TABLES, *OWN} == set(metadata.tables.values())


@pytest.mark.parametrize("world", [pytest.param(n, marks=[pytest.mark.long] if n > 1 else []) for n in range(8)])
def test_random_rows_are_the_same_there_and_back(tmp_path: Path, server: StoreAddress, seed: int, world: int) -> None:
    path, back = new_store(tmp_path / "a.db"), new_store(tmp_path / "b.db")
    furnish(path, seed + world)
    there = copied(path, server)
    assert there == copied(server, back)
    assert content(back) == content(path)
    assert sum(digest.rows for digest in there.values()) > 3 * len(TABLES)


def test_a_copy_from_file_to_file_keeps_the_character_nul(tmp_path: Path, path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE items SET name = 'a' || char(0) || 'b'")
        db.commit()
    back = new_store(tmp_path / "b.db")
    copied(path, back)
    with closing(sqlite3.connect(back)) as db:
        assert {name for (name,) in db.execute("SELECT name FROM items")} == {"a\0b"}


def test_rows_are_numbered_on_after_the_highest_number_ever_given(tmp_path: Path, server: StoreAddress) -> None:
    path, back = new_store(tmp_path / "a.db"), new_store(tmp_path / "b.db")
    supplier = {"name": "", "name_key": "", "email": "", "phone": "", "note": "", "active": True}
    suppliers = metadata.tables["suppliers"]
    with closing(sqlite3.connect(path)) as db:  # its carts were removed, and their numbers must not come again
        db.execute("INSERT INTO sqlite_sequence VALUES ('carts', 41)")
        db.commit()
    with writer(path) as (_, connection):
        connection.execute(insert(suppliers).values(id=6, **supplier))
    copied(path, server)
    with writer(server) as (_, connection):
        assert dialects.last_number(connection, carts) == 41
        assert dialects.last_number(connection, differences) == 0
        supplier["name_key"] = "b"
        assert connection.execute(insert(suppliers).values(**supplier).returning(suppliers.c.id)).scalar_one() == 7
    copied(server, back)
    with closing(sqlite3.connect(back)) as db:
        assert dict(db.execute("SELECT name, seq FROM sqlite_sequence WHERE seq > 0")) == {"carts": 41}


# A copy that is cut off, or not equal


@pytest.mark.parametrize("to", ["file", SERVER])
def test_a_copy_continues_wherever_it_was_cut_off(
    tmp_path: Path, path: Path, server: StoreAddress, to: str, seed: int
) -> None:
    target = server if to == SERVER else new_store(tmp_path / "b.db")
    chance = Random(seed)
    for after in [chance.randint(0, 12) for _ in range(4)]:
        with pytest.raises(InterruptedError):
            copied(path, target, fails_after=after)
    rows = copied(path, target)
    assert {name: digest.rows for name, digest in rows.items()} == {
        name: len(found) for name, found in content(path).items()
    }


def test_a_copy_to_a_server_begins_again_where_a_key_has_a_nul(path: Path, server: StoreAddress) -> None:
    """NUL comes first in a file, and what a server keeps for it comes late, so the last row does not tell how far the copy came."""
    with writer(path) as (_, connection):
        connection.execute(parameters.delete())
        for name in ("\0a", "b", "c"):
            connection.execute(insert(parameters).values(name=name, value="1", person="", at=1))
    digests = copied(path, server)
    with writer(server) as (_, connection):
        connection.execute(parameters.delete().where(parameters.c.name == "c"))
    with pytest.raises(Differs):
        copied(path, server)
    with writer(server) as (_, connection):
        copying.empty(connection)
    assert copied(path, server) == digests


@pytest.mark.parametrize("change", ["name", "row"])
def test_a_source_that_was_used_meanwhile_is_noticed(path: Path, server: StoreAddress, change: str) -> None:
    copied(path, server)
    with writer(path) as (_, connection):
        if change == "name":
            connection.execute(update(items).values(name="another"))
        else:
            first = select(movements.c.id).order_by(movements.c.id).limit(1).scalar_subquery()
            connection.execute(movements.delete().where(movements.c.id == first))
    with pytest.raises(Differs):
        copied(path, server)


def test_one_other_value_anywhere_is_found(path: Path, server: StoreAddress, seed: int) -> None:
    """Each column of the copy is changed in turn: none is left out of the comparison."""
    digests = copied(path, server)
    chance = Random(seed)
    with writer(server) as (_, connection):
        for table in TABLES:
            for column in table.columns:
                if column.primary_key or column.foreign_keys or column.unique:
                    continue
                row = connection.execute(select(*table.primary_key, column)).first()
                (*key, value) = row
                mine = [k == v for k, v in zip(table.primary_key, key, strict=True)]
                other = next(
                    v
                    for v in iter(lambda c=column: value_for(c, [], chance), ...)
                    if v is not None and v != value and "\0" not in str(v)
                )
                if (table.name, column.name) == ("items", "barcode"):
                    other = f"{value[:50]}x"
                connection.execute(update(table).where(*mine).values({column.name: other}))
                with pytest.raises(Broken) as broken:
                    copying.check_equal(connection, digests, lambda _: None)
                assert broken.value.facts["table"] == table.name
                connection.execute(update(table).where(*mine).values({column.name: value}))
        copying.check_equal(connection, digests, lambda _: None)


# Values that a server cannot hold


@pytest.mark.parametrize(
    ("table", "values"),
    [
        (items, {"location": "x" * 61}),
        (listings, {"status": 2**31}),
        (listings, {"flags": -(2**31) - 1}),
        (carts, {"policy": "w" * 9}),
    ],
)
def test_a_value_that_the_server_cannot_hold_is_found_first(path: Path, table: Table, values: dict[str, Any]) -> None:
    with writer(path) as (_, connection):
        copying.check_fits(connection)
        last = select(table.c.id).order_by(table.c.id.desc()).limit(1).scalar_subquery()
        connection.execute(update(table).where(table.c.id == last).values(values))
        with pytest.raises(Refused) as refused:
            copying.check_fits(connection)
    assert (refused.value.facts["reason"], refused.value.facts["table"]) == ("value", table.name)
