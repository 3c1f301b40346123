"""Gives charts their numbers.

Path: ``own.js`` asks ``/charts/{what}.json`` for each picture of a page, and again when the page is told of news.
Promise: the numbers are those of the verb ``chart``.
Never: draws.
"""

from __future__ import annotations

from fastapi.responses import JSONResponse, Response

from onhand.domain.people import Scope
from onhand.web.site import Site
from onhand.web.visit import Visit


def attach(site: Site) -> None:
    """Declare the charts' addresses."""

    @site.page("/charts/{what}.json", Scope.READ)
    def chart(visit: Visit, what: str) -> Response:
        return JSONResponse(visit.do("chart", what=what), headers={"Cache-Control": "no-store"})
