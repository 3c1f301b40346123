"""Shares the server's threads fairly: a share for each caller, and a short queue for what is more.

Path: ``programs`` and ``web.site`` know who asks, read what was sent, then wait here for a turn to do it.
Promise: one caller never holds or queues for more than a share, so that others get their turn; who waits too long is told so.
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
    """Turns for so many pieces of work at once. Belongs to one event loop."""

    at_once: int
    share: int  # of one caller, at once
    requests_max: int  # of one caller, arriving, waiting or at work
    patience_seconds: float  # how long one waits for a turn
    _callers: dict[str, _Caller] = field(default_factory=dict, init=False)
    _all: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._all = asyncio.Semaphore(self.at_once)

    @contextmanager
    def admitted(self, caller: str) -> Iterator[None]:
        """Count a request for as long as it is here. Raises Retriable if the caller has too many here already."""
        known = self._callers.setdefault(caller, _Caller(asyncio.Semaphore(self.share)))
        if known.requests >= self.requests_max:
            raise _busy(f"{self.requests_max} of your requests are waiting already")
        known.requests += 1
        try:
            yield
        finally:
            known.requests -= 1
            if not known.requests:
                del self._callers[caller]

    @asynccontextmanager
    async def turn(self, caller: str) -> AsyncIterator[None]:
        """Wait for a turn, the caller's share first, and hold it. Only for who is admitted. Raises Retriable if none comes in time."""
        share = self._callers[caller].share
        taken: list[asyncio.Semaphore] = []
        try:
            try:
                async with asyncio.timeout(self.patience_seconds):
                    for semaphore in (share, self._all):
                        await semaphore.acquire()
                        taken.append(semaphore)
            except TimeoutError:
                raise _busy("too much is being done at this moment") from None
            yield
        finally:
            for semaphore in reversed(taken):
                semaphore.release()


def _busy(why: str) -> Retriable:
    return Retriable(f"Nothing was done, because {why}: try again in a moment.", reason="busy")
