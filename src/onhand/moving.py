"""Moves a store to another place: from a file to a database on a server, back, or to another one of the same kind.

Path: ``cli.commands.moving`` → ``migrate``: look at both, prove the source, copy, compare, prove the copy, close the source, open the copy.
Promise: until the copy is complete and equal, the source is the store, unchanged. Killed at any moment, at most one of the two can be
opened, and the same command continues. Nobody else writes to the source meanwhile.
Never: talks to a shop: a cart goes on in the new place as after a restart, because its epoch and its next number went along.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Connection

from onhand.address import Server, StoreAddress
from onhand.app import owned
from onhand.domain.errors import Broken, Conflict, OnHandError, Permanent, Refused
from onhand.lock import Ownership, patiently
from onhand.services import bookkeeping
from onhand.services.ports import Clock
from onhand.storage import copying, database, leases, moves
from onhand.storage.books import SqlBooks
from onhand.storage.copying import Copy, Digest
from onhand.storage.engines import (
    Engine,
    check_revision,
    check_schema,
    engine_of,
    transaction,
    translated,
    writing,
)
from onhand.storage.moves import Move, State
from onhand.storage.times import micros
from onhand.storage.vault import Vault, beside, copy_keys
from onhand.wire import Data, Progress

ROWS_PER_SECOND = 10_000  # checked, copied and compared, on a small machine: for the estimate in the preview
CLOCKS_SECONDS = 60  # a larger difference between this machine's clock and the server's is mentioned
NEW, RESUMED, REPLACED, FINISHED = "new", "resumed", "replaced", "finished"  # what is done with the target

Agree = Callable[[Data], bool]  # shown what would be done; answers whether to do it


@dataclass(frozen=True, slots=True)
class _Place:
    """One of the two stores."""

    address: StoreAddress
    keys: Path

    @property
    def name(self) -> str:
        """Return its address as the other store keeps it, and people read it: without passwords."""
        return str(self.address.resolve() if isinstance(self.address, Path) else self.address)

    @contextmanager
    def opened(self, holder: str = "") -> Iterator[Engine]:
        """Open its engine, whatever its schema."""
        engine = engine_of(self.address, holder)
        try:
            with translated(engine):
                engine.check()
                yield engine
        finally:
            engine.close()

    @contextmanager
    def owned(self) -> Iterator[Engine]:
        """Open its engine while no other process has the store. Raise Owned, and Refused if it is not a store that can be opened."""
        right = patiently(lambda: owned(self.address, "migrate", self.keys, stays=True))
        with right, self.opened("" if isinstance(right, Ownership) else right.holder) as engine:
            check_schema(engine)
            yield engine


def migrate(
    source: StoreAddress,
    target: StoreAddress,
    *,
    key_file: Path | None = None,
    person: str,
    clock: Clock,
    agree: Agree,
    progress: Progress,
) -> Data:
    """Move a store and return what was done, or would be done if ``agree`` says no.

    ``key_file`` names the key file of both; without it each has its own. Raise Owned if something uses the source, Refused if the target
    cannot take it, and whatever either database raises. Then the source is as before.
    """
    here, there = (_Place(each, key_file or beside(each)) for each in (source, target))
    if here.name == there.name:
        raise Refused(f"The store is in {here.name} already: name another place.", reason="same")
    with ExitStack() as held:
        try:
            engine = held.enter_context(here.owned())
        except Refused as refused:
            return _finish_if_moved(refused, here, there, agree)
        return _Moving(here, engine, there, person, clock, progress).run(agree)


def reopen(store: StoreAddress) -> Data:
    """Open a store again that was moved, without what happened in the other one. Raise Refused if it was not moved."""
    place = _Place(store, beside(store))
    with place.opened() as engine:
        check_revision(engine)
        with writing(engine) as connection:
            gone = moves.only(moves.of(connection), State.MOVED)
            if gone is None:
                raise Refused(f"{place.name} was not moved: nothing was changed.", reason="not_moved")
            moves.turn(connection, gone.id, State.MOVED, State.BEGUN)
            return {"store": place.name, "to": gone.other}


class _Moving:
    """One run of a move, while this process owns the source."""

    def __init__(
        self, here: _Place, engine: Engine, there: _Place, person: str, clock: Clock, progress: Progress
    ) -> None:
        self._here, self._source, self._there = here, engine, there
        self._person, self._clock, self._progress = person, clock, progress
        self._done = self._total = 0
        self._run = secrets.token_hex(16)

    def run(self, agree: Agree) -> Data:
        with self._source.reader() as snapshot:
            known = moves.of(snapshot)
            how, before = _look(self._there, known)
            rows = copying.count_rows(snapshot)
            self._check(snapshot)
        plan = self._plan(how, rows)
        if not agree(plan):  # a person may take long, and no transaction waits for that
            return plan
        began = time.monotonic()
        self._total = 2 * sum(rows.values())
        move = self._begin(how, before)
        with self._source.reader() as snapshot:
            commits = leases.commits(snapshot)
            digests = self._copy(snapshot, move)
        self._compare(digests)
        with writing(self._source) as connection:
            if (
                leases.commits(connection) > commits + 1
            ):  # this process was suspended, and others used the store meanwhile
                raise Conflict(
                    "The store was used while it was moved: stop OnHand and repeat the command.", reason="used"
                )
            leases.turn_out(connection, self._source.holder)
            moves.keep(connection, replace(move, state=State.MOVED, other=self._there.name, run=""))
        with self._there.opened() as target:
            _finish(self._source, target, move.id)
        return plan | {"moved": True, "seconds": round(time.monotonic() - began, 1)}

    def _check(self, snapshot: Connection) -> None:
        """Raise Broken if the source's books do not add up, Refused if the target cannot hold all of it."""
        self._progress("Checking", 0, 0)
        _check_proof(snapshot, self._here.name)
        if isinstance(self._there.address, Server):
            copying.check_fits(snapshot)

    def _plan(self, how: str, rows: dict[str, int]) -> Data:
        apart = self._clocks_apart()
        return {
            "source": self._here.name,
            "target": self._there.name,
            "begins": how,
            "tables": {name: number for name, number in rows.items() if number},
            "rows": sum(rows.values()),
            "estimated_seconds": -(-sum(rows.values()) // ROWS_PER_SECOND),
            "key_file": str(self._there.keys.resolve()),
            "has_keys": self._here.keys.exists(),
            "clocks_apart_seconds": apart if abs(apart) > CLOCKS_SECONDS else 0,
            "moved": False,
        }

    def _clocks_apart(self) -> int:
        """Return by how many seconds the clock of the target's server is ahead of this machine's."""
        if not isinstance(self._there.address, Server):
            return 0
        with self._there.opened() as target, target.reader() as connection:
            there = connection.exec_driver_sql("SELECT extract(epoch FROM clock_timestamp())").scalar_one()
        return int(there) - micros(self._clock.now()) // 1_000_000

    def _begin(self, how: str, before: Move | None) -> Move:
        """Note the move in both stores; create, empty or take over the target."""
        self._progress("Copying", 0, self._total)
        if how == RESUMED and before is not None:
            move = replace(before, run=self._run)
        else:
            now = micros(self._clock.now())
            move = Move(secrets.token_hex(16), State.BEGUN, self._there.name, now, self._person)
            with writing(self._source) as connection:
                moves.keep(connection, move)
            move = replace(move, state=State.ARRIVING, other=self._here.name, run=self._run)
        _prepare_keys_and_file(self._here, self._there)
        # A new store could be in use by now; the other ones cannot be opened.
        with self._there.owned() if how == NEW else self._there.opened() as target, writing(target) as connection:
            _check_unchanged(connection, before)
            if how == REPLACED:
                copying.empty(connection)
            if how != RESUMED:
                moves.forget(connection)
            moves.keep(connection, move)
        return move

    def _copy(self, snapshot: Connection, move: Move) -> dict[str, Digest]:
        with self._there.opened() as target, target.writer() as connection:

            @contextmanager
            def mine() -> Iterator[None]:
                with transaction(target, connection):
                    _check_run(connection, move)
                    yield

            copy = Copy(snapshot, connection, mine, self._report)
            try:
                return copy.fill()
            except copying.Differs:  # the source was used since the last run
                self._done = 0
                with mine():
                    copying.empty(connection)
                return copy.fill()

    def _compare(self, digests: dict[str, Digest]) -> None:
        with self._there.opened() as target, target.reader() as connection:
            copying.check_equal(connection, digests, self._report)
            _check_proof(connection, self._there.name)

    def _report(self, rows: int) -> None:
        self._done += rows
        self._progress("Copying" if self._done * 2 <= self._total else "Comparing", self._done, self._total)


def _look(there: _Place, known: list[Move]) -> tuple[str, Move | None]:
    """Return what to do with the target of a store that knows these moves. Raise Refused if it is in use for something else."""
    if isinstance(there.address, Path) and not there.address.exists():
        return NEW, None
    with there.opened() as target:
        if target.revision() is None:
            if isinstance(there.address, Path):
                raise Refused(
                    f"{there.name} exists and is no store data file: name a file that does not exist yet.",
                    reason="foreign",
                )
            target.check_empty()
            return NEW, None
        check_revision(target)
        with target.reader() as connection:
            theirs, blank = moves.of(connection), copying.is_blank(connection)
    arriving, gone = moves.only(theirs, State.ARRIVING), moves.only(theirs, State.MOVED)
    if arriving is not None:
        if arriving.id not in {move.id for move in known if move.state is State.BEGUN}:
            raise Refused(
                f"{there.name} has an unfinished move of another store, {arriving.other}: name an empty place, or delete that"
                " one first.",
                reason="unfinished",
                source=arriving.other,
            )
        return RESUMED, arriving
    if gone is not None and gone.id in {move.id for move in known if move.state is State.ARRIVED}:
        return REPLACED, gone
    if not blank or gone is not None:
        raise Refused(f"{there.name} is a store of its own: name an empty place. Nothing was changed.", reason="exists")
    return NEW, None


def _check_unchanged(connection: Connection, before: Move | None) -> None:
    """Raise Conflict if the target is no longer what it was when a person agreed."""
    if before is not None:
        moves.turn(connection, before.id, before.state, before.state)
    elif not copying.is_blank(connection):
        raise Conflict("The new store was used meanwhile: look at both stores again.", reason="changed")


def _prepare_keys_and_file(here: _Place, there: _Place) -> None:
    """Take the keys along and create the target unless it is there. If it cannot be created, there is no new key file either."""
    new = not there.keys.exists()
    try:
        copy_keys(here.keys, there.keys)
    except (OSError, ValueError) as error:
        raise Permanent(f"The key file cannot be copied to {there.keys} ({error}).", reason="path") from error
    try:
        if isinstance(there.address, Path):
            exists = there.address.exists()
        else:
            with there.opened() as target:
                exists = target.revision() is not None
        if not exists:
            database.create(there.address, there.keys)
    except OnHandError:
        if new:
            there.keys.unlink(missing_ok=True)
        raise


def _check_run(connection: Connection, move: Move) -> None:
    """Raise Conflict if another run of the same move fills this target now."""
    found = moves.only(moves.of(connection), State.ARRIVING)
    if found is None or (found.id, found.run) != (move.id, move.run):
        raise Conflict("Another `onhand migrate` has taken over this move: nothing more is done here.", reason="lost")


def _check_proof(connection: Connection, name: str) -> None:
    proof = bookkeeping.proof_of(SqlBooks(connection, Vault()))
    if not proof.holds:
        raise Broken(
            f"The books of {name} do not add up, so nothing was moved: run `onhand prove` and report what it says.",
            reason="proof",
        )


def _finish_if_moved(refused: Refused, here: _Place, there: _Place, agree: Agree) -> Data:
    """Finish a move that was cut off after the source had been closed. Otherwise raise the refusal that the source gave."""
    if refused.facts.get("reason") != "moved" or (isinstance(there.address, Path) and not there.address.exists()):
        raise refused
    with here.opened() as source, there.opened() as target:
        check_revision(target)
        with source.reader() as near, target.reader() as far:
            gone = moves.only(moves.of(near), State.MOVED)
            arriving = moves.only(moves.of(far), State.ARRIVING)
        if gone is None or arriving is None or gone.id != arriving.id:
            raise refused
        plan = {"source": here.name, "target": there.name, "begins": FINISHED, "moved": False}
        plan |= {"key_file": str(there.keys.resolve()), "has_keys": here.keys.exists(), "clocks_apart_seconds": 0}
        if not agree(plan):
            return plan
        _finish(source, target, gone.id)
    return plan | {"moved": True, "seconds": 0.0}


def _finish(source: Engine, target: Engine, move: str) -> None:
    """Open the target, while the source stays closed. The source is held, so that nobody opens it again at the same moment."""
    with writing(source) as near, writing(target) as far:
        moves.turn(near, move, State.MOVED, State.MOVED)
        moves.turn(far, move, State.ARRIVING, State.ARRIVED)
        for earlier in moves.of(near):
            if earlier.state is State.ARRIVED:
                moves.keep(far, earlier)
