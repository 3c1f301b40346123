"""Tests a store on a PostgreSQL server: one writer at a time, leases, what is committed, and helpful errors."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from onhand.address import Server, address_of
from onhand.clock import SystemClock
from onhand.domain.duties import WEBHOOKS
from onhand.domain.errors import Broken, Conflict, OnHandError, Permanent, Refused, Retriable
from onhand.domain.stock import Kind, Movement, sku_key
from onhand.lock import Owned
from onhand.services import bookkeeping
from onhand.services.fencing import Fenced
from onhand.services.ports import House
from onhand.storage import postgresql, processes
from onhand.storage.books import SqlBooks
from onhand.storage.database import Database, create, upgrade
from onhand.storage.postgresql import PostgreSQL as Engine
from onhand.storage.processes import Membership, machine
from onhand.storage.tables import metadata
from tests.postgresql import PASSWORD, ROLE, PostgreSQL, shared_postgresql

pytestmark = pytest.mark.postgresql
URL = "http://127.0.0.1:1"
AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def server() -> PostgreSQL:
    return shared_postgresql()


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return tmp_path / "store.key"


@pytest.fixture
def address(server: PostgreSQL, key: Path) -> Iterator[Server]:
    address = server.new_store(key)
    yield address
    server.drop(address)


@pytest.fixture
def store(address: Server, key: Path) -> Iterator[Database]:
    with Database(address, key_file=key) as database:
        yield database


def receipt(item: int, name: str, units: int = 1) -> Callable[[SqlBooks], None]:
    return lambda books: bookkeeping.book(books, [Movement(item, Kind.RECEIPT, units, f"receipt/{name}/1")], AT)


def tea(store: Database) -> int:
    return store.write(lambda books: books.items.add("TEA", "", AT))


def on_hand(store: Database) -> int:
    return store.read(lambda books: books.items.by_key(["tea"]))["tea"].on_hand


def run(server: PostgreSQL, address: Server, statement: str) -> list[tuple[Any, ...]]:
    with server.connect(address.database) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def set_standbys(server: PostgreSQL, names: str) -> None:
    """Let each commit wait for these standbys."""
    with server.connect() as connection:
        connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
        connection.execute("SELECT pg_reload_conf()")


def reason(raised: pytest.ExceptionInfo[OnHandError]) -> str:
    return str(raised.value.facts.get("reason"))


# The schema


def test_the_migrations_make_the_tables_as_they_are_defined(store: Database) -> None:
    with store._engine.reader() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_indexes_of_few_rows_hold_only_these(server: PostgreSQL, address: Server) -> None:
    partial = {
        index.name
        for table in metadata.tables.values()
        for index in table.indexes
        if index.dialect_options["postgresql"]["where"] is not None
    }
    found = run(server, address, "SELECT indexrelid::regclass::text FROM pg_index WHERE indpred IS NOT NULL")
    assert {name for (name,) in found} == partial


def test_all_texts_sort_by_code_point(server: PostgreSQL, address: Server) -> None:
    found = run(
        server,
        address,
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND data_type IN ('text', 'character varying') AND collation_name IS DISTINCT FROM 'C'",
    )
    assert found == [("alembic_version", "version_num")]


def test_skus_sort_as_in_a_file(store: Database) -> None:
    skus = ["a-1", "A2", "b", "_x", "Ä", "zz", "10", "9", "a 1"]
    store.write(lambda books: books.items.add_all([(sku, "") for sku in skus], AT))
    page = store.read(lambda books: books.inventory.page(99))
    assert [item["sku"] for item in page] == sorted(skus, key=sku_key)


def test_upgrading_a_current_store_changes_nothing(address: Server) -> None:
    before, after = upgrade(address)
    assert before == after


def test_units_that_wait_together_are_committed_together_and_undone_alone(store: Database) -> None:
    item = tea(store)

    def book(number: int) -> bool:
        try:
            store.write(receipt(item, str(number % 40)))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        done = list(pool.map(book, range(120)))
    assert (done.count(True), on_hand(store)) == (40, 40)


def test_two_processes_take_turns_and_lose_nothing(address: Server, key: Path, store: Database) -> None:
    """What a booking read is still true when it writes: here each reads the balance and writes it back with one more."""
    item = tea(store)

    def one_more(books: SqlBooks) -> None:
        before = books.items.by_id([item])[item].on_hand
        time.sleep(0.001)
        books.ledger.append([Movement(item, Kind.RECEIPT, 1, f"receipt/{before}/1")], AT)  # one origin for each balance
        books.items.move({item: 1})

    with Database(address, key_file=key) as other, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: (store, other)[n % 2].write(one_more), range(60)))
    assert on_hand(store) == 60


def test_movements_are_numbered_in_the_order_of_their_commits(address: Server, key: Path, store: Database) -> None:
    """Webhooks and alignments remember the newest number that they have seen: none below it may appear later."""
    item = tea(store)
    seen: list[int] = []
    ended = threading.Event()

    def watch() -> None:
        cursor = 0
        while not ended.is_set():
            found = store.read(lambda books, after=cursor: books.webhooks.movements_after(after))
            seen.extend(number for number, _ in found)
            cursor = max((number for number, _ in found), default=cursor)

    watching = threading.Thread(target=watch)
    watching.start()
    with Database(address, key_file=key) as other, ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: (store, other)[n % 2].write(receipt(item, str(n))), range(150)))
    time.sleep(0.1)
    ended.set()
    watching.join()
    everything = store.read(lambda books: books.webhooks.movements_after(0))
    assert seen == [number for number, _ in everything]
    assert len(seen) == 150


def test_a_read_sees_one_moment(store: Database) -> None:
    item = tea(store)

    def read(books: SqlBooks) -> tuple[int, int]:
        before = books.items.by_id([item])[item].on_hand
        store.write(receipt(item, "meanwhile"))
        return before, books.items.by_id([item])[item].on_hand

    assert store.read(read) == (0, 0)
    assert on_hand(store) == 1


def test_a_read_cannot_write(store: Database) -> None:
    with pytest.raises(Permanent) as refused:
        store.read(lambda books: books.items.add("TEA", "", AT))
    assert reason(refused) == "read_only"


def test_texts_with_the_character_nul_are_stored_with_a_sign_for_it(store: Database) -> None:
    store.write(lambda books: books.items.add("TEA", "Green\0Tea", AT))
    assert store.read(lambda books: books.items.by_key(["tea"]))["tea"].name == "Green␀Tea"


def test_a_foreign_deadlock_is_tried_again(server: PostgreSQL, address: Server, store: Database) -> None:
    item = tea(store)
    tries = 0

    def unit(books: SqlBooks) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            books._connection.exec_driver_sql("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$")
        receipt(item, "once")(books)

    store.write(unit)
    assert (tries, on_hand(store)) == (2, 1)

    def never(books: SqlBooks) -> None:
        books._connection.exec_driver_sql("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$")

    with pytest.raises(Retriable) as failed:
        store.write(never)
    assert reason(failed) == "busy"
    store.write(receipt(item, "afterwards"))


# Connections that are cut


def cut(server: PostgreSQL, address: Server) -> None:
    """End all connections to a store, as a restart of the server or of a pooler does."""
    run(
        server,
        address,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        f" WHERE datname = '{address.database}' AND pid <> pg_backend_pid()",
    )


def test_connections_that_were_cut_while_idle_are_not_noticed(
    server: PostgreSQL, address: Server, store: Database
) -> None:
    item = tea(store)
    for n in range(3):
        cut(server, address)
        store.write(receipt(item, str(n)))
        cut(server, address)
        assert on_hand(store) == n + 1


def test_a_unit_whose_connection_is_cut_is_undone_and_said_to_be(
    server: PostgreSQL, address: Server, store: Database
) -> None:
    item = tea(store)

    def unit(books: SqlBooks) -> None:
        receipt(item, "lost")(books)
        cut(server, address)
        books.ledger.last()

    with pytest.raises(Retriable) as failed:
        store.write(unit)
    assert reason(failed) == "unreachable"
    assert store.trouble
    assert on_hand(store) == 0
    store.write(receipt(item, "lost"))
    assert (on_hand(store), store.trouble) == (1, "")


@pytest.mark.parametrize("happened", [True, False])
def test_a_commit_whose_answer_is_lost_is_looked_up(
    server: PostgreSQL, address: Server, store: Database, happened: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = tea(store)
    commit = Engine.commit

    class Cut:
        """A connection that is cut at the commit: just after the server got it, or just before."""

        def __init__(self, driver: Any) -> None:
            self._driver = driver
            self.closed = False

        def execute(self, statement: str) -> None:
            if happened:
                self._driver.execute(statement)
            self._driver.close()
            self.closed = True
            raise psycopg.OperationalError("the connection is gone")

    monkeypatch.setattr(Engine, "commit", lambda self, driver: commit(self, Cut(driver)))
    if happened:
        store.write(receipt(item, "1"))
    else:
        with pytest.raises(Retriable):
            store.write(receipt(item, "1"))
    monkeypatch.undo()
    assert on_hand(store) == int(happened)


@pytest.mark.parametrize("happened", [True, False])
def test_a_commit_whose_answer_is_lost_with_the_primary_is_looked_up_on_its_standby(
    key: Path, happened: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chaos run found it: the standby had not heard of a transaction, gave its number to another one, and that one was committed."""
    with PostgreSQL() as primary, PostgreSQL() as standby:
        address = primary.new_store(key)
        standby.follow(primary)
        set_standbys(primary, "*")
        both = Server(f"postgresql://{ROLE}@127.0.0.1:{primary.port},127.0.0.1:{standby.port}/{address.database}")
        commit = Engine.commit

        class Lost:
            """A connection whose primary dies at the commit, and whose place others take before it asks."""

            def __init__(self, driver: Any) -> None:
                self._driver = driver
                self.closed = False

            def execute(self, statement: str) -> None:
                if happened:
                    self._driver.execute(statement)
                primary.kill()
                standby.promote()
                set_standbys(standby, "")
                monkeypatch.undo()
                with Database(standby.address(address.database), key_file=key) as other:
                    for n in range(20):
                        other.write(receipt(item, f"other {n}"))
                self._driver.close()
                self.closed = True
                raise psycopg.OperationalError("the connection is gone")

        with Database(both, key_file=key) as store:
            item = tea(store)
            monkeypatch.setattr(Engine, "commit", lambda self, driver: commit(self, Lost(driver)))
            if happened:
                store.write(receipt(item, "1", units=100))
            else:
                with pytest.raises(Retriable):
                    store.write(receipt(item, "1", units=100))
            assert on_hand(store) == 20 + 100 * happened


def test_a_server_that_comes_back_is_used_again(key: Path) -> None:
    with PostgreSQL() as server:
        address = server.new_store(key)
        with Database(address, key_file=key) as store:
            item = tea(store)
            server.kill()
            for failing in (lambda: store.write(receipt(item, "1")), lambda: on_hand(store)):
                with pytest.raises(Retriable) as failed:
                    failing()
                assert reason(failed) == "unreachable"
            server.start()
            store.write(receipt(item, "1"))
            assert on_hand(store) == 1


# Processes and leases


def test_a_command_is_told_which_process_of_this_machine_takes_commands(address: Server, key: Path) -> None:
    with Membership(address, "serve", key, stays=True) as server:
        Membership(address, "adjust", key).release()  # it does not take any yet
        server.announce(URL, "s3cret token")
        with pytest.raises(Owned) as refused:
            Membership(address, "adjust", key)
        owner = refused.value.owner
        assert owner is not None
        assert (owner.pid, owner.role, owner.url, owner.token) == (os.getpid(), "serve", URL, "s3cret token")
        Membership(address, "serve", key, stays=True).release()
    Membership(address, "adjust", key).release()


def test_processes_of_other_machines_are_not_asked(server: PostgreSQL, address: Server, key: Path) -> None:
    with Membership(address, "serve", key, stays=True) as elsewhere:
        elsewhere.announce(URL, "s3cret token")
        run(server, address, "UPDATE processes SET machine = 'cellar'")
        with Membership(address, "adjust", key) as here:
            assert [process.machine for process in here.seen.processes] == ["cellar", machine()]


def test_the_token_is_sealed_and_without_the_key_file_nobody_gets_it(
    server: PostgreSQL, address: Server, key: Path, tmp_path: Path
) -> None:
    with Membership(address, "serve", key, stays=True) as lease:
        lease.announce(URL, "s3cret token")
        ((notice,),) = run(server, address, "SELECT notice FROM processes")
        assert "http" in notice
        assert "s3cret" not in notice
        Membership(address, "adjust", tmp_path / "another.key").release()  # it does its work itself


def test_a_process_is_renewed_and_one_that_is_not_dies(
    server: PostgreSQL, address: Server, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(processes, "BEAT_SECONDS", 0.2)
        with Membership(address, "serve", key, stays=True):
            ((first,),) = run(server, address, "SELECT until FROM processes")
            time.sleep(0.7)
            ((later,),) = run(server, address, "SELECT until FROM processes")
            assert later > first
    dead = silent(Membership(address, "serve", key, stays=True))
    assert dead.alive
    dead._dies -= processes.LIFE_SECONDS
    assert not dead.alive
    run(server, address, "UPDATE processes SET until = until - 6000000")
    with Membership(address, "adjust", key) as other:
        assert [process.holder for process in other.seen.processes] == [other.holder]


def silent(process: Membership) -> Membership:
    """A process as if it was suspended or killed: it says nothing more."""
    process._ended.set()
    process._thread.join()
    return process


def test_a_suspended_process_writes_nothing_until_it_is_known_again(
    server: PostgreSQL, address: Server, key: Path
) -> None:
    sleeper = silent(Membership(address, "serve", key, stays=True))
    with Database(address, key_file=key, holder=sleeper.holder) as slow:
        item = tea(slow)
        run(server, address, "UPDATE processes SET until = 0")  # it slept for so long
        with (
            Membership(address, "serve", key, stays=True) as fresh,
            Database(address, key_file=key, holder=fresh.holder) as quick,
        ):
            quick.write(lambda books: books.leases.claim([WEBHOOKS], fresh.holder))
            with pytest.raises(Retriable) as refused:
                slow.write(receipt(item, "2"))
            assert reason(refused) == "lost"
            assert slow.trouble
            sleeper._renew()  # it wakes up
            slow.write(receipt(item, "3"))
            assert (on_hand(quick), slow.trouble) == (1, "")


def test_what_a_lease_was_given_for_is_refused_once_another_process_has_it(address: Server, key: Path) -> None:
    with Database(address, key_file=key) as store:
        item = tea(store)
        members = [Membership(address, "serve", key, stays=True) for _ in range(2)]

        def claimed(member: Membership) -> House:
            store.write(lambda books: books.leases.claim(["cart:1"], member.holder))
            lease = store.read(lambda books: books.leases.get("cart:1"))
            return House(Fenced(store, lease, lambda: member.alive), SystemClock())

        old = claimed(members[0])
        old.store.write(receipt(item, "1"))
        new = claimed(members[1])
        with pytest.raises(Retriable) as refused:
            old.store.write(receipt(item, "2"))
        assert reason(refused) == "taken_over"
        new.store.write(receipt(item, "3"))
        again = claimed(members[0])
        assert [lease.epoch for lease in store.read(lambda books: books.leases.all())] == [3]
        for late in (old, new):
            with pytest.raises(Retriable):
                late.store.write(receipt(item, "4"))
        again.store.write(receipt(item, "5"))
        assert on_hand(store) == 3
        members[0]._dies = 0.0  # by its own clock, others may have taken over already
        for act in (lambda: again.store.write(receipt(item, "6")), lambda: again.store.read(lambda books: None)):
            with pytest.raises(Retriable):
                act()
        for member in members:
            member.release()
        assert not store.read(lambda books: books.leases.get("cart:1")).holder


def test_a_claim_waits_for_what_is_being_booked_under_the_lease(address: Server, key: Path) -> None:
    """Otherwise a shop could be looked at by the next driver before the last one has booked what it saw."""
    with (
        Membership(address, "a", key, stays=True) as one,
        Membership(address, "b", key, stays=True) as two,
        Database(address, key_file=key) as store,
        Database(address, key_file=key) as other,
    ):
        item = tea(store)
        store.write(lambda books: books.leases.claim(["cart:1"], one.holder))
        lease = store.read(lambda books: books.leases.get("cart:1"))
        inside, go_on = threading.Event(), threading.Event()

        def slow(books: SqlBooks) -> None:
            inside.set()
            go_on.wait(10)
            receipt(item, "1")(books)

        with ThreadPoolExecutor(2) as threads:
            booked = threads.submit(Fenced(store, lease, lambda: True).write, slow)
            inside.wait(10)
            taken = threads.submit(other.write, lambda books: books.leases.claim(["cart:1"], two.holder))
            time.sleep(0.2)
            assert not taken.done()
            go_on.set()
            booked.result(10)
            taken.result(10)
        assert other.read(lambda books: books.leases.get("cart:1")).holder == two.holder


def test_each_process_hears_of_the_commits_of_the_others(address: Server, key: Path) -> None:
    heard: list[int] = []
    with Membership(address, "serve", key, stays=True) as one, Database(address, key_file=key) as store:
        one.listen(lambda: (None, str), heard.append)
        for n in range(3):
            tea(store) if n == 0 else store.write(lambda books: books.leases.hint("cart:1"))
            end = time.monotonic() + 5
            while (not heard or heard[-1] < store.version) and time.monotonic() < end:
                time.sleep(0.01)
            assert heard[-1] == store.version


def test_no_process_has_the_store_open_while_it_is_upgraded(server: PostgreSQL, address: Server, key: Path) -> None:
    with Membership(address, "serve", key, stays=True):
        with pytest.raises(Conflict) as refused:
            upgrade(address)
        assert reason(refused) == "owned"
    sleeper = silent(Membership(address, "serve", key, stays=True))
    run(server, address, "UPDATE processes SET until = 0")
    upgrade(address)
    with Database(address, key_file=key, holder=sleeper.holder) as slow, pytest.raises(Retriable):
        tea(slow)
    run(server, address, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Refused):
        sleeper._renew()  # it does not know that schema


# Addresses and servers that cannot be used


def test_a_password_is_not_shown() -> None:
    for said in (
        "postgresql://ann:s3cret@one,two:5433/shop",
        "postgresql://ann@one/shop?password=s3cret&sslmode=require",
        "postgresql://ann:s3cret@one/shop?sslpassword=s3cret",
    ):
        address = address_of(said)
        assert "s3cret" not in str(address) + repr(address)
        assert "ann@one" in str(address)


@pytest.mark.parametrize("said", ["postgresql://ann@one", "postgresql://ann@one/", "postgres://"])
def test_an_address_without_a_database_is_refused(said: str) -> None:
    with pytest.raises(Refused):
        address_of(said)


def test_an_address_that_libpq_does_not_understand_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        Database(Server("postgresql://ann@one/shop?colour=red"))
    assert reason(refused) == "address"


def unusable(address: Server) -> tuple[type[OnHandError], str]:
    """What is said of an address, the same by everybody who opens it."""
    found = set()
    for use in (Database, create, upgrade, lambda it: Membership(it, "serve")):
        with pytest.raises(OnHandError) as refused:
            use(address)
        found.add((type(refused.value), reason(refused)))
        assert not Path(f"{address.database}.key").exists()
    (only,) = found
    return only


def test_a_wrong_port_a_wrong_host_and_a_server_that_is_down(server: PostgreSQL) -> None:
    assert unusable(Server("postgresql://onhand@127.0.0.1:1/shop")) == (Retriable, "unreachable")
    assert unusable(Server("postgresql://onhand@no-such-host.invalid/shop")) == (Retriable, "unreachable")


def test_a_wrong_password_and_a_role_that_may_not_come_in(server: PostgreSQL, address: Server, key: Path) -> None:
    locked = f"127.0.0.1:{server.port}/{address.database}"
    assert unusable(Server(f"postgresql://{ROLE}_locked:wrong@{locked}")) == (Permanent, "login")
    assert unusable(Server(f"postgresql://{ROLE}_locked@{locked}")) == (Permanent, "login")
    assert unusable(server.address(address.database, "refused")) == (Permanent, "login")
    with server.connect(address.database) as connection:
        connection.execute(f"GRANT {ROLE} TO {ROLE}_locked")
    with Database(Server(f"postgresql://{ROLE}_locked:{PASSWORD.replace(' ', '%20')}@{locked}"), key_file=key) as store:
        assert tea(store)


def test_a_database_that_does_not_exist(server: PostgreSQL) -> None:
    assert unusable(server.address("no_such_shop")) == (Refused, "address")


def test_a_role_without_rights(server: PostgreSQL, address: Server, key: Path) -> None:
    powerless = server.address(address.database, "powerless")
    for use in (Database, upgrade):
        with pytest.raises(Permanent) as refused:
            use(powerless)
        assert reason(refused) == "rights"
    empty = server.new_database()
    with pytest.raises(Permanent) as refused:
        create(server.address(empty, "powerless"), key.with_name("fresh.key"))
    assert reason(refused) == "rights"
    assert not key.with_name("fresh.key").exists()
    assert (
        run(server, server.address(empty), "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")
        == []
    )


def test_a_database_of_another_program_is_left_alone(server: PostgreSQL, key: Path) -> None:
    other = server.address(server.new_database())
    run(server, other, "CREATE TABLE cakes (name text)")
    with pytest.raises(Refused) as refused:
        create(other, key)
    assert reason(refused) == "foreign"
    run(server, other, "CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('0001')")
    for use in (lambda: create(other, key), lambda: Database(other), lambda: upgrade(other)):
        with pytest.raises(Refused):
            use()
    assert not key.exists()
    assert run(server, other, "SELECT count(*) FROM pg_class WHERE relname = 'items'") == [(0,)]


def test_an_existing_store_is_not_created_again(address: Server, key: Path) -> None:
    before = key.read_bytes()
    with pytest.raises(Refused) as refused:
        create(address, key)
    assert reason(refused) == "exists"
    assert key.read_bytes() == before


def test_a_newer_and_an_unknown_schema(server: PostgreSQL, address: Server) -> None:
    run(server, address, "UPDATE alembic_version SET version_num = '9999'")
    for use in (Database, upgrade, lambda it: Membership(it, "serve")):
        with pytest.raises(Refused) as refused:
            use(address)
        assert refused.value.facts["found"] == "9999"


def test_a_migration_that_fails_leaves_nothing(server: PostgreSQL, key: Path) -> None:
    address = server.address(server.new_database())
    # An event of the server stops the last statements of the migration.
    run(
        server,
        address,
        """CREATE FUNCTION stop() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
        IF EXISTS (SELECT FROM pg_class WHERE relname = 'leases') THEN RAISE EXCEPTION USING ERRCODE = '53100'; END IF; END $$;
        CREATE EVENT TRIGGER stop ON ddl_command_end EXECUTE FUNCTION stop()""",
    )
    with pytest.raises(Retriable) as failed:
        create(address, key)
    assert reason(failed) == "disk_full"
    assert not key.exists()
    run(server, address, "DROP EVENT TRIGGER stop")
    create(address, key)


def test_a_database_in_another_encoding_is_refused(server: PostgreSQL) -> None:
    name = server.new_database(more="ENCODING 'LATIN1' LOCALE 'C'")
    assert unusable(server.address(name)) == (Refused, "encoding")


def test_an_old_server_is_refused(address: Server, key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onhand.storage.postgresql.OLDEST", 99)
    assert unusable(address) == (Refused, "version")


def test_a_full_disk_of_the_server_undoes_the_unit(store: Database) -> None:
    item = tea(store)

    def unit(books: SqlBooks) -> None:
        receipt(item, "1")(books)
        books._connection.exec_driver_sql("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53100'; END $$")

    with pytest.raises(Retriable) as failed:
        store.write(unit)
    assert reason(failed) == "disk_full"
    assert (on_hand(store), bool(store.trouble)) == (0, True)
    store.write(receipt(item, "1"))
    assert (on_hand(store), store.trouble) == (1, "")


@pytest.mark.parametrize(
    ("state", "said", "kind", "means"),
    [
        ("XX000", 'could not extend file "base/1/2": File too large', Retriable, "disk_full"),
        ("XX000", "cache lookup failed for type 1", Broken, "database"),
        ("XX001", "invalid page in block 1", Broken, "damaged"),
    ],
)
def test_a_server_that_fails_inside_is_not_said_to_be_damaged(
    store: Database, state: str, said: str, kind: type[OnHandError], means: str
) -> None:
    fails = f"DO $$ BEGIN RAISE EXCEPTION '{said}' USING ERRCODE = '{state}'; END $$"
    with pytest.raises(kind) as failed:
        store.write(lambda books: books._connection.exec_driver_sql(fails))
    assert reason(failed) == means


def test_a_row_of_leases_that_is_gone_is_damage(server: PostgreSQL, address: Server, store: Database) -> None:
    run(server, address, "DELETE FROM leases")
    with pytest.raises(Broken):
        tea(store)


def test_a_lock_of_another_program_is_not_waited_for_forever(
    server: PostgreSQL, address: Server, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        postgresql, "_BEGIN", postgresql._BEGIN.replace("lock_timeout = '5000'", "lock_timeout = '100'")
    )
    with Database(address, key_file=key) as store, server.connect(address.database) as other:
        other.execute("BEGIN; SELECT FROM leases FOR UPDATE")
        with pytest.raises(Retriable) as failed:
            tea(store)
        assert reason(failed) == "locked"
        other.execute("COMMIT")
        assert tea(store)


def test_a_process_that_is_suspended_inside_a_transaction_does_not_stop_the_others(
    address: Server, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle = f"{int(postgresql.IDLE_SECONDS * 1000)}';\nSELECT"
    assert idle in postgresql._BEGIN
    monkeypatch.setattr(postgresql, "_BEGIN", postgresql._BEGIN.replace(idle, "300';\nSELECT"))
    with Database(address, key_file=key) as slow, Database(address, key_file=key) as quick:
        item = tea(slow)
        inside, go_on = threading.Event(), threading.Event()

        def sleep(books: SqlBooks) -> None:
            receipt(item, "1")(books)
            inside.set()
            go_on.wait(20)

        with ThreadPoolExecutor(1) as threads:
            sleeping = threads.submit(slow.write, sleep)
            inside.wait(10)
            begun = time.monotonic()
            quick.write(receipt(item, "2"))
            assert 0.1 < time.monotonic() - begun < postgresql.IDLE_SECONDS
            go_on.set()
            with pytest.raises(Retriable):
                sleeping.result(20)
        slow.write(receipt(item, "3"))
        assert on_hand(quick) == 2


def test_asynchronous_commits_are_made_synchronous(server: PostgreSQL, address: Server, key: Path) -> None:
    run(server, address, f"ALTER DATABASE {address.database} SET synchronous_commit = off")
    with Database(address, key_file=key) as store:
        now = store.write(lambda books: books._connection.exec_driver_sql("SHOW synchronous_commit").scalar())
        assert now == "on"
        assert store.facts()["synchronous_commit"] == "off"
    run(server, address, f"ALTER DATABASE {address.database} SET synchronous_commit = remote_apply")
    with Database(address, key_file=key) as store:
        now = store.write(lambda books: books._connection.exec_driver_sql("SHOW synchronous_commit").scalar())
        assert now == "remote_apply"


def test_a_commit_is_not_reported_before_its_standby_has_it(key: Path) -> None:
    """PostgreSQL ends the wait for a standby when a statement takes too long, and says that all is well."""
    with PostgreSQL() as server:
        address = server.new_store(key)
        with Database(address, key_file=key) as store:
            item = tea(store)
        run(server, address, f"ALTER ROLE {ROLE} SET statement_timeout = '300ms'")
        set_standbys(server, "absent")
        with Database(address, key_file=key) as store, ThreadPoolExecutor(1) as threads:
            writing = threads.submit(store.write, receipt(item, "1"))
            with pytest.raises(TimeoutError):
                writing.result(2)
            assert on_hand(store) == 0
            set_standbys(server, "")
            writing.result(20)
            assert on_hand(store) == 1


def test_nothing_is_left_in_a_session(server: PostgreSQL, address: Server, store: Database) -> None:
    """A pooler gives the next transaction another session, so a session must be as it was."""
    item = tea(store)
    for n in range(8):
        store.write(receipt(item, str(n)))
        on_hand(store)
    with store._engine.writer() as connection:
        driver = connection.connection.driver_connection
        store._engine.begin(driver)
        receipt(item, "last")(SqlBooks(connection, store._vault))
        store._engine.commit(driver)
        assert driver.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() == (0,)
        assert driver.execute("SHOW lock_timeout").fetchone() == ("0",)
        assert driver.execute("SHOW idle_in_transaction_session_timeout").fetchone() == ("0",)
        assert driver.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone() == (0,)


def test_a_standby_is_named_as_one(key: Path) -> None:
    with PostgreSQL() as primary, PostgreSQL() as standby:
        address = primary.new_store(key)
        standby.follow(primary)
        only = standby.address(address.database)
        assert unusable_at(only) == (Permanent, "read_only")
        both = Server(f"postgresql://{ROLE}@127.0.0.1:{standby.port},127.0.0.1:{primary.port}/{address.database}")
        with Database(both, key_file=key) as store:
            item = tea(store)
            primary.stop()
            with pytest.raises(Retriable) as failed:  # a failover may be under way
                store.write(receipt(item, "1"))
            assert reason(failed) == "unreachable"
            standby.promote()
            end = time.monotonic() + 20
            while True:
                try:
                    store.write(receipt(item, "2"))
                    break
                except OnHandError:
                    assert time.monotonic() < end
                    time.sleep(0.1)
            assert on_hand(store) == 1


def unusable_at(address: Server) -> tuple[type[OnHandError], str]:
    with pytest.raises(OnHandError) as refused:
        Database(address)
    return type(refused.value), reason(refused)


def test_a_killed_server_has_what_was_reported(key: Path) -> None:
    with PostgreSQL(options=("-c", "fsync=on")) as server:
        address = server.new_store(key)
        with Database(address, key_file=key) as store:
            item = tea(store)
            done = 0
            for n in range(20):
                store.write(receipt(item, str(n)))
                done += 1
            server.kill()
        server.start()
        with Database(address, key_file=key) as store:
            assert on_hand(store) == done
