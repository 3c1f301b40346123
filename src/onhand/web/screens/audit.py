"""Audit log: who did what, how and when.

Path: ``/audit``, for administrators.
Promise: an entry and the change it records are one commit.
Never: shows a secret; arguments were redacted before they were kept.
"""

from __future__ import annotations

import json

from onhand.domain.errors import Refused
from onhand.domain.people import Scope
from onhand.web.declaring import page
from onhand.web.visit import Page, Visit
from onhand.wire import Data

ROWS = 50  # entries on one page
FILTERS = ("who", "what", "day")


def _audit(visit: Visit) -> Page:
    asked = {name: visit.query[name] for name in (*FILTERS, "before") if visit.query.get(name)}
    try:
        found = visit.do("audit_list", limit=ROWS + 1, **asked)
    except Refused as error:  # an invalid filter; the page comes back with it
        visit.form = dict(asked)
        verbs = visit.do("audit_list", limit=1)["verbs"]
        return visit.refuse(error, lambda: _page(visit, {"entries": [], "verbs": verbs}))
    return _page(visit, found)


def _page(visit: Visit, found: Data) -> Page:
    rows = found["entries"]
    data = {
        "rows": [{**row, "told": _told(row["arguments"])} for row in rows[:ROWS]],
        "verbs": found["verbs"],
        "first": visit.link(before=None) if visit.query.get("before") else None,
        "on": visit.link(before=rows[ROWS - 1]["id"]) if len(rows) > ROWS else None,
        "filtered": any(visit.query.get(name) for name in FILTERS),
    }
    return Page("audit.html", data, "Audit log", ("entries",))


def _told(arguments: str) -> list[tuple[str, str]]:
    """Return the arguments of a verb as names and values. What was too long to be kept whole is shown as it was kept."""
    try:
        given = json.loads(arguments)
    except ValueError:
        return [("", arguments)]
    return [(_named(name), value if isinstance(value, str) else json.dumps(value)) for name, value in given.items()]


def _named(argument: str) -> str:
    """Return the name of an argument as people read it."""
    return "value before" if argument == "seen" else argument.replace("_", " ")


SCREENS = (page("/audit", Scope.ADMINISTER, _audit),)
