"""Tests the store data file: durable commits, whole units, one owner, and helpful errors."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from onhand.clock import SystemClock
from onhand.domain.errors import Broken, Conflict, OnHandError, Permanent, Refused, Retriable
from onhand.domain.people import Session
from onhand.domain.stock import Kind, Movement
from onhand.lock import Owned, Ownership
from onhand.services import bookkeeping
from onhand.services.ports import House
from onhand.storage.books import SqlBooks
from onhand.storage.database import Database, create, upgrade
from onhand.storage.tables import metadata

AT = datetime(2026, 1, 1, tzinfo=UTC)
NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    create(tmp_path / "store.db")
    return tmp_path / "store.db"


@pytest.fixture
def store(path: Path) -> Iterator[Database]:
    with Database(path) as database:
        yield database


def receipt(item: int, name: str, units: int = 1) -> Callable[[SqlBooks], None]:
    return lambda books: bookkeeping.book(books, [Movement(item, Kind.RECEIPT, units, f"receipt/{name}/1")], AT)


def tea(store: Database) -> int:
    return store.write(lambda books: books.items.add("TEA", "", AT))


def on_hand(store: Database) -> int:
    return store.read(lambda books: books.items.by_key(["tea"]))["tea"].on_hand


def test_the_migrations_make_the_tables_as_they_are_defined(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()
    by_migration, by_definition = _tables(path), _tables_of_metadata()
    assert by_migration.keys() == by_definition.keys()
    for name, statement in by_definition.items():
        assert ("AUTOINCREMENT" in by_migration[name]) == ("AUTOINCREMENT" in statement), name


def _tables(path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as db:
        found = db.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name <> 'alembic_version'"
            " AND name NOT LIKE 'sqlite_%'"
        )
        return dict(found.fetchall())


def _tables_of_metadata() -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plain.db"
        engine = create_engine(f"sqlite:///{path}")
        metadata.create_all(engine)
        engine.dispose()
        return _tables(path)


def test_upgrading_a_current_file_changes_nothing(path: Path) -> None:
    before, after = upgrade(path)
    assert before == after


def test_an_existing_file_is_not_overwritten(path: Path) -> None:
    content = path.read_bytes()
    with pytest.raises(Refused, match="already exists"):
        create(path)
    assert path.read_bytes() == content


def test_only_the_owner_can_read_the_file(path: Path) -> None:
    assert path.stat().st_mode & 0o077 == 0


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="onhand init"):
        Database(tmp_path / "nothing.db")
    assert not (tmp_path / "nothing.db").exists()


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("This is a shopping list.\n" * 100)
    (tmp_path / "empty.db").write_text("")
    with closing(sqlite3.connect(tmp_path / "other.db")) as db:
        db.execute("CREATE TABLE cakes (name)")
    for name in ("text.db", "empty.db", "other.db"):
        with pytest.raises(Refused, match="not a store data file"):
            Database(tmp_path / name)


def test_another_schema_is_refused_with_advice(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE alembic_version SET version_num = '0000'")
        db.commit()
    with pytest.raises(Refused, match="--upgrade") as refused:
        Database(path)
    assert refused.value.facts["found"] == "0000"


@contextmanager
def somebody_else() -> Iterator[None]:
    """Root may write everywhere, so a test of rights is nobody for a while."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_read_only_file_is_a_permanent_problem() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        create(path)
        path.chmod(0o444)
        Path(folder).chmod(0o555)
        try:
            with somebody_else(), pytest.raises(Permanent) as refused, Database(path) as store:
                store.write(lambda books: books.items.add("TEA", "", AT))
        finally:
            Path(folder).chmod(0o755)
        assert refused.value.facts["reason"] == "read_only"


def test_a_unit_that_fails_leaves_nothing(store: Database) -> None:
    item = tea(store)

    def fails(books: SqlBooks) -> None:
        receipt(item, "1")(books)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.write(fails)
    assert on_hand(store) == 0
    store.write(receipt(item, "1"))
    assert on_hand(store) == 1


def test_in_a_group_a_unit_that_fails_undoes_only_itself(store: Database) -> None:
    item = tea(store)
    hold, held = threading.Event(), threading.Event()

    def first(books: SqlBooks) -> None:
        held.set()
        hold.wait(10)

    def one(n: int) -> str:
        try:
            # Every third books what the one before it booked, after something that was not booked yet.
            name = str(n - 1 if n % 3 == 2 else n)

            def unit(books: SqlBooks) -> None:
                receipt(item, f"own-{n}", 100)(books)
                receipt(item, name)(books)

            store.write(unit)
        except Conflict:
            return "twice"
        return "booked"

    with ThreadPoolExecutor(31) as pool:
        waiting = pool.submit(store.write, first)
        held.wait(10)
        ends = pool.map(one, range(30))
        while store._units.qsize() < 30:
            pass
        hold.set()
        waiting.result()
        ends = list(ends)
    assert ends.count("twice") == 10
    assert on_hand(store) == 20 * 101
    assert store.read(lambda books: books.ledger.refold()) == []


def test_two_units_that_race_for_one_origin_book_it_once(store: Database) -> None:
    item = tea(store)

    def one(_: int) -> bool:
        try:
            store.write(receipt(item, "same"))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(40))) == 1
    assert on_hand(store) == 1


def test_a_reader_sees_one_moment(store: Database) -> None:
    item = tea(store)

    def read(books: SqlBooks) -> tuple[int, int]:
        before = books.ledger.last()
        store.write(receipt(item, "meanwhile"))
        return before, books.ledger.last()

    before, after = store.read(read)
    assert before == after == 0


def test_reading_cannot_write(store: Database) -> None:
    with pytest.raises(OnHandError):
        store.read(lambda books: books.items.add("TEA", "", AT))


def test_news_is_announced_only_after_the_commit(path: Path) -> None:
    heard: list[set[int]] = []
    with Database(path, heard.append) as store:
        store.write(lambda books: books.tell([3, 4]))

        def fails(books: SqlBooks) -> None:
            books.tell([5])
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            store.write(fails)
    assert heard == [{3, 4}]


def test_a_failed_statement_does_not_log_its_values(store: Database) -> None:
    session = Session("digest", 99, AT, AT, AT, "a value")  # of nobody: it is refused
    with pytest.raises(Broken) as failed:
        store.write(lambda books: books.people.add_session(session))
    assert "a value" not in "".join(traceback.format_exception(failed.value))


def test_a_closed_store_refuses_work_at_once(path: Path) -> None:
    store = Database(path)
    store.close()
    with pytest.raises(Retriable):
        store.write(lambda books: books.ledger.last())
    store.close()


def test_a_full_disk_leaves_nothing_half_done_and_is_temporary(store: Database) -> None:
    item = tea(store)
    store.write(receipt(item, "before"))

    def limited(books: SqlBooks) -> None:
        pages = books._connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        books._connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")

    store.write(limited)

    def much(books: SqlBooks) -> None:
        movements = [Movement(item, Kind.RECEIPT, 1, f"receipt/much/{n}", reason="x" * 400) for n in range(500)]
        bookkeeping.book(books, movements, AT)

    with pytest.raises(Retriable) as full:
        store.write(much)
    assert full.value.facts["reason"] == "disk_full"
    assert on_hand(store) == 1
    assert store.read(lambda books: books.ledger.refold()) == []
    store.write(
        lambda books: books._connection.exec_driver_sql("PRAGMA max_page_count = 1000000").scalar_one() and None
    )
    store.write(much)
    assert on_hand(store) == 501


def test_a_damaged_file_is_reported(path: Path) -> None:
    with Database(path) as store:
        item = tea(store)
        for n in range(300):
            store.write(receipt(item, str(n)))
    content = bytearray(path.read_bytes())
    for page in range(8, len(content) // 4096):
        content[page * 4096 : page * 4096 + 200] = b"\xff" * 200
    path.write_bytes(content)
    with pytest.raises((Broken, Refused)):
        _read_all(path)


def _read_all(path: Path) -> None:
    with Database(path) as store:
        store.read(lambda books: books.ledger.refold())
        store.read(lambda books: books.ledger.of_item(None, 1000))


OWNER = """
import sys, time
from pathlib import Path
from onhand.lock import Ownership
with Ownership(Path(sys.argv[1]), "serve") as owned:
    owned.announce("http://127.0.0.1:1", "token")
    print("owned", flush=True)
    time.sleep(60)
"""


def test_one_process_owns_a_file_and_a_killed_one_does_not(path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", OWNER, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "owned\n"
        with pytest.raises(Owned) as owned:
            Ownership(path, "cli")
        assert owned.value.owner is not None
        assert (owned.value.owner.pid, owned.value.owner.role) == (child.pid, "serve")
        assert owned.value.owner.url == "http://127.0.0.1:1"
        assert "token" not in repr(owned.value.owner)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
    with Ownership(path, "cli"), pytest.raises(Owned):
        Ownership(path, "again")
    with Ownership(path, "cli"):
        pass


BOOKER = """
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from onhand.domain.stock import Kind, Movement
from onhand.services import bookkeeping
from onhand.storage.database import Database
at = datetime(2026, 1, 1, tzinfo=UTC)
with Database(Path(sys.argv[1])) as store:
    def book(n):
        origin = f"receipt/{sys.argv[2]}-{n}/1"
        store.write(lambda books: bookkeeping.book(books, [Movement(1, Kind.RECEIPT, 1, origin)], at))
        sys.stdout.write(origin + "\\n")
        sys.stdout.flush()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(book, range(100_000)))
"""


@pytest.mark.slow
@pytest.mark.parametrize("lines", [1, 40, 200])
def test_every_booking_that_was_acknowledged_survives_a_kill(path: Path, lines: int) -> None:
    with Database(path) as store:
        tea(store)
    told: list[str] = []
    for run in range(2):
        child = subprocess.Popen([sys.executable, "-c", BOOKER, str(path), str(run)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        told += [child.stdout.readline().strip() for _ in range(lines)]
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read().splitlines(keepends=True)
        told += [line.strip() for line in rest if line.endswith("/1\n")]
        child.wait()
        child.stdout.close()
    with Database(path) as store:
        assert store.read(lambda books: books.ledger.booked(told)) == set(told)
        assert bookkeeping.prove(House(store, SystemClock())).holds
        assert on_hand(store) >= len(told)
