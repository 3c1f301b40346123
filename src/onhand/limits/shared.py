"""Keeps answers that are dear to work out, for all who ask.

Path: the verbs ``cart_list`` and ``status`` ask here for what Home and the other live pages show of all listings.
Promise: an answer is worked out once for all who ask; no more of the time than a fixed share goes into it, however much changes.
Never: knows what an answer means.
"""

from __future__ import annotations

import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Kept:
    value: Any
    of: object
    old: float  # when it is worked out again although nothing changed
    due: float  # when it may be worked out again, at the earliest


class Shared:
    """The answers of one process, each under its name."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def answer(
        self, name: str, of: object, work: Callable[[], T], *, seconds: float = math.inf, rest: float = 0.0
    ) -> T:
        """Return the kept answer, or what ``work`` answers now if ``of`` has changed or the kept one is ``seconds`` old.

        ``rest``: before that, as many times as long as the work took must have passed. Callers do not change an answer: it is everybody's.
        Raises what ``work`` raises.
        """
        with self._locks[name]:
            kept, begun = self._kept.get(name), time.monotonic()
            if kept is None or ((kept.of != of or begun >= kept.old) and begun >= kept.due):
                value = work()
                done = time.monotonic()
                kept = self._kept[name] = _Kept(value, of, begun + seconds, done + rest * (done - begun))
            found: T = kept.value
            return found
