"""Sets up the logs: events and facts, for people on a terminal or as JSON for programs.

Path: ``console`` calls ``set_up`` once, before a command does anything.
Promise: everything goes to stderr, so that an answer on stdout stays clean; our own events and libraries' look alike.
Never: lets a secret through.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

SECRETS = frozenset({"secret", "token", "authorization", "password", "key_file"})
CHATTY = (
    "asyncio",
    "httpcore",
    "httpcore2",
    "httpx2",
    "alembic",
    "sqlalchemy",
    "uvicorn",
)  # quiet unless something is wrong


def set_up(level: str, *, as_json: bool) -> None:
    """Begin to log events of this level and above."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_secrets,
    ]
    handler = logging.StreamHandler(sys.stderr)
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


def without_secrets(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The event with every secret fact blotted out."""
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
