"""Reads lines of a SKU and units that a person typed into a form, and puts each error beside its line.

Path: the screens that receive and order; ``buying.html`` draws ``sku-N`` and ``units-N`` for new lines, ``units:SKU`` for known ones.
Promise: a line that is half filled in is never silently left out; an error is shown in the line it is about.
Never: knows what the lines are for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from onhand.domain.errors import OnHandError, Refused
from onhand.domain.stock import sku_key
from onhand.wire import Data

from .visit import Visit

OFFERED = 6  # lines to type into, at first
MORE = 6  # lines added when all are used or more are asked for
KNOWN = "units:"  # before a SKU: the field of a line that already exists
NEEDED = "Enter a value."


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it was typed, and the names of its fields."""

    sku: str
    units: str
    sku_field: str
    units_field: str


def typed(visit: Visit, blank_is_none: bool = False) -> list[Line]:
    """Return the lines of a form that are filled in. Raise Refused where one has no SKU or no units. ``blank_is_none``: a known line
    without units counts as not filled in."""
    lines = _lines(visit)
    if blank_is_none:
        lines = [line for line in lines if line.units or line.sku_field != line.units_field]
    halves = [(line.units_field if line.sku else line.sku_field) for line in lines if not (line.sku and line.units)]
    if halves:
        faults = [{"argument": field, "fault": NEEDED} for field in halves]
        raise Refused("Enter a SKU and units on each line.", arguments=faults)
    return lines


def do(visit: Visit, verb: str, /, lines: Sequence[Line], **arguments: Any) -> Data:
    """Run a verb with typed lines. An error about one of them is put beside that line."""
    try:
        return visit.do(verb, lines=[(line.sku, line.units) for line in lines], **arguments)
    except OnHandError as error:
        _place(visit, error, lines)
        raise


def _place(visit: Visit, error: OnHandError, lines: Sequence[Line]) -> None:
    wrong = error.facts.get("arguments")
    for fault in wrong if isinstance(wrong, list) else []:
        words = str(fault["argument"]).split(".")
        if words[0] == "lines" and len(words) == 3 and int(words[1]) < len(lines):
            line = lines[int(words[1])]
            fault["argument"] = line.sku_field if words[2] == "0" else line.units_field
    unknown, over, about = (_keys(error.facts.get(name)) for name in ("unknown", "over", "sku"))
    for line in lines:
        key = sku_key(line.sku)
        if key in unknown:
            visit.faults[line.sku_field] = "No item has this SKU."
        elif key in over:
            visit.faults[line.units_field] = "More than is outstanding."
        elif key in about:
            visit.faults[line.units_field] = error.message


def rows(visit: Visit) -> range:
    """Return how many new lines to show: those that were filled in, and some more."""
    numbers = [int(line.sku_field.removeprefix("sku-")) for line in _lines(visit) if line.sku_field.startswith("sku-")]
    return range(max(OFFERED, max(numbers, default=-1) + 1 + (MORE if visit.form else 0)))


def _lines(visit: Visit) -> list[Line]:
    """Return all lines of the form that are not blank; known ones first, even if blank."""
    form = visit.form
    found = [Line(name.removeprefix(KNOWN), form[name].strip(), name, name) for name in form if name.startswith(KNOWN)]
    matches = (re.fullmatch(r"(?:sku|units)-([0-9]{1,5})", name) for name in form)
    for n in sorted({int(match[1]) for match in matches if match}):
        sku, units = (form.get(f"{word}-{n}", "").strip() for word in ("sku", "units"))
        if sku or units:
            found.append(Line(sku, units, f"sku-{n}", f"units-{n}"))
    return found


def _keys(skus: object) -> set[str]:
    """Return the keys of the SKUs that an error names."""
    named = skus if isinstance(skus, list) else [skus] if skus else []
    return {sku_key(str(sku)) for sku in named}
