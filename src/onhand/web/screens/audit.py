"""Audit log: who had what done, by which way, and when.

Path: ``/audit``, for administrators.
Promise: entries were written with what they tell of, in one commit.
Never: shows a secret; arguments were redacted before they were kept.
"""

from __future__ import annotations

from onhand.domain.people import Scope
from onhand.verbs import VERBS
from onhand.web.site import Site
from onhand.web.visit import Page, Visit

ROWS = 50


def attach(site: Site) -> None:
    """Declare the page."""
    told = sorted(name for name, verb in VERBS.items() if verb.scope is not Scope.READ)

    @site.page("/audit", Scope.ADMINISTER)
    def audit(visit: Visit) -> Page:
        asked = {name: visit.query[name] for name in ("person", "what", "before") if visit.query.get(name)}
        rows = visit.do("audit_list", limit=ROWS + 1, **asked)["entries"]
        more = len(rows) > ROWS
        data = {
            "rows": rows[:ROWS],
            "verbs": told,
            "first": visit.link(before=None) if "before" in asked else None,
            "on": visit.link(before=rows[ROWS - 1]["id"]) if more else None,
            "filtered": asked.keys() & {"person", "what"},
        }
        return Page("audit.html", data, "Audit log", ("entries",))
