"""Sets up logging: events and facts, for people on a terminal or as JSON for programs.

Path: ``console`` calls ``set_up`` once, before a command does anything.
Promise: everything goes to stderr, so that stdout has only answers; events of OnHand and of libraries look alike; repeated lines are
counted instead of written, so that no one outside can fill the disk with them.
Never: writes a secret.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import MutableMapping
from contextlib import nullcontext
from copy import copy
from dataclasses import dataclass
from typing import Any, TextIO

import structlog

from onhand.words import counted

SECRETS = frozenset({"secret", "token", "authorization", "password", "key_file"})
LINES_MAX = 20  # lines of one kind
LINES_SECONDS = 10.0  # the time in which lines of one kind are counted
KINDS_MAX = 500  # kinds that are counted separately
CHATTY = (
    "asyncio",
    "httpcore",
    "httpcore2",
    "httpx2",
    "alembic",
    "sqlalchemy",
    "uvicorn",
)  # logged only from warnings on


def set_up(level: str, *, as_json: bool) -> None:
    """Start logging events of this level and above."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_secrets,
    ]
    handler = Handler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendered(as_json)],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


class Handler(logging.StreamHandler):  # type: ignore[type-arg]  # it takes none before Python 3.11
    """A log handler that writes at most so many lines of one kind in a while, then says how many more there were.

    A kind is an event of one cart, or one message of a library. Other facts in a line do not count, because an attacker can vary them.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._kinds: dict[tuple[str, ...], _Kind] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, or count it. The caller holds the handler's lock."""
        name = _kind_of(record)
        now = time.monotonic()
        if name not in self._kinds and len(self._kinds) >= KINDS_MAX:
            name = (record.levelname, "many others")
        kind = self._kinds.get(name)
        if kind is None or now >= kind.until:
            self.finish(now)
            kind = self._kinds[name] = _Kind(now + LINES_SECONDS)
        if kind.lines < LINES_MAX:
            kind.lines += 1
            super().emit(record)
            return
        if kind.last is None:
            timer = threading.Timer(kind.until - now, self._finish_later)
            timer.daemon = True
            timer.start()
        kind.more, kind.last = kind.more + 1, record

    def finish(self, now: float | None = None) -> None:
        """Write how many lines were left out, for each kind whose time is over, or for every kind without ``now``."""
        for name, kind in list(self._kinds.items()):
            if now is None or now >= kind.until:
                del self._kinds[name]
                if kind.last is not None:
                    super().emit(_repeated(kind.last, kind.more))

    def _finish_later(self) -> None:
        with self.lock or nullcontext():
            self.finish(time.monotonic() + 0.1)

    def close(self) -> None:
        """Write the remaining counts and close."""
        with self.lock or nullcontext():
            self.finish()
        super().close()


@dataclass(slots=True)
class _Kind:
    until: float
    lines: int = 0
    more: int = 0
    last: logging.LogRecord | None = None


def _kind_of(record: logging.LogRecord) -> tuple[str, ...]:
    said = record.msg
    if isinstance(said, dict):
        return (record.levelname, str(said.get("event", "")), str(said.get("cart", "")))
    return (record.levelname, record.name, str(said)[:200])


def _repeated(record: logging.LogRecord, times: int) -> logging.LogRecord:
    """Return the last line that was left out, without its traceback, with the number of repetitions."""
    words = f"… repeated {counted(times, 'time')}"
    last = copy(record)
    last.exc_info = last.exc_text = last.stack_info = None
    if isinstance(last.msg, dict):
        last.msg = {name: value for name, value in last.msg.items() if name != "exc_info"} | {"repeated": words}
    else:
        last.msg, last.args = f"{last.getMessage().strip()} {words}", ()
    return last


def without_secrets(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Return the event with every secret fact blanked out."""
    for name in event.keys() & SECRETS:
        event[name] = "…"
    return event


def _rendered(as_json: bool) -> list[Any]:
    if as_json:
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    # Plain tracebacks: the pretty ones print local variables, and a secret may be among them.
    return [
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=28
        )
    ]
