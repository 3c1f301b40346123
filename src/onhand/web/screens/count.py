"""Count: count sheets, counting blind with a scanner or in a table, review, and posting.

Path: ``/counts``; each form calls one of the ``count_…`` verbs.
Promise: people who count do not see what is expected; counts of others appear automatically, and typed text stays as it is.
Never: decides between two counts; the clerk does.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from fastapi.responses import Response

from onhand.domain.counting import How
from onhand.domain.errors import OnHandError, Refused
from onhand.domain.people import Scope
from onhand.files import sheets
from onhand.web import files
from onhand.web.declaring import form, page
from onhand.web.visit import Page, Visit
from onhand.wire import Data
from onhand.words import counted, label

ROWS = 50  # rows on one page
TONES = {"open": "way", "posted": "ok", "discarded": "off"}
COUNT, HOW_OF = "count:", "how:"  # before a SKU: the fields of its line
HOW = (
    ("ask", label(How.ASK)),
    ("add", f"{label(How.ADD)} (another shelf)"),
    ("replace", label(How.REPLACE)),
)


def _list(visit: Visit) -> Page:
    before = visit.query.get("before", "")
    found = visit.do("count_list", limit=ROWS, **_given(before=before))["sheets"]
    older = visit.link(before=found[-1]["sheet"]) if len(found) == ROWS else None
    data = {"sheets": found, "older": older, "first": "/counts" if before else None, "tones": TONES}
    return Page("counts.html", data, "Count sheets", ("count_sheets",))


def _new(_: Visit) -> Page:
    return Page("count_new.html", {}, "New count sheet")


def _make(visit: Visit) -> Page | Response:
    arguments: dict[str, Any] = visit.given("name", "search", "supplier")
    skus = [line.strip() for line in visit.form.get("skus", "").splitlines() if line.strip()]
    return visit.submit(
        "count_add",
        {"name": "", **arguments, "skus": skus or None},
        again=lambda: _new(visit),
        then=lambda made: f"/counts/{made['sheet']}",
        said=lambda made: (
            f"{made['name']} was created with {counted(made['lines'], 'line')}."
            + (f" Not included: {counted(made['left_out'], 'drop-ship item')}." if made["left_out"] else "")
        ),
    )


# Counting


def _sheet(
    visit: Visit,
    sheet: str,
    stale: Mapping[str, Data] | None = None,
    bad_lines: object = None,
    asked: Data = files.NOT_ASKED,
) -> Page:
    """Return the page on which people count. ``stale`` has the lines that were counted since this page was opened, by SKU; ``bad_lines``
    the errors in the lines of a file."""
    query = visit.query
    left = bool(query.get("left"))
    where = _given(after=query.get("after"), before=query.get("before"), search=query.get("q"))
    found = visit.do("count_show", sheet=sheet, limit=ROWS, left=left, **where)
    rows = found.pop("rows")
    address = f"/counts/{found['sheet']}"
    on_further = len(rows) == ROWS or "before" in where
    data = {
        "sheet": found,
        "rows": rows,
        "tones": TONES,
        "how": HOW,
        "stale": stale or {},
        "bad_lines": bad_lines or [],
        "asked": asked,
        "left": left,
        "can_count": found["state"] == "open" and visit.caller.may(Scope.STOCK),
        "address": address,
        "action": f"{address}?{visit.link().partition('?')[2]}" if query else address,
        "filter": {name: query[name] for name in ("q", "left") if query.get(name)},
        "first": _at(visit, address, after=None, before=None) if where.keys() & {"after", "before"} else None,
        "back": _at(visit, address, after=None, before=rows[0]["sku"])
        if rows and where.keys() & {"after", "before"}
        else None,
        "on": _at(visit, address, before=None, after=rows[-1]["sku"]) if rows and on_further else None,
    }
    # What a person types must not be redrawn while rows leave the list: then only the figures are live.
    live = () if visit.path != address else ("count_figures",) if left else ("count_figures", "count_rows")
    return Page("count.html", data, found["name"], live)


def _enter(visit: Visit, sheet: str) -> Page | Response:
    """Save the counts of the table that were filled in, and one that is taken back."""
    taken_back, seen = visit.form.get("take_back", ""), visit.form.get("seen", "")
    typed = {name.removeprefix(COUNT): units for name, units in visit.form.items() if name.startswith(COUNT)}
    lines: list[dict[str, Any]] = [
        {"sku": sku, "counted": units.strip(), "revision": seen, "how": visit.form.get(f"{HOW_OF}{sku}", "ask")}
        for sku, units in typed.items()
        if units.strip() and sku != taken_back
    ]
    if taken_back:
        lines.append({"sku": taken_back, "counted": None, "revision": seen})
    if not lines:
        return visit.refuse(Refused("Enter at least one count."), lambda: _sheet(visit, sheet))
    try:
        done = visit.do("count_enter", sheet=sheet, lines=lines, **_counted_at(visit))
    except OnHandError as error:
        stale = {line["sku"]: line for line in _stale(error)}
        return visit.refuse(
            _placed(error, [f"{COUNT}{line['sku']}" for line in lines]), lambda: _sheet(visit, sheet, stale)
        )
    return visit.go(_at(visit, f"/counts/{sheet}"), f"{counted(done['entered'], 'count')} of {done['name']} saved.")


def _scan(visit: Visit, sheet: str) -> Page | Response:
    """Save one SKU and its units. A scanner ends a SKU with Enter: without units the page comes back and asks for them."""
    sku, units, how = (visit.form.get(name, "").strip() for name in ("scanned", "units", "scan_how"))
    address = f"/counts/{sheet}"
    if sku and not units:
        return visit.go(_at(visit, address, scanned=sku, how=how, add=visit.form.get("add_lines")))
    line = {"sku": sku, "counted": units, "how": how or "ask"}
    try:
        visit.do("count_enter", sheet=sheet, lines=[line], add_lines=visit.checked("add_lines"), **_counted_at(visit))
    except OnHandError as error:
        return visit.refuse(_placed(error, ["units"]), lambda: _sheet(visit, sheet))
    kept = {"how": how if how != "ask" else None, "add": visit.form.get("add_lines")}
    return visit.go(_at(visit, address, scanned=None, **kept), f"{sku}: {units} counted.")


def _import(visit: Visit, sheet: str) -> Page | Response:
    content: bytes | None = None
    try:
        content = files.brought(visit)
        if content is None:
            raise Refused("Choose a file first.")
        how = {"how": visit.form.get("import_how", "ask"), "add_lines": visit.checked("import_add")}
        done = visit.do("count_import", sheet=sheet, **files.arguments(visit, content), **how)
    except OnHandError as error:
        bad_lines, asked = error.facts.get("faults"), files.asked(visit, content, sheets.COUNTS, error)
        return visit.refuse(error, lambda: _sheet(visit, sheet, bad_lines=bad_lines, asked=asked))
    words = f"{counted(done['entered'], 'count')} imported, {counted(done['blank'], 'line')} without a count."
    return visit.go(f"/counts/{sheet}", " ".join([words, *done["remarks"]]))


def _download(visit: Visit, sheet: str, form: str) -> Response:
    if form not in set(sheets.Form):
        raise Refused("Count sheets can be exported as csv or xlsx.")
    content = base64.b64decode(visit.do("count_export", sheet=sheet, form=form)["file"])
    named = {"Content-Disposition": f'attachment; filename="count-sheet-{int(sheet)}.{form}"'}
    return Response(content, media_type=sheets.Form(form).media_type, headers=named)


# Review


def _review(visit: Visit, sheet: str) -> Page:
    after = visit.query.get("after", "")
    found = visit.do("count_review", sheet=sheet, limit=ROWS, **_given(after=after))
    rows = found.pop("rows")
    address = f"/counts/{found['sheet']}/review"
    data = {
        "sheet": found,
        "rows": rows,
        "tones": TONES,
        "can_post": found["state"] == "open" and visit.caller.may(Scope.STOCK),
        "first": address if after else None,
        "on": f"{address}?{visit.link(after=rows[-1]['sku']).partition('?')[2]}" if len(rows) == ROWS else None,
    }
    return Page("count_review.html", data, f"Review {found['name']}", ("review",) if visit.path == address else ())


def _post(visit: Visit, sheet: str) -> Page | Response:
    return visit.submit(
        "count_post",
        {"sheet": sheet, **visit.given("revision")},
        again=lambda: _review(visit, sheet),
        then=f"/counts/{sheet}/review",
        said=_applied,
    )


def _applied(done: Data) -> str:
    changed = f"{counted(done['booked'], 'item')} adjusted, {counted(done['same'], 'item')} without a variance"
    return f"{changed}, {counted(done['uncounted'], 'line')} not counted."


def _discard(visit: Visit, sheet: str) -> Page | Response:
    return visit.submit(
        "count_discard",
        {"sheet": sheet, **visit.given("revision")},
        again=lambda: _review(visit, sheet),
        then="/counts",
        said="{name} was discarded. Nothing was changed.",
    )


# Shared by these screens


def _given(**words: str | None) -> dict[str, str]:
    """Return the words that are not blank."""
    return {name: word for name, word in words.items() if word and word.strip()}


def _at(visit: Visit, address: str, **changes: str | int | None) -> str:
    """Return the address of the counting page with this page's query, changed."""
    query = visit.link(**changes).partition("?")[2]
    return f"{address}?{query}" if query else address


def _counted_at(visit: Visit) -> dict[str, str]:
    """Return the time of counting, if one was typed: on the clock of this machine, like all times on the screens."""
    typed = visit.form.get("counted_at", "").strip()
    if not typed:
        return {}
    try:
        return {"counted_at": datetime.fromisoformat(typed).astimezone().isoformat()}
    except (ValueError, OverflowError):  # no time, or a year that no clock of this machine shows: the verb says so
        return {"counted_at": f"{typed}+00:00"}


def _stale(error: OnHandError) -> list[Data]:
    found = error.facts.get("stale")
    return found if isinstance(found, list) else []


def _placed(error: OnHandError, fields: Sequence[str]) -> OnHandError:
    """Return the same error with the faults of single lines (``lines.3.counted``) under the names of their fields."""
    faults = error.facts.get("arguments")
    for fault in faults if isinstance(faults, list) else []:
        words = str(fault["argument"]).split(".")
        if words[0] == "lines" and len(words) > 1:
            fault["argument"] = fields[int(words[1])]
    return error


SCREENS = (
    page("/counts", Scope.READ, _list),
    page("/counts/new", Scope.STOCK, _new),
    form("/counts/new", Scope.STOCK, _make),
    page("/counts/{sheet}", Scope.READ, _sheet),
    form("/counts/{sheet}", Scope.STOCK, _enter),
    form("/counts/{sheet}/scan", Scope.STOCK, _scan),
    form("/counts/{sheet}/import", Scope.STOCK, _import),
    page("/counts/{sheet}/review", Scope.READ, _review),
    form("/counts/{sheet}/post", Scope.STOCK, _post),
    form("/counts/{sheet}/discard", Scope.STOCK, _discard),
    page("/counts/{sheet}/sheet.{form}", Scope.READ, _download),
)
