"""Shares the server's threads fairly: each caller has a share, and a short queue for more.

Path: ``programs`` and ``web.site`` identify the caller, read the request, then wait here for a turn to do it.
Promise: one caller never holds or queues for more than a share, so that others get their turn; a caller that waits too long gets an
error.
Never: holds a turn while a request is still arriving.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from onhand.domain.errors import Retriable


@dataclass(slots=True)
class _Caller:
    share: asyncio.Semaphore
    requests: int = 0


@dataclass(slots=True)
class Turns:
    """Turns for a limited number of requests at the same time. Belongs to one event loop."""

    at_once: int
    share: int  # of one caller, at the same time
    requests_max: int  # of one caller, arriving, waiting or running
    patience_seconds: float  # how long to wait for a turn
    _callers: dict[str, _Caller] = field(default_factory=dict, init=False)
    _all: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._all = asyncio.Semaphore(self.at_once)

    @contextmanager
    def admitted(self, caller: str) -> Iterator[None]:
        """Count a request while it is here. Raise Retriable if the caller has too many."""
        known = self._callers.setdefault(caller, _Caller(asyncio.Semaphore(self.share)))
        if known.requests >= self.requests_max:
            raise _busy(f"{self.requests_max} of your requests are already waiting")
        known.requests += 1
        try:
            yield
        finally:
            known.requests -= 1
            if not known.requests:
                del self._callers[caller]

    @asynccontextmanager
    async def turn(self, caller: str) -> AsyncIterator[None]:
        """Wait for a turn and hold it, for an admitted caller. Raise Retriable if none comes in time."""
        share = self._callers[caller].share
        taken: list[asyncio.Semaphore] = []
        try:
            try:
                async with asyncio.timeout(self.patience_seconds):
                    for semaphore in (share, self._all):
                        await semaphore.acquire()
                        taken.append(semaphore)
            except TimeoutError:
                raise _busy("OnHand is very busy at the moment") from None
            yield
        finally:
            for semaphore in reversed(taken):
                semaphore.release()


def _busy(why: str) -> Retriable:
    return Retriable(f"Nothing was done, because {why}: try again in a moment.", reason="busy")
