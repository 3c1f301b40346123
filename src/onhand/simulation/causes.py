"""Lists the causes that may be named for what a witness saw in one listing of a simulated shop.

Path: ``naming`` makes a ``Case`` of each listing, and asks ``compare`` whether what was named fits what happened.
Promise: several causes are right only if the shop shows the same for each of them; each such case is a rule with its reason.
Never: reads what the books say to decide what is right.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from onhand.domain.differences import Ending

from .reading import Rows
from .shop import Drift, Writer

SEVERAL = "several changes at once"
RACE_CAUSES = {"lost sale", "lost post", "lost return"}
# Goods that came back and were destroyed at once look like a counter that was lowered alone. So for returned goods both names are right, no
# stock moves, and what the shop's counter gave back waits for a person: the error is to sell too little.
RETURN_CAUSES = {"return in doubt", "counter lowered"}
# A counter that was lowered alone differs from one that was reset only by its height; no stock moves either way.
LOWERED_CAUSES = RETURN_CAUSES | {"counter reset"}
# A line that was changed alone is believed where sales of the same moment can hide that its stock moved: those sales are made good, and a
# person is asked. Next to any other drift a person is asked at once. No stock moves automatically.
ALONE_CAUSES = {"order edited", "lost sale", "return in doubt", "unknown"}
# The causes that may be named for what the witness saw. Several things at once in one listing may be named as any of them.
CAUSES: dict[Writer, set[str]] = {
    Writer.SALE: RACE_CAUSES,
    Writer.FORM: {"stale form save", "edit in the shop"},
    Writer.EDIT: {"edit in the shop", "stale form save"},
    Writer.IMPORT: {"edit in the shop", "stale form save", "unknown"} | RACE_CAUSES,
    Writer.RESET: {"counter reset"},
    Writer.CRASH: {"unknown"} | RACE_CAUSES,
    Writer.EDITOR: {"order edited", "unknown", "return in doubt"},
    # A sale that was booked already and is no longer in the counter looks like an order that was taken out of it; for a young product it
    # looks like a counter that was reset.
    Writer.COUNTER: {"order edited", "unknown"} | LOWERED_CAUSES,
    Writer.LOWERED: LOWERED_CAUSES,
}


@dataclass(frozen=True, slots=True)
class Case:
    """The events of one listing since the last quiet point, and the names they got."""

    seen: Sequence[Drift]  # as the witness noted them; of amount 0: a form that was saved shortly before
    named: Rows  # the differences on record
    misjudged: int = 0  # signed units by which the sum moved beyond what the books believe of their own posts
    vague: bool = False  # when it was touched cannot be known
    came_back: bool = False  # goods came back, or may seem to have
    edited_alone: bool = False  # a line was changed, but no stock moved with it
    events: int = 0  # the number of things that happened, as far as they are known to be different ones

    @property
    def asks_about_gone(self) -> bool:
        """Return whether a person was asked if goods came back with deleted lines, next to a lost sale."""
        return any(map(is_about_gone, self.named))

    @property
    def single(self) -> bool:
        """Return whether exactly one plain thing happened: then nothing else can explain it."""
        return (
            len(self.seen) == 1
            and self.seen[0].amount != 0
            and not (self.misjudged or self.vague or self.seen[0].obscure)
        )

    def wrote(self, writer: Writer, sign: int) -> bool:
        """Return whether this writer moved the sum in the direction of ``sign``."""
        return any(drift.writer is writer and drift.amount * sign > 0 for drift in self.seen)


def compare(case: Case, excused: Collection[int]) -> str:
    """Return what is wrong with the names, by amount or by cause; empty if nothing is.

    ``excused``: ids of differences that may have any cause.
    """
    facts = (
        f"the witness saw {_words(case.seen)}, named were {[(f['cause'], f['amount'], f['note']) for f in case.named]}"
    )
    amount = sum(drift.amount for drift in case.seen) + case.misjudged
    told = sum(found["amount"] for found in case.named if found["note"] != Ending.UNDONE)
    if told != amount:
        return f"{amount:+d} are to be named, {told:+d} were: {facts}"
    allowed = {cause for rule in ALLOWING for cause in rule(case)}
    invented = {found["cause"] for found in case.named if found["id"] not in excused} - allowed
    return f"{{{', '.join(map(repr, sorted(invented)))}}} did not happen: {facts}" if invented else ""


# The allowed causes: each rule adds its own


def _what_happened(case: Case) -> set[str]:
    """Return each writer's causes; if nothing else happened, only those that fit this one change."""
    if case.single:
        return _only(case.seen[0])
    return {cause for drift in case.seen for cause in CAUSES[drift.writer]}


def _posts_that_were_misjudged(case: Case) -> set[str]:
    """Allow a drift from a race at the moment of a crash within a batch: it misled the law about what was applied."""
    return RACE_CAUSES | {"unknown"} if case.misjudged else set()


def _lines_that_cannot_be_known(case: Case) -> set[str]:
    """Allow a race or a lowered counter: the line that such a drift is about cannot be known from outside."""
    obscure = any(drift.obscure for drift in case.seen)
    return RACE_CAUSES | LOWERED_CAUSES | {"unknown", "order edited"} if obscure else set()


def _edits_at_an_unknown_time(case: Case) -> set[str]:
    """Allow forms that do not look like an edit: the shop dates them wrong by as much as its clock was moved."""
    touched = case.vague and any(drift.writer is not Writer.SALE for drift in case.seen)
    return RACE_CAUSES | {"unknown"} if touched else set()


def _form_saved_over_a_sale(case: Case) -> set[str]:
    """Allow a race for a form that is saved over a sale: it undoes the sale as a race does, and is made good in the same way."""
    forms = [drift for drift in case.seen if drift.writer is Writer.FORM and drift.amount > 0]
    return {"lost sale"} if any(drift.destroyed == {Writer.SALE} for drift in forms) else set()


def _line_taken_out_beside_a_race(case: Case) -> set[str]:
    """Allow a question about a line that was removed while a race may have lost as much: the shop is corrected at once."""
    return {"lost sale"} if case.wrote(Writer.EDITOR, +1) and case.asks_about_gone else set()


def _counted_edit_beside_an_uncounted_sale(case: Case) -> set[str]:
    """Allow an uncounted edit and lost sales: an edit in the counter, next to a sale that is not, may look like that."""
    return {"lost sale"} if case.wrote(Writer.COUNTER, -1) and case.asks_about_gone else set()


def _line_changed_alone(case: Case) -> set[str]:
    """Allow what a line changed without its stock may look like: see ``ALONE_CAUSES``."""
    return ALONE_CAUSES if case.edited_alone else set()


def _several_changes(case: Case) -> set[str]:
    """Allow the name that says so, if more than one thing happened, and the question that goes with it."""
    if case.events < 2:
        return set()
    asked = case.asks_about_gone and any(found["cause"] == SEVERAL for found in case.named)
    return {SEVERAL, "return in doubt"} if asked else {SEVERAL}


def _goods_that_came_back(case: Case) -> set[str]:
    """Allow a return in doubt. An order that came and went between two looks leaves neither a line nor a counter that moved, so a race of
    its sale is unknown."""
    if not case.came_back:
        return set()
    raced = any(drift.writer is Writer.SALE for drift in case.seen)
    return RETURN_CAUSES | {"unknown"} if raced else RETURN_CAUSES


ALLOWING: tuple[Callable[[Case], set[str]], ...] = (
    _what_happened,
    _posts_that_were_misjudged,
    _lines_that_cannot_be_known,
    _edits_at_an_unknown_time,
    _form_saved_over_a_sale,
    _line_taken_out_beside_a_race,
    _counted_edit_beside_an_uncounted_sale,
    _line_changed_alone,
    _several_changes,
    _goods_that_came_back,
)


def _only(drift: Drift) -> set[str]:
    """Return the causes that may be named if nothing but this happened to a listing since the last quiet point.

    A post or a return that a race destroyed can be worth as much as sales of the same moment; then either is right.
    """
    if drift.writer is Writer.SALE and drift.destroyed == {Writer.SALE}:
        return {"lost sale"}
    if drift.writer is Writer.SALE and drift.amount < 0 and Writer.RESTOCK not in drift.destroyed:
        return {"lost post"}
    if drift.writer is Writer.EDITOR and not drift.destroyed:
        # A line that was removed may have given nothing back, and a race have left the quantity too high by as much: then a person is
        # asked.
        return {"order edited"} if drift.amount < 0 else {"order edited", "unknown", "lost sale", "return in doubt"}
    return CAUSES[drift.writer]


# The subject of a difference


def is_question(found: dict[str, Any]) -> bool:
    """Return whether a person was asked, and no cause was known."""
    return (found["cause"], found["remedy"]) == ("unknown", "ask")


def is_about_gone(found: dict[str, Any]) -> bool:
    """Return whether a person was asked if goods came back with deleted lines, next to a lost sale."""
    return (found["cause"], found["amount"]) == ("return in doubt", 0)


def _words(drifts: Sequence[Drift]) -> list[str]:
    return [f"{d.time:.3f} {d.writer.value} {d.amount:+d} undoing {sorted(d.destroyed)}" for d in drifts]
