"""The machine's clock.

Path: ``app`` gives it to every service.
Promise: ``now`` is UTC-aware; ``monotonic`` never jumps.
Never: used by the domain.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
