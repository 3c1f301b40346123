"""Checks what is on hand against the shelf: nothing comes back twice, and healing never oversells.

Path: ``checks`` calls both at every quiet point, after its own.
Promise: the shelf is computed from what left and what came back, as witnesses saw it, whatever OnHand knows.
Never: accepts a wrong count because no one noticed: only a question to a person, or a policy that believes the shop, excuses it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Container, Mapping, Sequence

from sqlalchemy import select

from onhand.domain.differences import Ending
from onhand.storage.tables import order_lines

from .causes import SEVERAL
from .reading import Rows, differences_since, movements_since, rows
from .shop import Obscure, Writer
from .testimony import Testimony, testify
from .world import World

Key = tuple[str, str]  # the source of a line, and its number there
# What is booked under these names was taken by an order, or a person is asked about it.
BY_ORDER = ("order edited", SEVERAL)
# They move the sum by units that left the shelf, or came back to it.
MOVED_ALIKE = {Writer.EDITOR, Writer.COUNTER, Writer.LOWERED}


def returns(world: World) -> list[str]:
    """Return lines that brought back more than they took, and SKUs of which fewer are on hand than on the shelf."""
    taken: Counter[Key] = Counter()
    wrong = []
    for line in rows(world, select(order_lines)):
        epoch, mark = line["epoch"].partition("~")[0], f"{line['line']}~{line['run']}" if line["run"] else line["line"]
        taken[f"cart/{line['cart_id']}/{epoch}", str(mark)] += line["taken"]
        if line["back"] > line["taken"]:
            wrong.append(f"line {line['line']} took {line['taken']}, and {line['back']} are said to be back")
    back: Counter[Key] = Counter()
    for entry in movements_since(world, 0):
        if entry["kind"] in ("cancellation", "return") and entry["line"] is not None:
            back[_line_of(entry["origin"])] += entry["quantity"]
    wrong += [f"{back[key]} came back of line {key}, which took {taken[key]}" for key in back if back[key] > taken[key]]
    for sku, error in errors(world).items():
        if max(error, default=0) < 0:
            wrong.append(f"{-max(error)} of {sku} are on the shelf and not on hand, and nobody was asked")
    return wrong


def oversell(world: World) -> list[str]:
    """Return SKUs of which more are on hand than on the shelf, beyond what a person was asked about."""
    return [
        f"{min(error)} more of {sku} are on hand than on the shelf, and nobody was asked"
        for sku, error in errors(world).items()
        if min(error, default=0) > 0
    ]


def errors(world: World) -> dict[str, set[int]]:
    """Return, per SKU, by how much on hand moved further than the shelf since the last quiet point.

    People's answers are subtracted, because either answer to a question may have been wrong. If there are several amounts, it is one of
    them. A SKU that cannot be judged is left out.
    """
    if world.phase.store_restored:
        return {}  # bookings made since the copy are lost, and the shops' counts are believed
    on_hand = world.program.read(lambda books: {item.sku: item.on_hand for item in books.items.all().values()})
    asked, believed = _asked_and_believed(world)
    found = {}
    for sku in world.skus:
        shops = [testify(world, number, world.products[number][sku]) for number in range(len(world.shops))]
        if not _can_be_judged(shops, asked[sku]):
            continue
        came = world.booked[sku] - world.before.people[sku] + world.returned[sku] - world.before.returned[sku]
        left = sum(told.traded + told.uncounted + told.twice for told in shops)
        error = on_hand[sku] - world.before.on_hand[sku] - came + left
        if error < 0 and any(told.stopped for told in shops):
            continue  # the error of a stopped cart is to sell too little
        unseen = _unseen(shops, asked[sku], believed[sku])
        excuses = _excused(asked[sku], {told.cart for told in shops if told.writers & MOVED_ALIKE})
        found[sku] = {error - excused - hidden for excused in excuses for hidden in unseen}
    return found


def _asked_and_believed(world: World) -> tuple[Mapping[str, Rows], Mapping[str, set[int]]]:
    """Return, by SKU, what was asked or believed since the last quiet point, and which carts had believed edited lines before it."""
    asked: defaultdict[str, Rows] = defaultdict(list)
    believed: defaultdict[str, set[int]] = defaultdict(set)
    for one in differences_since(world, 0):
        if one["sku"] is not None and one["id"] <= world.before.difference and one["cause"] in BY_ORDER:
            believed[one["sku"]].add(one["cart_id"])
        elif one["sku"] is not None and one["id"] > world.before.difference and one["remedy"] in ("ask", "book"):
            asked[one["sku"]].append(one)
    return asked, believed


def _excused(asked: Rows, moved: Container[int]) -> set[int]:
    """Return by how much on hand may be off because of what people answered.

    For each answer, it is off by nothing or by what was asked about; for an edit that the cart's policy believes, by what it changed. In a
    cart of ``moved`` the sum moved with the shelf as well: what was believed there may be right.
    """
    sums = {0}
    for found in asked:
        amount, note = found["amount"], found["note"]
        if found["cause"] in ("return in doubt", "given back twice"):
            amount = found["expected_quantity"] - found["seen_quantity"]
        if found["remedy"] == "book":
            right = sums if found["cause"] in BY_ORDER or found["cart_id"] in moved else set()
            wrong = set() if found["cause"] in BY_ORDER else {total + amount for total in sums}
            sums = right | wrong
        elif note.startswith(Ending.THEIRS):
            sums |= {total + amount for total in sums}
        elif note.startswith((Ending.OURS, Ending.SENT)):
            sums |= {total - amount for total in sums}
    return sums


def _unseen(shops: Sequence[Testimony], asked: Rows, before: Container[int]) -> set[int]:
    """Return by how much on hand may be off because of what cannot be seen from outside. ``asked``: what was asked or believed; ``before``:
    carts that believed edited lines before the last quiet point."""
    sums = {0}
    for told in shops:
        believed = any((one["cause"], one["cart_id"]) == ("order edited", told.cart) for one in asked)
        back = _believed_before(told) if told.cart in before else []
        for units in (*_before_any_look(told), *_lost_twice(told), *_line_alone(told, believed), *back):
            sums |= {total + units for total in sums}
    return sums


def _before_any_look(told: Testimony) -> list[int]:
    """Return units of orders that were edited, or taken out of the counter, before any look.

    They look like a race, or like a checkout that died half way, and nothing tells which. A race of the same moment can hide the units from
    the sum.
    """
    unseen = [drift for drift in told.drifts if drift.obscure is Obscure.UNSEEN]
    return [-(drift.amount if drift.meant is None else drift.meant) for drift in unseen]


def _lost_twice(told: Testimony) -> list[int]:
    """Return units that were lost on both sides. If an editor lost a sale from the counter and a race lost one from the quantity, only the
    rest shows."""
    uncounted = -sum(drift.amount for drift in told.drifts if drift.writer is Writer.COUNTER and drift.amount < 0)
    undone = sum(drift.amount for drift in told.drifts if drift.writer is Writer.SALE and drift.amount > 0)
    return [hidden] if (hidden := min(uncounted, undone)) else []


def _line_alone(told: Testimony, believed: bool) -> list[int]:
    """Return units of lines that were changed alone.

    One that was lowered while a race lost sales looks like an editor that gave the goods back. One that was raised while anything drifted
    is believed; the error is to sell too little.
    """
    raced = any(drift.writer is Writer.SALE and drift.amount > 0 for drift in told.drifts)
    found = []
    for edit in told.line_edits:
        found += [edit.units] if edit.obscure is Obscure.UNSEEN else []
        found += [-edit.units] if believed and (raced or edit.units > 0) else []
    return found


def _believed_before(told: Testimony) -> list[int]:
    """Return units of lines that were changed alone and believed before the last quiet point, if the lines came back now.

    What was believed comes back with the line: on hand, which was off by it, is right again.
    """
    return [edit.units for edit in told.edits_back]


# Whether the witnesses know the shelf at all


def _can_be_judged(shops: Sequence[Testimony], asked: Rows) -> bool:
    """Return whether the witnesses know the shelf: no rule says that what happened in a shop may look like something else."""
    if asked and any(_edited_beside_something_else(told) for told in shops):
        return False  # a person was asked about both at once
    return not any(rule(told) for rule in UNKNOWABLE for told in shops)


def _put_back_or_muddled(told: Testimony) -> bool:
    """Return whether the shop was restored from a backup, or its counter may look like something else."""
    return told.restored or told.muddled


def _drifted_while_aside(told: Testimony) -> bool:
    """Return whether an alignment, by which a person chose one side, came on top of a drift."""
    return (told.aside or told.stopped) and bool(told.drifts)


def _about_history(told: Testimony) -> bool:
    """Return whether a drift or an edited line is about an order from before the last alignment, of which the books have no line."""
    return told.about_history


def _came_back_twice_unnoticed(told: Testimony) -> bool:
    """Return whether goods came back twice while the books may not have been able to tell.

    The first return was lost with the copy, was not followed, or was part of a deletion of many orders; or a sale deleted before it was
    seen makes up for the second return; or an order that gave nothing back was deleted at the same moment.
    """
    unfollowed = told.renamed or "numbers begin again" in told.acts
    return told.twice != 0 and (told.ever_restored or unfollowed or told.vanished)


UNKNOWABLE: tuple[Callable[[Testimony], bool], ...] = (
    _put_back_or_muddled,
    _drifted_while_aside,
    _about_history,
    _came_back_twice_unnoticed,
)


def _edited_beside_something_else(told: Testimony) -> bool:
    """Return whether an order was edited without its counter while something else changed the same sum."""
    return Writer.EDITOR in told.writers and len(told.writers) > 1


def _line_of(origin: str) -> Key:
    """Return which line a movement's origin names."""
    cart, number, epoch, what, *rest = origin.split("/")
    return f"{cart}/{number}/{epoch}", rest[0] if what == "line" else rest[1]
