"""Defines how answers, progress and errors travel between OnHand and its callers: commands, programs and browsers.

Path: ``doorkeeper`` sends an error with ``data_of`` and ``door`` rebuilds it with ``error_of``; the command line, the API and the
screens look up its row in ``KINDS``.
Promise: every kind of error has exactly one row, which gives each entry point its code, statuses and exit code.
Never: imports anything slow; `--help` loads this module.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from onhand.domain.errors import (
    Broken,
    Cancelled,
    Conflict,
    Forbidden,
    OnHandError,
    Permanent,
    Refused,
    Retriable,
)

Data = dict[str, Any]  # an answer, as in JSON
Progress = Callable[[str, int, int], None]  # phase, units done, total units

DONE, REFUSED, USAGE, CONFLICT, RETRIABLE, PERMANENT, BROKEN = range(7)  # exit codes


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of error and its meaning at each entry point."""

    error: type[OnHandError]  # the class that ``error_of`` rebuilds
    status: int  # HTTP status of an API call
    page: int  # HTTP status of a screen that cannot be shown
    form: int | None  # HTTP status of a form that is shown again with the message; None: it gets the apology page
    exit: int  # exit code of a command


KINDS: dict[str, Kind] = {
    "invalid": Kind(Refused, 422, 404, 422, USAGE),
    "refused": Kind(Refused, 409, 404, 422, REFUSED),
    "forbidden": Kind(Forbidden, 403, 403, 403, REFUSED),
    "conflict": Kind(Conflict, 409, 409, 409, CONFLICT),
    "owned": Kind(Conflict, 409, 503, None, CONFLICT),  # another process has the store data file
    "cancelled": Kind(Cancelled, 409, 503, 409, REFUSED),
    "retriable": Kind(Retriable, 503, 503, 503, RETRIABLE),
    "permanent": Kind(Permanent, 502, 503, 502, PERMANENT),
    "broken": Kind(Broken, 500, 503, None, BROKEN),
}
# Two reasons have an HTTP status of their own, for any kind of error.
STATUS_OF_REASON = {"throttled": 429, "key": 422}


def kind_of(error: OnHandError) -> Kind:
    """Return the row of an error."""
    return KINDS[error.code]


def status_of(error: OnHandError, otherwise: int) -> int:
    """Return the HTTP status of the error's reason, or ``otherwise`` if the reason has none."""
    return STATUS_OF_REASON.get(str(error.facts.get("reason")), otherwise)


def data_of(error: OnHandError) -> Data:
    """Return an error as JSON data, for programs and for ``error_of``."""
    return {"code": error.code, "message": error.message, "facts": json.loads(json.dumps(error.facts, default=str))}


def error_of(said: Mapping[str, Any]) -> OnHandError:
    """Rebuild an error from its data. Return Broken for a code that this version does not know."""
    code = str(said.get("code", ""))
    kind = KINDS.get(code, KINDS[Broken.code])
    error = kind.error(str(said.get("message", "")), **dict(said.get("facts") or {}))
    error.code = code if code in KINDS else Broken.code
    return error
