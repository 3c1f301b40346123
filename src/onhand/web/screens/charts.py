"""Returns the numbers of charts.

Path: ``own.js`` asks ``/charts/{what}.json`` for each picture of a page, and again when the page hears of news.
Promise: the numbers are those of the verb ``chart``.
Never: draws.
"""

from __future__ import annotations

from fastapi.responses import JSONResponse, Response

from onhand.domain.people import Scope
from onhand.web.declaring import page
from onhand.web.visit import Visit


def _chart(visit: Visit, what: str) -> Response:
    return JSONResponse(visit.do("chart", what=what), headers={"Cache-Control": "no-store"})


SCREENS = (page("/charts/{what}.json", Scope.READ, _chart),)
