"""Takes hints: a shop says that it just sold something, and OnHand looks at it before its next tick.

Path: ``connector/onhand-hint.php`` in a shop → ``POST /hint/{cart number}`` → ``Controller.look_now``; docs/protocol.md, section 7.
Promise: a hint counts only with the signature of that cart's key; a caller without the key learns nothing, not even which carts
exist.
Never: books anything. The look that follows sees the sale, and a lost hint costs one tick.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog
from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.requests import ClientDisconnect

from onhand.app import App
from onhand.domain.errors import OnHandError
from onhand.serving.doorkeeper import read_body

BODY_BYTES = 256  # a hint has almost no content
BODY_SECONDS = 2.0  # how long the body may take to arrive
NUMBER_DIGITS = 9  # of a cart's number
CHECKS_MAX = 4  # hints checked at the same time: anyone can send hints, and other requests need threads too

log = structlog.get_logger()


def attach(api: FastAPI, app: App) -> None:
    """Add the address that shops send hints to."""
    threads = CapacityLimiter(CHECKS_MAX)

    @api.post("/hint/{number}", include_in_schema=False)
    async def hint(number: str, request: Request) -> Response:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await read_body(request, BODY_BYTES)
        except (TimeoutError, ClientDisconnect):
            body = None
        if body is None or not await to_thread.run_sync(_take, app, number, body, request.headers, limiter=threads):
            return Response(status_code=401)
        return Response(status_code=204)


def _take(app: App, number: str, body: bytes, headers: Mapping[str, str]) -> bool:
    """Look at the cart if the hint is from its shop. Return whether it is."""
    cart = None
    if number.isascii() and number.isdigit() and len(number) <= NUMBER_DIGITS:
        try:
            cart = app.read(lambda books: books.carts.get(int(number)))
        except OnHandError:
            cart = None  # a hint for an unknown cart is refused like a wrong signature
    if not app.connectors.believes_hint(cart, f"/hint/{number}", body, headers, app.clock.now()):
        log.info("hint.refused", number=number[:NUMBER_DIGITS])
        return False
    if cart is not None:
        log.info("hint.taken", cart=cart.name)
        app.look_now(cart)
    return True
