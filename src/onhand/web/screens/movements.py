"""Movements: the reasons behind every quantity, as a list that can be filtered and downloaded.

Path: ``/movements``; every number on other screens links here.
Promise: the list is read by its numbers, newest first, however long it is; a file has all that the filters let through.
Never: changes a movement; no one can.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi.responses import Response, StreamingResponse

from onhand.domain.errors import Refused
from onhand.domain.people import Scope
from onhand.domain.stock import Kind
from onhand.files import sheets
from onhand.web.declaring import page
from onhand.web.visit import Page, Visit
from onhand.words import choices

ROWS = 50  # movements on one page
FILTERS = ("sku", "kind", "cart", "by")


def _movements(visit: Visit) -> Page:
    query = visit.query
    asked, fault = _asked(visit), ""
    try:
        found = visit.do(
            "movements", **asked, limit=ROWS, **({"before": query["before"]} if query.get("before") else {})
        )
    except Refused as error:
        if "before" in query:
            raise
        found, fault = {"movements": [], "carts": {}}, error.message
    rows = found["movements"]
    data = {
        "rows": rows,
        "names": found["carts"],
        "fault": fault,
        "kinds": [("", "All types"), *choices(Kind)],
        "carts": [("", "All shops"), *((name, name) for name in found["carts"].values())],
        "filtered": bool(asked),
        "download": visit.link(before=None).partition("?")[2],
        "first": visit.link(before=None) if query.get("before") else None,
        "on": visit.link(before=rows[-1]["id"]) if len(rows) == ROWS else None,
    }
    return Page("movements.html", data, "Movements", () if query.get("before") else ("movement_rows",))


def _export(visit: Visit, form: str) -> Response:
    if form not in set(sheets.Form):
        raise Refused("Movements can be exported as csv or xlsx.")
    asked = _asked(visit)
    visit.do("movements", **asked, limit=1)  # an error is shown on a page, not in the middle of a file

    def ask(before: int | None) -> Mapping[str, Any]:
        return visit.do("movements", **asked, limit=sheets.MOVEMENTS_PAGE, before=before)

    pieces = sheets.write(sheets.MOVEMENTS, sheets.movement_rows(ask), sheets.Form(form))
    named = {"Content-Disposition": f'attachment; filename="onhand-movements.{form}"', "Cache-Control": "no-store"}
    return StreamingResponse(pieces, media_type=sheets.Form(form).media_type, headers=named)


def _asked(visit: Visit) -> dict[str, str]:
    """Return the filters that were filled in."""
    return {name: value for name in FILTERS if (value := visit.query.get(name, "").strip())}


SCREENS = (
    page("/movements", Scope.READ, _movements),
    page("/movements/movements.{form}", Scope.READ, _export),
)
