"""Keeps where a store was moved from and to, in the store itself.

Path: ``onhand.moving`` writes it; ``engines.check_schema`` asks ``check_open``, so everything that opens a store does.
Promise: of the two stores of a move at most one can be opened. The one that was moved is closed before the other one is opened.
Never: copies anything else; see ``copying``.

A move has a row in both stores. In the source it is ``begun`` (the source is still the store) and then ``moved``. In the target it is
``arriving`` (the copy is not complete) and then ``arrived``. Rows that say ``arrived`` go along with every later move, so a store knows
all the stores that it has been: a store that was moved is an old copy of each store that arrived by the same move.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import Connection, delete, insert, select, update

from onhand.domain.errors import Conflict, Refused

from .office_tables import moves
from .times import moment


class State(StrEnum):
    """What one store is in a move."""

    BEGUN = "begun"
    MOVED = "moved"
    ARRIVING = "arriving"
    ARRIVED = "arrived"


@dataclass(frozen=True, slots=True)
class Move:
    """One move, as one of its two stores knows it."""

    id: str
    state: State
    other: str
    at: int
    person: str
    run: str = ""


def of(connection: Connection) -> list[Move]:
    """Return the moves of a store, oldest first."""
    rows = connection.execute(select(moves).order_by(moves.c.at, moves.c.id))
    return [replace(Move(**row._mapping), state=State(row.state)) for row in rows]  # noqa: SLF001 - its public name


def only(known: list[Move], state: State) -> Move | None:
    """Return the latest move in a state."""
    return next((move for move in reversed(known) if move.state is state), None)


def keep(connection: Connection, move: Move) -> None:
    """Write a move, instead of what the store knew of it."""
    connection.execute(delete(moves).where(moves.c.id == move.id))
    connection.execute(
        insert(moves).values(
            id=move.id, state=move.state.value, other=move.other, at=move.at, person=move.person, run=move.run
        )
    )


def forget(connection: Connection) -> None:
    """Delete all that a store knows of moves, because another one takes its place."""
    connection.execute(delete(moves))


def turn(connection: Connection, move: str, before: State, after: State) -> None:
    """Change the state of a move. Raise Conflict if it is not in the state ``before``."""
    changed = connection.execute(
        update(moves).where(moves.c.id == move, moves.c.state == before.value).values(state=after.value, run="")
    )
    if not changed.rowcount:
        raise Conflict("Something else changed this move meanwhile: look at both stores again.", reason="changed")


def check_open(connection: Connection) -> None:
    """Raise Refused if this store is not to be used: it was moved, or its copy is not complete."""
    known = of(connection)
    if gone := only(known, State.MOVED):
        day = moment(gone.at).date().isoformat()
        raise Refused(
            f"This store was moved to {gone.other} on {day}: start OnHand with that one. To move it back, run `onhand --store"
            f" {gone.other} migrate --to` with the address of this one. If that one is lost, `onhand migrate --reopen` opens this one"
            " as it was.",
            reason="moved",
            to=gone.other,
        )
    if unfinished := only(known, State.ARRIVING):
        raise Refused(
            f"This store is incomplete, because the move from {unfinished.other} was interrupted: to continue it, run `onhand --store"
            f" {unfinished.other} migrate --to` with the address of this one.",
            reason="unfinished",
            source=unfinished.other,
        )
