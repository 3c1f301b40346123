"""Turns times into whole microseconds since 1970 and back.

Path: every book writes and reads its times with ``micros`` and ``moment``.
Promise: exact, sortable, and the same on every database.
Never: takes a time without a zone for one of UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import overload

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """Return the microseconds since 1970 of an aware time."""
    return (at - EPOCH) // MICROSECOND


@overload
def moment(value: int) -> datetime: ...
@overload
def moment(value: None) -> None: ...
def moment(value: int | None) -> datetime | None:
    """Return the UTC time of a number of microseconds since 1970."""
    return None if value is None else EPOCH + timedelta(microseconds=value)


def iso(value: int | None) -> str | None:
    """Return a time as text in UTC, to the millisecond."""
    at = moment(value)
    return None if at is None else at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
