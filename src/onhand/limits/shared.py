"""Caches expensive answers for all callers.

Path: the verbs ``cart_list`` and ``status`` ask here for the counts that Home and other live pages show.
Promise: an answer is computed once for all callers, and takes at most a fixed share of the time, even if the store changes often.
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
    old: float  # when it is computed again even without a change
    due: float  # the earliest time at which it is computed again


class Shared:
    """The cached answers of one process, by name."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def answer(
        self, name: str, of: object, work: Callable[[], T], *, seconds: float = math.inf, rest: float = 0.0
    ) -> T:
        """Return the cached answer, or a new one from ``work`` if ``of`` has changed or the cached one is ``seconds`` old.

        ``rest``: wait this many times as long as the work took before computing again. Callers must not change an answer, because it is
        shared. Raise what ``work`` raises.
        """
        with self._locks[name]:
            kept, begun = self._kept.get(name), time.monotonic()
            if kept is None or ((kept.of != of or begun >= kept.old) and begun >= kept.due):
                value = work()
                done = time.monotonic()
                kept = self._kept[name] = _Kept(value, of, begun + seconds, done + rest * (done - begun))
            found: T = kept.value
            return found
