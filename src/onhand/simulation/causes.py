"""Says which causes may be named for what a witness saw in one listing of a simulated shop.

Path: ``checks`` compares what was named with this; ``shelf`` asks which listings can be judged at all.
Promise: several causes are right only where the shop shows the same for each of them; each such case has its reason here.
Never: reads what the books say to decide what is right.
"""

from __future__ import annotations

from collections.abc import Collection, Container
from typing import TYPE_CHECKING, Any

from .reading import Rows
from .shop import Drift, LineEdit, Writer

if TYPE_CHECKING:
    from .world import World

TOUCHING = (Writer.FORM, Writer.EDIT, Writer.IMPORT)
TOUCHED_SECONDS = 45.0  # the catalogue is read every half minute, and evidence reaches back ten seconds
YOUNG = 6  # units ever sold: no more than may be sold between two looks
RACE_CAUSES = {"lost sale", "lost post", "lost return"}
# What came back and was destroyed at once looks like a counter that was lowered alone. So where goods came back, both names are right,
# no stock moves, and what the shop's counter gave back waits for a person: it errs to selling too little.
RETURN_CAUSES = {"return in doubt", "counter lowered"}
# A counter that was lowered alone is told from one that was reset by its height only; no stock moves either way.
LOWERED_CAUSES = RETURN_CAUSES | {"counter reset"}
# Which causes may be named for what the witness saw. Several things at once in one listing may be named as any of them.
CAUSES: dict[Writer, set[str]] = {
    Writer.SALE: RACE_CAUSES,
    Writer.FORM: {"stale form save", "edit in the shop"},
    Writer.EDIT: {"edit in the shop", "stale form save"},
    Writer.IMPORT: {"edit in the shop", "stale form save", "unknown"} | RACE_CAUSES,
    Writer.RESET: {"counter reset"},
    Writer.CRASH: {"unknown"} | RACE_CAUSES,
    Writer.EDITOR: {"order edited", "unknown", "return in doubt"},
    # A sale that was booked already and is not in the counter any more looks like an order that was taken out of it; of a young product
    # like a counter that was reset.
    Writer.COUNTER: {"order edited", "unknown"} | LOWERED_CAUSES,
    Writer.LOWERED: LOWERED_CAUSES,
}
# What a line says that was changed alone is believed where sales of the same moment can hide that its stock moved: then those sales are
# made good, and it is asked whether it did. Beside anything else that drifted it is asked at once. No stock moves by itself.
ALONE_CAUSES = {"order edited", "lost sale", "return in doubt", "unknown"}
# Differences that are about no drift: a listing that came or went, and what became of goods.
UNNAMED_CAUSES = {"new listing", "renamed", "deleted product", "set aside", "partial return", "given back twice"}


def muddled(world: World, number: int, product: int) -> bool:
    """Whether a counter was reset while goods came back or something else changed the same count, or was reset twice with a sale in
    between; or whether the return of so young a product was undone that its counter came to nothing, or near it, as a reset one does, or
    of an order from before the last alignment, which no line in the books names. Then one can look like the other. ``docs/promises.md``
    says so."""
    seen = drifted(world, number, product)
    came_back = returned(world, number, product)
    row = world.shops[number].tables.products.get(product)
    doubtful = number in world.ever_restored or (row is not None and row.ordered <= YOUNG)
    resets = sum(
        1
        for d in world.shops[number].drifts[world.before.drifts[number] :]
        if d.product == product and d.writer is Writer.RESET
    )
    return (Writer.RESET in seen and (len(seen) > 1 or resets > 1 or came_back)) or (
        doubtful and came_back and bool(seen)
    )


def returned(world: World, number: int, product: int) -> bool:
    """Whether a deleted order gave back units of a product since the last quiet point."""
    return product in world.shops[number].returns[world.before.returns[number] :]


def drifted(world: World, number: int, product: int) -> set[Writer]:
    """Who changed the sum of a product since the last quiet point."""
    return {d.writer for d in world.shops[number].drifts[world.before.drifts[number] :] if d.product == product}


def edited_alone(world: World, number: int, product: int) -> list[LineEdit]:
    """Lines of a product that were changed since the last quiet point, and no stock with them."""
    edits = world.shops[number].line_edits[world.before.line_edits[number] :]
    return [edit for edit in edits if edit.product == product]


def is_question(found: dict[str, Any]) -> bool:
    return (found["cause"], found["remedy"]) == ("unknown", "ask")


def is_about_gone(found: dict[str, Any]) -> bool:
    """Whether a person was asked if goods came back with lines that are gone, beside a sale that was lost."""
    return (found["cause"], found["amount"]) == ("return in doubt", 0)


def compare(
    seen: list[Drift],
    named: Rows,
    misjudged: int,
    vague: bool,
    came_back: bool,
    excused: Container[int],
    alone: Collection[LineEdit],
) -> str:
    amount = sum(drift.amount for drift in seen) + misjudged
    told = sum(found["amount"] for found in named if found["note"] != "undone in the shop")
    facts = f"the witness saw {_words(seen)}, named were {[(f['cause'], f['amount'], f['note']) for f in named]}"
    if told != amount:
        return f"{amount:+d} are to be named, {told:+d} were: {facts}"
    allowed = set().union(*(CAUSES[drift.writer] for drift in seen)) if seen else set()
    if misjudged:
        allowed |= RACE_CAUSES | {"unknown"}
    if any(drift.obscure for drift in seen):
        allowed |= RACE_CAUSES | LOWERED_CAUSES | {"unknown", "order edited"}
    if vague and any(drift.writer is not Writer.SALE for drift in seen):
        # How long ago the shop says a form was saved is wrong by as much as its clock was moved: it may look like no edit.
        allowed |= {"unknown"} | RACE_CAUSES
    if (
        len(moved := [drift for drift in seen if drift.amount]) == 1
        and not misjudged
        and not vague
        and len(seen) == 1
        and not moved[0].obscure
    ):
        allowed = _only(moved[0])
    if any(drift.writer is Writer.FORM and drift.amount > 0 and drift.destroyed == {Writer.SALE} for drift in seen):
        # A form that is saved over a sale undoes it as a race does, and is made good in the same way.
        allowed |= {"lost sale"}
    if any(drift.writer is Writer.EDITOR and drift.amount > 0 for drift in seen) and any(map(is_about_gone, named)):
        # A line was taken out, and a race may have lost as much: the shop is put right at once, and a person is asked.
        allowed |= {"lost sale"}
    if any(drift.writer is Writer.COUNTER and drift.amount < 0 for drift in seen) and any(map(is_about_gone, named)):
        # An edit that the counter tells of, beside a sale that is not in it, may look like one that it does not tell of, and sales lost.
        allowed |= {"lost sale"}
    if alone:
        allowed |= ALONE_CAUSES
    if came_back:
        # An order that came and went between two looks leaves neither a line nor a counter that moved: a race of its sale is unknown.
        allowed |= RETURN_CAUSES | ({"unknown"} if any(drift.writer is Writer.SALE for drift in seen) else set())
    invented = {found["cause"] for found in named if found["id"] not in excused} - allowed
    return f"{invented} did not happen: {facts}" if invented else ""


def _only(drift: Drift) -> set[str]:
    """The causes that may be named where nothing but this happened to a listing since the last quiet point.

    A post or a return that a race destroyed can be worth as much as sales of the same moment; then either is right.
    """
    if drift.writer is Writer.SALE and drift.destroyed == {Writer.SALE}:
        return {"lost sale"}
    if drift.writer is Writer.SALE and drift.amount < 0 and Writer.RESTOCK not in drift.destroyed:
        return {"lost post"}
    if drift.writer is Writer.EDITOR and not drift.destroyed:
        # A line that was taken out may have given nothing back, and a race have left the quantity too high by as much: then it is asked.
        return {"order edited"} if drift.amount < 0 else {"order edited", "unknown", "lost sale", "return in doubt"}
    return CAUSES[drift.writer]


def unbooked(world: World, found: dict[str, Any]) -> bool:
    """Whether a person was asked about units that came back and that were never booked as taken. The answer takes the note's place."""
    return "more than were booked as taken" in world.asked.get(found["id"], found["note"])


def _words(drifts: list[Drift]) -> list[str]:
    return [f"{d.time:.3f} {d.writer.value} {d.amount:+d} undoing {sorted(d.destroyed)}" for d in drifts]
