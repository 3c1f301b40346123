"""Checks what a shop says, once, at the border: no service sees an unchecked answer.

Path: ``endpoint`` reads an answer's JSON with ``document``, ``whole`` and ``text``; ``endpoint`` and ``mysql`` hand the values they made
of it to the function of the verb, and return what it returns.
Promise: a number fits into our database, a text can be written anywhere, the ids of a page rise above the one asked for, without repeats.
Anything else is Permanent, with the reason ``answer`` and a sentence.
Never: judges quantities: the conservation law decides what a shop may show.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from onhand.domain.errors import Permanent
from onhand.domain.shop import Applied, Change, Hello, Line, Look, Outcome, Page, Row
from onhand.domain.sketch import Cell, Sums

ANSWER_MAX_BYTES = 8 * 1024 * 1024  # one answer; the largest honest one, all cells of a large shop, has 6
PARTS_MAX = 200_000  # brackets in one answer; the largest honest one has 65,537 lists
ID_MAX = 10**15 - 1  # ids and post numbers; no connector can be asked about a larger one
NUMBER_MAX = 2**53  # quantities and counters, either way; the widest column that can be kept in sync holds no more
TOTAL_DIGITS = 40  # of a sum or a cell
TOTAL_MAX = 10**TOTAL_DIGITS - 1
SMALL_MAX = 2**31 - 1  # statuses, flags, lengths
MODEL_MAX = 1000  # characters of a SKU; a SKU too long for an item leaves its listing unmatched
NAME_MAX = 255  # characters of a product's name that are kept
TEXT_MAX = 4096  # characters of any other text, and of a name before it is shortened
ENTRIES_MAX = 500  # names in one list of a hello: tables, columns, switches
RESULTS = ("missing", "range")  # reasons why a post took no effect

_WHOLE = re.compile(rf"-?[0-9]{{1,{TOTAL_DIGITS}}}")


def fault(what: str) -> Permanent:
    """Return the error for a shop whose answer is impossible: ``what`` says how."""
    return Permanent(
        f"The shop's answer cannot be right, and nothing of it was used: {what}. Copy the connector file of this OnHand there;"
        " if it goes on, look at who else can change that file or the shop's database.",
        reason="answer",
        detail=what,
    )


# Reading JSON. Raises ValueError or TypeError where a member has another type, as from a connector of another version.


def document(content: bytes) -> dict[str, object]:
    """Return the one JSON object of an answer. Raise what ``fault`` makes if it is too deep, too finely divided or not JSON at all."""
    if content.count(b"[") + content.count(b"{") > PARTS_MAX:
        raise fault(f"it has more than {PARTS_MAX:,} parts")
    try:
        read = json.loads(content)
    except RecursionError:
        raise fault("it is nested too deep") from None
    except ValueError as problem:
        raise fault(f"it is not JSON ({shortened(str(problem), 80)})") from problem
    if not isinstance(read, dict):
        raise TypeError("not an object")
    return read


def whole(value: object) -> int:
    """Return a whole number, which may be sent as one or as its digits."""
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{shortened(repr(value), 40)} is not a whole number")
    return value


def truth(value: object) -> bool:
    """Return true or false, which may be sent as 1 or 0."""
    if value not in (True, False):
        raise TypeError(f"{shortened(repr(value), 40)} is neither true nor false")
    return bool(value)


def text(value: object) -> str:
    """Return a text."""
    if not isinstance(value, str):
        raise TypeError(f"{shortened(repr(value), 40)} is not a text")
    return value


def texts(values: object) -> dict[str, str]:
    """Return texts by name. PHP writes an empty object as an empty list."""
    if values == []:
        return {}
    if not isinstance(values, dict):
        raise TypeError("not texts by name")
    return {name: text(value) for name, value in values.items()}


def shortened(said: str, most: int) -> str:
    """Return what a shop or a server said, for people: one line, printable, at most so many characters."""
    plain = " ".join(said[: 4 * most].encode("utf-8", "replace").decode().split())
    plain = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in plain)
    return plain if len(plain) <= most else plain[: most - 1] + "…"


# The answer of each verb, as values


def hello(said: Hello) -> Hello:
    """Return the checked answer to a hello."""
    for name in ("connector", "runtime", "database", "family", "version", "engine", "prefix", "collation", "obstacle"):
        _text(getattr(said, name), NAME_MAX if name != "obstacle" else TEXT_MAX, name)
    _text(said.quantity_type, NAME_MAX, "quantity_type")
    for name in ("tables", "columns", "switches"):
        entries: Mapping[str, str] = getattr(said, name)
        _few(entries, name)
        for key, value in entries.items():
            _text(key, NAME_MAX, name)
            _text(value, TEXT_MAX, name)
    _few(said.stock_elsewhere, "stock_elsewhere")
    for place in said.stock_elsewhere:
        _text(place, NAME_MAX, "stock_elsewhere")
    _number(said.sku_length, 0, SMALL_MAX, "sku_length")
    _number(said.products, 0, ID_MAX, "products")
    _number(said.clock, 0, ID_MAX, "clock")
    _place(said.epoch, said.last_seq)
    return said


def look(seen: Look, after: int, limit: int, sums: bool, catalogue: bool) -> Look:
    """Return the checked answer to a look: new lines above ``after``, the window, and the sums if they were asked for."""
    _place(seen.epoch, seen.last_seq)
    lines(seen.lines)
    _page([line.line for line in seen.lines], seen.more, after, limit, "lines")
    _number(seen.last_line, 0, ID_MAX, "last_line")
    _number(seen.window.count, 0, ID_MAX, "window")
    _number(seen.window.total, 0, TOTAL_MAX, "window")
    if seen.window.weighed is not None:
        _number(seen.window.weighed, -TOTAL_MAX, TOTAL_MAX, "window")
    if sums and seen.sums is None:
        raise fault("the sums that were asked for are missing")
    if seen.sums is not None:
        _sums(seen.sums)
    if not (math.isfinite(seen.sums_ms) and 0 <= seen.sums_ms <= SMALL_MAX):
        raise fault("sums_ms is out of range")
    if catalogue and seen.catalogue is None:
        raise fault("the catalogue that was asked for is missing")
    if seen.catalogue is not None:
        _text(seen.catalogue, TOTAL_DIGITS, "catalogue")
    return seen


def cells(seen: Sequence[Cell], size: int) -> Sequence[Cell]:
    """Return exactly 3 · ``size`` checked cells."""
    if len(seen) != 3 * size:
        raise fault(f"{len(seen):,} cells came where {3 * size:,} were asked for")
    if any(not -TOTAL_MAX <= total <= TOTAL_MAX for cell in seen for total in cell):
        raise fault("a cell is out of range")
    return seen


def page(seen: Page, after: int, limit: int) -> Page:
    """Return checked products above ``after``, at most ``limit``."""
    _page([row.product for row in seen.rows], seen.more, after, limit, "rows")
    return Page(_rows(seen.rows), seen.more)


def rows(seen: Sequence[Row], asked: Collection[int]) -> tuple[Row, ...]:
    """Return some of the products that were asked for, each once, checked."""
    _among([row.product for row in seen], asked, "rows")
    return _rows(seen)


def orders(seen: Sequence[Line], asked: Collection[int]) -> tuple[Line, ...]:
    """Return some of the order lines that were asked for, each once, checked."""
    _among([line.line for line in seen], asked, "lines")
    return lines(seen)


def applied(answer: Applied, first: int, changes: Sequence[Change]) -> Applied:
    """Return the checked outcome of a batch."""
    _place(answer.epoch, answer.last_seq)
    settled = first + len(changes) - 1
    if answer.outcome is not Outcome.UNFINISHED and answer.last_seq != settled:
        raise fault(
            f"post {settled} was the last of a batch that it calls {answer.outcome.value}, not {answer.last_seq}"
        )
    _among(list(answer.failed), {change.product for change in changes}, "results")
    if strange := set(answer.failed.values()) - set(RESULTS):
        raise fault(f"it gives a reason unknown here, {shortened(min(strange), 40)!r}")
    return answer


# Parts that the verbs share


def lines(seen: Sequence[Line]) -> tuple[Line, ...]:
    """Return order lines, each checked separately."""
    for line in seen:
        _number(line.line, 0, ID_MAX, "the id of an order line")
        _number(line.order, 0, ID_MAX, "the number of an order")
        _number(line.product, 0, ID_MAX, "the id of a product")
        _number(line.quantity, -NUMBER_MAX, NUMBER_MAX, "the quantity of an order line")
        if line.status is not None:
            _number(line.status, -SMALL_MAX, SMALL_MAX, "the status of an order")
        if line.model is not None:
            _text(line.model, MODEL_MAX, "the SKU of an order line")
    return tuple(seen)


def _rows(seen: Sequence[Row]) -> tuple[Row, ...]:
    for row in seen:
        _number(row.product, 0, ID_MAX, "the id of a product")
        _number(row.quantity, -NUMBER_MAX, NUMBER_MAX, "a quantity")
        _number(row.ordered, -NUMBER_MAX, NUMBER_MAX, "a counter")
        _number(row.status, -SMALL_MAX, SMALL_MAX, "the status of a product")
        _number(row.flags, 0, SMALL_MAX, "the flags of a product")
        if row.age is not None:
            _number(row.age, -ID_MAX, ID_MAX, "the age of a change")
        if row.model is not None:
            _text(row.model, MODEL_MAX, "a SKU")
        if row.modified is not None:
            _text(row.modified, 40, "the date of a change")
        _text(row.name, TEXT_MAX, "a name")
    return tuple(row if len(row.name) <= NAME_MAX else replace(row, name=row.name[:NAME_MAX]) for row in seen)


def _page(ids: Sequence[int], more: bool, after: int, limit: int, what: str) -> None:
    if len(ids) > limit:
        raise fault(f"{len(ids):,} {what} came where {limit:,} were asked for")
    if more and not ids:
        raise fault(f"more {what} are to follow, and none came")
    for before, now in zip([after, *ids], ids, strict=False):
        if now <= before:
            raise fault(f"its {what} do not rise: {now} comes after {before}")


def _among(ids: Sequence[int], asked: Collection[int], what: str) -> None:
    if len(set(ids)) < len(ids):
        raise fault(f"its {what} name something twice")
    if strange := set(ids) - set(asked):
        raise fault(f"its {what} name {shortened(str(min(strange)), 40)}, which was not asked for")


def _place(epoch: str, last_seq: int) -> None:
    if not (epoch.isascii() and epoch.isalnum() and len(epoch) <= 40):
        raise fault("its epoch is none")
    _number(last_seq, 0, ID_MAX, "last_seq")


def _sums(seen: Sums) -> None:
    _number(seen.count, 0, ID_MAX, "the number of products")
    for total in (seen.quantity, seen.ordered, seen.quantity_h, seen.ordered_h):
        _number(total, -TOTAL_MAX, TOTAL_MAX, "a sum")


def _number(value: int, least: int, most: int, what: str) -> None:
    if not least <= value <= most:
        raise fault(f"{what} is out of range ({shortened(f'{value:,}', 60)})")


def _text(value: str, most: int, what: str) -> None:
    if len(value) > most:
        raise fault(f"{what} has {len(value):,} characters, {most:,} at most can be")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise fault(f"{what} holds half a character, which nothing can show") from None


def _few(values: Iterable[str], what: str) -> None:
    if len(list(values)) > ENTRIES_MAX:
        raise fault(f"{what} has more than {ENTRIES_MAX} entries")
