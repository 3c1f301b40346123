"""Answers where no screen does: an unknown address, an internal error, a browser that hangs up.

Path: ``web.attach`` adds it to the server, after all screens; commands, programs and hints keep their own answers.
Promise: a browser gets a page with a way back, and no details of an error; a client that hangs up leaves no traceback.
Never: hides an internal error from the log.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from onhand.limits.connections import HangUps

from .site import Site
from .visit import Page

PROGRAMS = ("/api/", "/door/", "/hint/")  # the caller there is not a browser
MISSING = "Page not found. The address may be mistyped, or the page no longer exists."
WRONG_WAY = "This address only accepts a form. Open the page again and use the form there."
FAULT = "An internal error occurred; the log has the details. Check whether your change was saved before you try again."


def attach(api: FastAPI, site: Site) -> None:
    """Add the answers."""

    async def no_route(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        if request.url.path.startswith(PROGRAMS):
            return await http_exception_handler(request, error)
        message = {404: MISSING, 405: WRONG_WAY}.get(error.status_code, str(error.detail))
        return _answer(site, request, error.status_code, message, error.headers)

    async def fault(request: Request, _: Exception) -> Response:
        return _answer(site, request, 500, FAULT)

    api.add_exception_handler(HTTPException, no_route)
    api.add_exception_handler(Exception, fault)
    api.add_middleware(HangUps)


def _answer(site: Site, request: Request, status: int, message: str, headers: Any = None) -> Response:
    """Return a page for a browser, a problem (RFC 9457) for a caller that asks for JSON."""
    accept = request.headers.get("accept", "")
    if "json" in accept and "html" not in accept:
        said = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": message}
        return JSONResponse(said, status, headers, "application/problem+json")
    response = site.draw(
        site.nobody(request), Page("apology.html", {"message": message}, "Something went wrong", status=status)
    )
    response.headers.update(headers or {})
    return response
