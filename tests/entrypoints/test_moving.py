"""Tests `onhand migrate`: a store moves between a file and a server, and at no moment two stores can be opened.

Path: pytest; the real program on real stores. What a copy holds is tested in ``tests/storage/test_copying.py``.
Promise: kills are real, and at every step of a move.
Never: asserts sentences.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from alembic.script import ScriptDirectory

from onhand import moving
from onhand.address import Server, StoreAddress, address_of
from onhand.app import App
from onhand.clock import SystemClock
from onhand.domain.errors import Conflict, OnHandError, Refused
from onhand.lock import Owned, patiently
from onhand.simulation.acts import perform
from onhand.simulation.checks import check
from onhand.simulation.plan import plan
from onhand.simulation.run import _quiet
from onhand.simulation.world import World
from onhand.storage import copying, vault
from onhand.storage.engines import MIGRATIONS, engine_of
from onhand.storage.processes import Membership
from onhand.wire import BROKEN, CONFLICT, DONE, PERMANENT, REFUSED, RETRIABLE, USAGE
from tests.entrypoints.conftest import OnHand
from tests.postgresql import ROLE, PostgreSQL, shared_postgresql

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]
HERE = Path(__file__).parents[2]
# A move that dies by its own hand: before, or after, the nth call of a function.
KILLED = """
import os, signal, sys
from pathlib import Path
from onhand import moving
from onhand.address import address_of
from onhand.clock import SystemClock
from onhand.storage import copying, database, moves
source, target, key, module, name, when, nth = sys.argv[1:]
owner = {"moving": moving, "copying": copying, "database": database, "moves": moves}[module]
function, calls = getattr(owner, name), 0
def die():
    if calls == int(nth):
        os.kill(os.getpid(), signal.SIGKILL)
def watched(*arguments, **more):
    global calls
    calls += 1
    if when == "before":
        die()
    result = function(*arguments, **more)
    if when == "after":
        die()
    return result
setattr(owner, name, watched)
copying.BATCH_ROWS = 50
moving.migrate(address_of(source), address_of(target), key_file=Path(key), person="", clock=SystemClock(), agree=lambda _: True,
    progress=lambda *_: None)
"""


@pytest.fixture
def database() -> Iterator[Server]:
    """An empty database."""
    server = shared_postgresql()
    address = server.address(server.new_database())
    yield address
    server.drop(address)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, where the key file of a store on a server is."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def onhand(here: Path, onhand: OnHand) -> OnHand:
    """A store with an item, and a cart whose secret is sealed."""
    onhand("item", "add", "TEA", "--on-hand", 5)
    onhand("cart", "add", "Amber", "--url", "https://127.0.0.1:1/onhand.php")
    onhand("cart", "key", "Amber")
    return onhand


def at(address: StoreAddress) -> OnHand:
    """The program on another store."""
    return OnHand(address.url if isinstance(address, Server) else address)  # type: ignore[arg-type]


def migrated(store: OnHand, to: StoreAddress, *words: str) -> dict:
    target = to.url if isinstance(to, Server) else to
    return store.json("migrate", "--to", target, "--yes", *words)


def refusal(store: OnHand, to: object, code: int = REFUSED) -> dict:
    """What a refused move says. Afterwards the store is open as before."""
    target = to.url if isinstance(to, Server) else to
    error = store.json("migrate", "--to", target, "--yes", code=code)["error"]
    assert error["message"]
    assert store.json("prove")["holds"]
    return error | {"reason": error["facts"].get("reason")}


def digests(address: StoreAddress) -> dict[str, copying.Digest]:
    """The content of a store, in one value for each table."""
    engine = engine_of(address)
    found = {}
    with engine.reader() as connection:
        for table in copying.TABLES:
            found[table.name] = copying.Digest()
            for rows in copying._batches(connection, table):
                found[table.name].add(rows)
    engine.close()
    return found


def opens(address: StoreAddress, key: Path) -> str | None:
    """Return why a store cannot be opened, None if it can."""
    try:
        patiently(lambda: App(address, "test", key_file=key)).close()  # a killed process has a lease for some seconds
    except OnHandError as error:
        return str(error.facts.get("reason", error.code))
    return None


# There and back


def test_a_store_moves_to_a_server_and_back_with_its_secrets(onhand, database, here):
    before = digests(onhand.store)
    done = migrated(onhand, database)
    assert (done["begins"], done["moved"], done["rows"]) == ("new", True, sum(each.rows for each in before.values()))
    assert digests(database) == before
    assert onhand.json("status", code=REFUSED)["error"]["facts"] == {"reason": "moved", "to": str(database)}
    assert (here / f"{database.database}.key").read_text() == vault.beside(onhand.store).read_text()
    there = at(database)
    there("receive", "TEA=10")
    secret = there.json("cart", "key", "Amber")["text"]  # it can be opened
    before = digests(database)

    done = migrated(there, onhand.store)
    assert (done["begins"], done["moved"]) == ("replaced", True)
    assert digests(onhand.store) == before
    assert there.json("status", code=REFUSED)["error"]["facts"]["reason"] == "moved"
    assert onhand.json("item", "show", "TEA")["on_hand"] == 15
    assert onhand.json("cart", "key", "Amber")["text"] == secret
    onhand("item", "add", "MUG")
    onhand("adjust", "TEA", "-1", "--reason", "damaged")
    assert onhand.json("prove")["holds"]
    assert migrated(onhand, database)["begins"] == "replaced"
    assert there.json("item", "show", "TEA")["on_hand"] == 14


def test_a_number_of_a_removed_cart_does_not_come_again(onhand, database):
    (before,) = [cart["id"] for cart in onhand.json("cart", "list")["carts"]]
    onhand("cart", "remove", "Amber", "--yes")
    migrated(onhand, database)
    there = at(database)
    there("cart", "add", "Birch", "--url", "https://127.0.0.1:1/onhand.php")
    (after,) = [cart["id"] for cart in there.json("cart", "list")["carts"]]
    assert after == before + 1


def test_between_two_files_and_between_two_databases(onhand, database, here):
    before = digests(onhand.store)
    migrated(onhand, here / "second.db")
    migrated(at(here / "second.db"), database)
    server = shared_postgresql()
    second = server.address(server.new_database())
    migrated(at(database), second)
    assert digests(second) == before
    assert migrated(at(second), onhand.store)["begins"] == "replaced"  # it is an old copy of each later one
    assert digests(onhand.store) == before
    server.drop(second)


def test_a_simulated_store_with_its_whole_history_moves(here, database, seed):
    path = simulated(here / "simulated.db", seed)
    before = digests(path)
    assert sum(each.rows for each in before.values()) > 100
    store = OnHand(path)
    key = here / f"{database.database}.key"
    migrated(store, database)
    assert digests(database) == before
    key.unlink()
    migrated(at(database), here / "back.db")
    assert digests(here / "back.db") == before
    assert at(here / "back.db").json("prove")["holds"]


def simulated(path: Path, seed: int) -> Path:
    """The store of a simulated world after all its trade."""
    with _quiet():
        world = World(plan(seed))
        world.run(perform, check)
        path.write_bytes(world.disk.image())
        world.close()
    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)")
        db.execute("INSERT INTO alembic_version VALUES (?)", (head,))
    vault.make_key(vault.beside(path))
    return path


def test_a_preview_changes_nothing_and_without_a_person_nothing_is_moved(onhand, database):
    before = onhand.store.read_bytes()
    shown = onhand.json("migrate", "--to", database.url, "--dry-run")
    assert (shown["begins"], shown["moved"], shown["tables"]["items"], shown["has_keys"]) == ("new", False, 1, True)
    assert onhand.json("migrate", "--to", database.url, code=REFUSED)["error"]["facts"]["reason"] == "confirm"
    onhand("migrate", "--to", database.url, code=REFUSED)
    onhand("migrate", "--to", database.url, "--dry-run")
    onhand("migrate", code=USAGE)
    onhand("migrate", "--reopen", "--to", database.url, code=USAGE)
    assert onhand.store.read_bytes() == before
    engine = engine_of(database)
    engine.check_empty()
    engine.close()


def test_keys_are_added_to_an_existing_key_file_and_never_replace_one(onhand, database, here):
    own = here / f"{database.database}.key"
    vault.make_key(own)
    kept = own.read_text()
    migrated(onhand, database)
    assert own.read_text() == kept + vault.beside(onhand.store).read_text()
    at(database).json("cart", "key", "Amber")


def test_one_key_file_for_both_stays_as_it_is(onhand, database, here, monkeypatch):
    key = here / "only.key"
    vault.beside(onhand.store).rename(key)
    kept = key.read_text()
    monkeypatch.setenv("ONHAND_KEY_FILE", str(key))
    assert migrated(onhand, database)["key_file"] == str(key)
    assert key.read_text() == kept
    assert list(here.glob("*.key")) == [key]


def test_a_missing_key_file_is_said(onhand, database, here):
    vault.beside(onhand.store).unlink()
    assert migrated(onhand, database)["has_keys"] is False


def test_clocks_that_differ_are_said(onhand, database):
    class Fast(SystemClock):
        def now(self):
            return super().now() + timedelta(minutes=7)

    for clock, apart in ((SystemClock(), 0), (Fast(), -420)):
        shown = moving.migrate(
            onhand.store, database, person="", clock=clock, agree=lambda _: False, progress=lambda *_: None
        )
        assert abs(shown["clocks_apart_seconds"] - apart) <= 2


# A store that is in use


@pytest.mark.long
def test_a_store_in_use_is_not_moved(onhand, database, here):
    holder = onhand.start("controller")
    error = refusal(onhand, database, CONFLICT)
    assert error["code"] == "owned"
    holder.terminate()
    assert holder.wait() == DONE
    migrated(onhand, database)

    there = at(database)
    holder = there.start("controller")
    assert refusal(there, here / "back.db", CONFLICT)["code"] == "owned"
    assert not (here / "back.db").exists()
    holder.terminate()
    assert holder.wait() == DONE


@pytest.mark.long
def test_a_new_store_that_is_in_use_is_no_target(onhand, database, here):
    there = at(database)
    there("init")
    with Membership(database, "serve", here / f"{database.database}.key"):
        assert refusal(onhand, database, CONFLICT)["code"] == "owned"
    assert migrated(onhand, database)["moved"]


def test_a_store_that_is_being_moved_is_shared_with_nobody(onhand, database, here):
    at(database)("init")
    key = here / f"{database.database}.key"
    with Membership(database, "migrate", key), pytest.raises(Owned):
        Membership(database, "serve", key, stays=True)
    with Membership(database, "serve", key, stays=True):
        Membership(database, "controller", key, stays=True).release()
        with pytest.raises(Owned):
            Membership(database, "migrate", key, stays=True)


# Bad input


def test_addresses_that_lead_nowhere(onhand, here):
    server = shared_postgresql()
    for address, code, reason in (
        (f"postgresql://onhand@127.0.0.1:{server.port}/no_such_shop", REFUSED, "address"),
        ("postgresql://onhand@127.0.0.1:1/shop", RETRIABLE, "unreachable"),
        ("postgresql://onhand@no-such-host.invalid/shop", RETRIABLE, "unreachable"),
        ("postgresql://onhand@127.0.0.1", REFUSED, "address"),
        ("postgresql://onhand@127.0.0.1/shop?colour=red", REFUSED, "address"),
        (server.address("postgres", "refused"), PERMANENT, "login"),
        (f"postgresql://{ROLE}_locked:wr0ng@127.0.0.1:{server.port}/postgres", PERMANENT, "login"),
    ):
        error = refusal(onhand, address, code)
        assert error["reason"] == reason, address
        assert "wr0ng" not in json.dumps(error)
    assert list(here.glob("*.key")) == [vault.beside(onhand.store)]


def test_the_same_place_is_refused(onhand, here):
    assert refusal(onhand, onhand.store)["reason"] == "same"
    (here / "link.db").symlink_to(onhand.store)
    assert refusal(onhand, here / "link.db")["reason"] == "same"


def test_a_role_without_rights_leaves_nothing(onhand, database, here):
    powerless = shared_postgresql().address(database.database, "powerless")
    assert refusal(onhand, powerless, PERMANENT)["reason"] == "rights"
    assert list(here.glob("*.key")) == [vault.beside(onhand.store)]
    assert migrated(onhand, database)["begins"] == "new"


def test_an_old_server_another_encoding_and_a_standby(onhand, database, monkeypatch, here):
    with monkeypatch.context() as patched:
        patched.setattr("onhand.storage.postgresql.OLDEST", 99)
        assert refusal(onhand, database)["reason"] == "version"
    server = shared_postgresql()
    latin = server.address(server.new_database(more="ENCODING 'LATIN1' LOCALE 'C'"))
    assert refusal(onhand, latin)["reason"] == "encoding"
    with PostgreSQL() as primary, PostgreSQL() as standby:
        name = primary.new_database()
        standby.follow(primary)
        assert refusal(onhand, standby.address(name), PERMANENT)["reason"] == "read_only"
    assert list(here.glob("*.key")) == [vault.beside(onhand.store)]


def test_what_belongs_to_others_is_left_alone(onhand, database, here):
    server = shared_postgresql()
    with server.connect(database.database) as connection:
        connection.execute("CREATE TABLE cakes (name text)")
    assert refusal(onhand, database)["reason"] == "foreign"
    for name, content in (("text.db", b"This is a shopping list.\n" * 100), ("empty.db", b"")):
        (here / name).write_bytes(content)
        refusal(onhand, here / name)
        assert (here / name).read_bytes() == content
    other = OnHand(here / "other.db")
    other("init")
    other("item", "add", "MUG")
    before = digests(other.store)
    assert refusal(onhand, other.store)["reason"] == "exists"
    migrated(other, here / "third.db")
    assert refusal(onhand, other.store)["reason"] == "exists"  # an old copy, but of another store
    assert digests(other.store) == before


def test_a_schema_of_another_version(onhand, database):
    at(database)("init")
    with shared_postgresql().connect(database.database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    error = refusal(onhand, database)
    assert (error["reason"], error["facts"]["found"]) == ("schema", "9999")


def test_a_folder_that_cannot_be_written_is_refused(onhand):
    assert refusal(onhand, "/proc/onhand.db", PERMANENT)["code"] == "permanent"


def test_books_that_do_not_add_up_are_not_moved(onhand, database):
    with closing(sqlite3.connect(onhand.store)) as db:
        db.execute("UPDATE items SET on_hand = 7")
        db.commit()
    error = onhand.json("migrate", "--to", database.url, "--yes", code=BROKEN)["error"]
    assert error["facts"]["reason"] == "proof"


def test_a_value_that_does_not_fit_is_found_before_anything_is_done(onhand, database):
    with closing(sqlite3.connect(onhand.store)) as db:
        db.execute("UPDATE items SET location = ?", ("x" * 61,))
        db.commit()
    assert refusal(onhand, database)["reason"] == "value"
    assert onhand.json("migrate", "--to", database.url, "--dry-run", code=REFUSED)["error"]["facts"]["table"] == "items"


def test_a_full_disk_of_the_server_is_said_and_the_move_continues(onhand, database):
    there = at(database)
    there("init")
    with shared_postgresql().connect(database.database) as connection:
        connection.execute("""CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53100'; END $$;
            CREATE TRIGGER stop BEFORE INSERT ON movements FOR EACH ROW EXECUTE FUNCTION stop()""")
        assert refusal(onhand, database, RETRIABLE)["reason"] == "disk_full"
        assert there.json("status", code=REFUSED)["error"]["facts"]["reason"] == "unfinished"
        connection.execute("DROP TRIGGER stop ON movements")
    assert migrated(onhand, database)["begins"] == "resumed"


@pytest.mark.long
def test_a_full_disk_under_a_new_file_is_said_and_the_move_continues(onhand, here):
    small = here / "small"
    small.mkdir()
    move = [
        sys.executable,
        "-m",
        "onhand",
        "--store",
        str(onhand.store),
        "migrate",
        "--to",
        str(small / "b.db"),
        "--yes",
        "--json",
    ]
    script = f"""mount -t tmpfs -o size=8m none {small} || exit 99
    head -c 7800000 /dev/zero > {small}/ballast; "$@"; echo $?; rm {small}/ballast; "$@"; echo $?"""
    root = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    done = subprocess.run(
        [*root, "sh", "-c", script, "sh", *move], capture_output=True, text=True, cwd=HERE, check=False
    )
    first, code, second, again = done.stdout.splitlines()
    assert (json.loads(first)["error"]["facts"]["reason"], int(code)) == ("disk_full", RETRIABLE), done.stderr
    assert (json.loads(second)["moved"], int(again)) == (True, DONE), done.stderr


# Killed


# Where it is killed, whether the source can be opened afterwards, whether the target can, and what the next attempt finds there.
POINTS = {
    "nothing is there": ("database create before 1", None, "none", "new"),
    "the target is new": ("database create after 1", None, None, "new"),
    "the target is being marked": ("moves keep after 2", None, None, "new"),
    "before the first rows": ("copying pour before 1", None, "unfinished", "resumed"),
    "in the middle": ("copying pour after 5", None, "unfinished", "resumed"),
    "all is copied": ("copying check_equal before 1", None, "unfinished", "resumed"),
    "all is compared": ("copying check_equal after 1", None, "unfinished", "resumed"),
    "the source is being closed": ("moves keep after 3", None, "unfinished", "resumed"),
    "the source is closed": ("moving _finish before 1", "moved", "unfinished", "finished"),
    "the target is being opened": ("moves turn after 2", "moved", "unfinished", "finished"),
    "all is done": ("moving _finish after 1", "moved", None, None),
}


@pytest.mark.parametrize(
    "point", [pytest.param(point, marks=[] if point == "in the middle" else pytest.mark.long) for point in POINTS]
)
@pytest.mark.parametrize("to", ["server", pytest.param("file", marks=pytest.mark.long)])
def test_killed_at_any_step_at_most_one_store_is_in_use_and_the_move_continues(here, database, seed, to, point):
    path, target = simulated(here / "source.db", seed), database if to == "server" else here / "target.db"
    key, before = vault.beside(path), digests(path)
    where, source_says, target_says, begins = POINTS[point]
    words = [path, target.url if isinstance(target, Server) else target, key, *where.split()]
    killed = subprocess.run([sys.executable, "-c", KILLED, *map(str, words)], cwd=HERE, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert opens(path, key) == source_says
    if target_says == "none":
        assert not opens_at_all(target)
    else:
        assert opens(target, key) == target_says
        if target_says is None and source_says is None:
            assert sum(each.rows for each in digests(target).values()) == 0  # as ``init`` makes it
    if begins is None:
        assert refusal_of_moved(path, target) == "moved"
    else:
        done = again(path, target, key)
        assert (done["begins"], done["moved"]) == (begins, True)
    assert (opens(path, key), opens(target, key)) == ("moved", None)
    assert digests(target) == before


def again(path: Path, target: StoreAddress, key: Path) -> dict:
    return moving.migrate(
        path, target, key_file=key, person="", clock=SystemClock(), agree=lambda _: True, progress=lambda *_: None
    )


def refusal_of_moved(path: Path, target: StoreAddress) -> str:
    with pytest.raises(Refused) as refused:
        again(path, target, vault.beside(path))
    return str(refused.value.facts["reason"])


def opens_at_all(address: StoreAddress) -> bool:
    if isinstance(address, Path):
        return address.exists()
    engine = engine_of(address)
    found = engine.revision()
    engine.close()
    return found is not None


@pytest.mark.long
def test_the_program_killed_at_random_moments_ends_with_the_same_store(here, database, seed):
    chance = Random(seed)
    path = simulated(here / "source.db", seed)
    before = digests(path)
    move = [sys.executable, "-m", "onhand", "--store", str(path), "migrate", "--to", database.url, "--yes", "--json"]
    for _ in range(12):
        process = subprocess.Popen(move, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(chance.uniform(0.5, 4))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    OnHand(path)(
        "migrate", "--to", database.url, "--yes", code=REFUSED if opens(path, vault.beside(path)) == "moved" else DONE
    )
    assert digests(database) == before
    assert at(database).json("prove")["holds"]


@pytest.mark.long
def test_a_source_that_was_used_after_an_interruption_is_copied_again(onhand, database):
    key = vault.beside(onhand.store)
    words = [onhand.store, database.url, key, "copying", "check_equal", "before", "1"]
    subprocess.run([sys.executable, "-c", KILLED, *map(str, words)], cwd=HERE, check=False)
    onhand("receive", "TEA=10")
    onhand("item", "add", "MUG")
    onhand("cart", "remove", "Amber", "--yes")
    before = digests(onhand.store)
    assert migrated(onhand, database)["begins"] == "resumed"
    assert digests(database) == before


def test_an_unfinished_move_of_another_store_is_left_alone(onhand, database, here):
    other = OnHand(here / "other.db")
    other("init")
    other("item", "add", "MUG")
    words = [other.store, database.url, vault.beside(other.store), "copying", "check_equal", "before", "1"]
    subprocess.run([sys.executable, "-c", KILLED, *map(str, words)], cwd=HERE, check=False)
    assert refusal(onhand, database)["reason"] == "unfinished"
    assert migrated(other, database)["begins"] == "resumed"


def test_a_run_that_was_suspended_while_another_one_went_on_copies_nothing_more(onhand, database):
    """As if the source had been leased to another run meanwhile, which took over the target."""

    def progress(phase: str, done: int, total: int) -> None:
        if done:
            with shared_postgresql().connect(database.database) as connection:
                connection.execute("UPDATE moves SET run = 'another'")

    with pytest.raises(Conflict) as lost:
        moving.migrate(onhand.store, database, person="", clock=SystemClock(), agree=lambda _: True, progress=progress)
    assert lost.value.facts["reason"] == "lost"
    assert onhand.json("prove")["holds"]


@pytest.mark.long
def test_a_target_that_changes_while_a_person_thinks_is_left_alone(onhand, database, here):
    migrated(onhand, database)
    there = at(database)

    def reopened(_: object) -> bool:
        onhand("migrate", "--reopen", "--yes")
        onhand("receive", "TEA=1")
        return True

    with pytest.raises(Conflict) as changed:
        move(there, onhand.store, here / f"{database.database}.key", reopened)
    assert changed.value.facts["reason"] == "changed"
    assert onhand.json("item", "show", "TEA")["on_hand"] == 6
    assert there.json("prove")["holds"]

    def used(_: object) -> bool:
        at(here / "new.db")("item", "add", "MUG")
        return True

    at(here / "new.db")("init")
    with pytest.raises(Conflict):
        move(onhand, here / "new.db", vault.beside(onhand.store), used)
    assert at(here / "new.db").json("item", "show", "MUG")["on_hand"] == 0


def move(store: OnHand, target: StoreAddress, key: Path, agree: moving.Agree) -> dict:
    source = address_of(store.store)
    return moving.migrate(
        source, target, key_file=key, person="", clock=SystemClock(), agree=agree, progress=lambda *_: None
    )


# The place is lost


@pytest.mark.long
def test_a_store_whose_new_place_is_lost_is_opened_again_and_can_move_again(onhand, database, here):
    assert onhand.json("migrate", "--reopen", "--yes", code=REFUSED)["error"]["facts"]["reason"] == "not_moved"
    migrated(onhand, database)
    assert onhand.json("migrate", "--reopen", code=REFUSED)["error"]["facts"]["reason"] == "confirm"
    shared_postgresql().drop(database)
    assert onhand.json("migrate", "--reopen", "--yes")["to"] == str(database)
    assert onhand.json("item", "show", "TEA")["on_hand"] == 5
    with shared_postgresql().connect() as connection:
        connection.execute(f"CREATE DATABASE {database.database} OWNER {ROLE} TEMPLATE template0")
    assert migrated(onhand, database)["begins"] == "new"


@pytest.mark.long
def test_a_new_place_that_was_not_lost_is_not_overwritten(onhand, database):
    migrated(onhand, database)
    there = at(database)
    there("receive", "TEA=10")
    onhand("migrate", "--reopen", "--yes")
    assert refusal(onhand, database)["reason"] == "exists"
    assert there.json("item", "show", "TEA")["on_hand"] == 15
