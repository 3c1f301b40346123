"""Serves an open App: commands of this machine, and optionally the screens, the API and shops' hints.

Path: ``serve`` and ``controller`` run until a signal; ``doorkeeper``, ``programs``, ``hints`` and ``web`` answer.
Promise: the notice has the address and token for commands only while the server listens; the server ends within seconds.
Never: runs a verb.
"""

from __future__ import annotations

import gc
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Self
from urllib.parse import urlsplit

import structlog
import uvicorn
from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from onhand.address import Server as StoreOnServer
from onhand.app import App
from onhand.config import Config
from onhand.domain.errors import Broken, OnHandError, Refused
from onhand.limits import connections
from onhand.lock import patiently
from onhand.services import people
from onhand.serving import doorkeeper
from onhand.verbs.tasks import resume

STOP_SECONDS = 2.0  # how long answers may still take when stopping
CLOSE_SECONDS = 5.0  # how long requests to carts may still take; those cut off continue at the next start
START_SECONDS = 10.0
PAGES, CONTROLLER = "serve --no-controller", "controller"  # roles
KEEP_SECONDS = 2.0  # how often the owner's notice is checked
LOOPBACK = ("127.0.0.1", "localhost", "::1", "[::1]")
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

Ready = Callable[
    [str, str | None], None
]  # called with the URL when the server listens, and with the first administrator's link

log = structlog.get_logger()


def create(app: App, token: str, pages: bool, hosts: Sequence[str] = ()) -> FastAPI:
    """Return the web application: commands, and with ``pages`` also the screens, the API and hints. ``hosts``: more names of the server.

    ``state.stopping`` is set when the process is about to end; endless streams check it every second.
    """
    api = FastAPI(title="OnHand", docs_url=None, redoc_url=None, openapi_url=None)
    api.state.stopping = threading.Event()
    doorkeeper.attach(api, app, token)
    if pages:
        from onhand import web  # noqa: PLC0415 - a controller has no screens and serves only this machine
        from onhand.serving import hints, programs  # noqa: PLC0415 - a controller has no screens and serves only this machine

        api.mount("/api", programs.create(app))
        hints.attach(api, app)
        web.attach(api, app)
    else:
        api.add_middleware(connections.HangUps)
    api.add_middleware(TrustedHostMiddleware, allowed_hosts=[*LOOPBACK, *hosts], www_redirect=False)
    api.add_middleware(SecurityHeaders)
    return api


class SecurityHeaders:
    """Middleware that adds security headers to every answer; a route's own value wins."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_strict(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_strict if scope["type"] == "http" else send)


class Server:
    """An HTTP server for an open App, on its own thread. A context manager."""

    def __init__(self, app: App, host: str = "127.0.0.1", port: int = 0, pages: bool = False, public: str = "") -> None:
        """Bind the address. Port 0 takes any free port.

        ``public`` is the address that people type, if a web server of this machine is in front; only then are its forwarded headers
        trusted. Raise Refused if the address cannot be used.
        """
        if host in {"0.0.0.0", "::", ""}:  # noqa: S104 - it is refused
            raise Refused(
                f"{host!r} means every address: give the one name or address that people will type.", host=host
            )
        self._app = app
        self._token = secrets.token_urlsafe(32)
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self._socket = socket.create_server((host, port), family=family)
        except OSError as error:
            raise Refused(
                f"OnHand cannot listen on {host} port {port} ({error.strerror}): choose another port with --port.",
                port=port,
            ) from error
        # asyncio sets this only if a socket names its protocol; without it every answer waits 40 ms for an acknowledgement.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted connections inherit it
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._socket.getsockname()[1]}"
        self.public = public.rstrip("/") or self.url
        self._api = create(app, self._token, pages, [host, shown, urlsplit(self.public).hostname or shown])
        most = connections.connections_max(app.read(lambda books: books.carts.count()))
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._api,
                http=connections.Connection.limited_to(most),
                limit_concurrency=most,
                backlog=connections.BACKLOG,
                timeout_keep_alive=connections.IDLE_SECONDS,
                h11_max_incomplete_event_size=connections.HEAD_BYTES,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=bool(public),
                forwarded_allow_ips="127.0.0.1",
                timeout_graceful_shutdown=int(STOP_SECONDS),
            )
        )
        self._thread = threading.Thread(target=self._listen, name="onhand-server", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        give_up = time.monotonic() + START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > give_up:
                raise Broken("The server did not start: see the log.")
            time.sleep(0.005)
        self._app.ownership.announce(self.url, self._token)
        return self

    def __exit__(self, *_: object) -> None:
        self._app.ownership.announce(None, "")
        self._api.state.stopping.set()
        self._server.should_exit = True
        self._thread.join(2 * STOP_SECONDS)

    def _listen(self) -> None:
        self._server.run(sockets=[self._socket])


def serve(config: Config, ready: Ready) -> None:
    """Run `onhand serve`: the screens, the API, the controller and the sender in one process, until a signal."""
    _stay(config, "serve", config.host, config.port, ready)


def pages(config: Config, ready: Ready) -> None:
    """Run `onhand serve --no-controller`: the screens and the API, beside controllers that share the store, until a signal."""
    if not isinstance(config.store, StoreOnServer):
        raise Refused(
            "A store data file belongs to one process, so `onhand serve` synchronizes the carts, too: leave out --no-controller."
        )
    _stay(config, PAGES, config.host, config.port, ready)


def controller(config: Config, ready: Ready) -> None:
    """Run `onhand controller`: the controller and the sender, without screens, until a signal."""
    _stay(config, CONTROLLER, "127.0.0.1", 0, ready)


def _stay(config: Config, role: str, host: str, port: int, ready: Ready) -> None:
    app, pages = _take(config, role), role != CONTROLLER
    try:
        with Server(app, host, port, pages, config.url if pages else "") as server:
            # What was imported stays: looking through it took a fifth of the time of a batch of posts.
            gc.freeze()
            signals = _signals()
            if role != PAGES:
                app.resume = partial(resume, app)
                app.start_controller()
                app.start_sender()
            first = people.first_link(app.house) if pages else None
            ready(server.public, f"{server.public}/begin/{first}" if first else None)
            log.info("server.started", role=role, url=server.url, store=str(config.store))
            _report_database(app)
            log.info("server.ending", role=role, signal=_awaited(signals, app.ownership.keep).name)
    finally:
        _close(app)
    log.info("server.ended", role=role)


def _report_database(app: App) -> None:
    """Log what a database server says of itself, and warn where a power cut there could take back what was reported as booked."""
    try:
        facts = app.database.facts()
    except OnHandError as error:
        # It was there a moment ago. A process that runs waits until it is back.
        log.warning("database.not_reached", trouble=error.message)
        return
    if facts:
        log.info("database.opened", **facts)
    if facts.get("fsync") == "off":
        log.warning("database.not_durable", fsync="off")


def _take(config: Config, role: str) -> App:
    """Open the store. Wait for short commands; raise Owned at once if a server has it."""
    return patiently(lambda: App(config.store, role, key_file=config.key_file, stays=True))


def _signals() -> socket.socket:
    """Return a socket from which each signal to end can be read as a byte.

    A handler alone would not do: it runs in the main thread only, and a signal that the system hands to another thread does not
    wake the main thread from its wait.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)  # as set_wakeup_fd wants it
    signal.set_wakeup_fd(writer.detach())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    return reader


def _awaited(signals: socket.socket, meanwhile: Callable[[], object]) -> signal.Signals:
    """Wait for the signal to end, and call ``meanwhile`` every few seconds."""
    signals.settimeout(KEEP_SECONDS)
    while True:
        try:
            return signal.Signals(signals.recv(1)[0])
        except TimeoutError:
            meanwhile()


def _close(app: App) -> None:
    """Close the app, but do not wait long for a shop that does not answer: the kernel frees the file, and the next start continues."""
    closing = threading.Thread(target=app.close, name="onhand-closing", daemon=True)
    closing.start()
    closing.join(CLOSE_SECONDS)
    if closing.is_alive():
        log.warning("closing.cut", seconds=CLOSE_SECONDS)
