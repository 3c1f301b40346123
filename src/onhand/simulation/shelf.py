"""Checks what is on hand against the shelf: nothing comes back twice, and healing never oversells.

Path: ``checks`` calls both at every quiet point, after its own.
Promise: the shelf is reckoned from what left the house and what came back, as witnesses saw it, whoever was told.
Never: takes a count for right because nobody noticed: only a question to a person, or a policy that believes the shop, excuses it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import select

from onhand.storage.tables import order_lines

from .causes import drifted, edited_alone, muddled
from .reading import Rows, differences_since, movements_since, rows
from .shop import Drift, Obscure, Writer

if TYPE_CHECKING:
    from .world import World

Key = tuple[str, str]  # the source of a line, and its number there


def returns(world: World) -> list[str]:
    """No line brings back more than it took, and what is on hand is not below the shelf."""
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
    """What is on hand is not above the shelf, but by what a person was asked about."""
    return [
        f"{min(error)} more of {sku} are on hand than on the shelf, and nobody was asked"
        for sku, error in errors(world).items()
        if min(error, default=0) > 0
    ]


def errors(world: World) -> dict[str, set[int]]:
    """Per SKU by how much on hand moved further than the shelf since the last quiet point, less what people answered: of each question
    either answer may have been wrong. Several amounts: any of them; none: it cannot be told."""
    if world.phase.store_restored:
        return {}  # what people booked since the copy was made is lost, and the shops' counts are believed
    on_hand = world.program.read(lambda books: {item.sku: item.on_hand for item in books.items.all().values()})
    asked: defaultdict[str, Rows] = defaultdict(list)
    for one in differences_since(world, world.before.difference):
        if one["sku"] is not None and one["remedy"] in ("ask", "book"):
            asked[one["sku"]].append(one)
    found = {}
    for sku in world.skus:
        if not _can_be_judged(world, sku, asked[sku]):
            continue
        came = world.booked[sku] - world.before.people[sku] + world.returned[sku] - world.before.returned[sku]
        left = 0
        for number, shop in enumerate(world.shops):
            product = world.products[number][sku]
            left += shop.traded[product] - world.before.traded[number][product]
            left += shop.edited[product] - world.before.edited[number][product]
            left += shop.twice[product] - world.before.twice[number][product]
        error = on_hand[sku] - world.before.on_hand[sku] - came + left
        found[sku] = {
            error - excused - unseen for excused in _excused(asked[sku]) for unseen in _unseen(world, sku, asked[sku])
        }
        if any(world.carts[number] in world.phase.stopped for number in range(len(world.shops))) and error < 0:
            del found[sku]  # a stopped cart errs to selling too little
    return found


def _excused(asked: Rows) -> set[int]:
    """By how much on hand may be off: of each answer, not at all or by what was asked about; an edit that is believed by the cart's
    policy, by what it changed."""
    sums = {0}
    for found in asked:
        amount, note = found["amount"], found["note"]
        if found["cause"] in ("return in doubt", "given back twice"):
            amount = found["expected_quantity"] - found["seen_quantity"]
        if found["remedy"] == "book":
            sums = sums if found["cause"] == "order edited" else {total + amount for total in sums}
        elif note.startswith("theirs"):
            sums |= {total + amount for total in sums}
        elif note.startswith(("ours", "aligned by Send")):
            sums |= {total - amount for total in sums}
    return sums


def _unseen(world: World, sku: str, named: Rows) -> set[int]:
    """By how much on hand may be off because of what nobody outside can have seen. ``named``: the differences of this SKU."""
    sums = {0}
    for number, cart in enumerate(world.carts):
        product = world.products[number][sku]
        own = [drift for drift in _drifts(world, number) if drift.product == product]
        believed = any((one["cause"], one["cart_id"]) == ("order edited", cart) for one in named)
        for units in (*_before_any_look(own), *_lost_twice(own), *_line_alone(world, number, product, own, believed)):
            sums |= {total + units for total in sums}
    return sums


def _before_any_look(own: list[Drift]) -> list[int]:
    """An order that was edited, or taken out of the counter, before any look looks like a race, or like a checkout that died half way, of
    which nobody can know either. A race of the same moment can hide its units from the sum."""
    return [-(drift.amount if drift.meant is None else drift.meant) for drift in own if drift.obscure is Obscure.UNSEEN]


def _lost_twice(own: list[Drift]) -> list[int]:
    """Of a sale that an editor lost from the counter, and one that a race lost from the quantity, only the rest of both shows."""
    uncounted = -sum(drift.amount for drift in own if drift.writer is Writer.COUNTER and drift.amount < 0)
    undone = sum(drift.amount for drift in own if drift.writer is Writer.SALE and drift.amount > 0)
    return [hidden] if (hidden := min(uncounted, undone)) else []


def _line_alone(world: World, number: int, product: int, own: list[Drift], believed: bool) -> list[int]:
    """A line that was changed alone, and named: one that was lowered while a race lost sales looks like an editor that gave the goods
    back; one that was raised while anything drifted is believed, which errs to selling too little."""
    raced = any(drift.writer is Writer.SALE and drift.amount > 0 for drift in own)
    found = []
    for edit in edited_alone(world, number, product):
        found += [edit.units] if edit.obscure is Obscure.UNSEEN else []
        found += [-edit.units] if believed and (raced or edit.units > 0) else []
    return found


def _can_be_judged(world: World, sku: str, asked: Rows) -> bool:
    """Whether a witness knows the shelf: not where a shop was put back, nor where the counter may look like something else; nor if an
    alignment, by which a person chose one side, came on top of a drift."""
    for number, cart in enumerate(world.carts):
        product = world.products[number][sku]
        seen = drifted(world, number, product)
        twice = world.shops[number].twice[product] - world.before.twice[number][product]
        if number in world.phase.restored or muddled(world, number, product):
            return False
        if (cart in world.phase.aside or cart in world.phase.stopped) and seen:
            return False
        if any(drift.obscure is Obscure.HISTORY and drift.product == product for drift in _drifts(world, number)):
            return False  # an order from before the last alignment, of which the books have no line
        if any(edit.obscure is Obscure.HISTORY for edit in edited_alone(world, number, product)):
            return False
        followed = (number, product) not in world.phase.renamed and "numbers begin again" not in world.phase.done[
            number
        ]
        vanished = product in world.shops[number].vanished[world.before.vanished[number] :]
        if twice and (number in world.ever_restored or not followed or vanished):
            # What came back before is forgotten with the copy, was not followed, or went with many other orders; or a sale that went
            # before anybody saw it makes up for what came back twice; or an order that gave nothing back went at the same moment.
            return False
        if Writer.EDITOR in seen and len(seen) > 1 and asked:
            return False  # a person was asked about both at once
    return True


def _drifts(world: World, number: int) -> list[Drift]:
    return world.shops[number].drifts[world.before.drifts[number] :]


def _line_of(origin: str) -> Key:
    """Which line a movement's origin names."""
    cart, number, epoch, what, *rest = origin.split("/")
    return f"{cart}/{number}/{epoch}", rest[0] if what == "line" else rest[1]
