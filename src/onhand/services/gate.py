"""Checks passwords, and slows down callers who guess.

Path: ``services.people`` asks at every log-in and every change of a password.
Promise: guessing is slowed down and cannot lock others out, whatever happens to the clock of the machine, and however many processes
share the store.
Never: keeps a password. With a store in a file, a restart ends all pauses.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil
from typing import Protocol

from onhand.domain.errors import Retriable
from onhand.domain.people import NAME_LENGTH_MAX, Tries

from .ports import Books, Store

TRIES = 5  # wrong tries before the first pause
PAUSE = timedelta(seconds=10)  # the first pause; it doubles
PAUSE_MAX = timedelta(minutes=15)
ADDRESS_TRIES = 20  # the same for an address, whatever names it tries
ADDRESS_PAUSE_MAX = timedelta(minutes=1)
GUESSERS_MAX = 10_000  # names for which wrong tries are remembered
HASHES_MAX = 4  # at once: each takes 64 MB
HASH_SECONDS = 5.0  # how long a log-in waits for its turn


class Hasher(Protocol):
    """A hash that makes guessing passwords expensive."""

    def hash(self, password: str) -> str: ...
    def verify(self, hashed: str, password: str) -> bool: ...


class Guesses(Protocol):
    """Memory of wrong tries."""

    def begin(self, name: str, address: str, now: float) -> None:
        """Count a try as wrong, from its beginning. Raise Retriable while a pause lasts. ``now``: monotonic time."""

    def forgive(self, name: str, address: str) -> None:
        """Forget the wrong tries of the pair after a right one. Those of the address stay: it may have been wrong for other names."""


def count(found: list[Tries], now: float) -> None:
    """Count one more try of a pair and of its address. Raise Retriable, and count nothing, while a pause lasts."""
    wait = max((tries.until - now for tries in found if tries.until is not None), default=0.0)
    if wait > 0:
        seconds = ceil(wait)
        raise Retriable(f"Too many wrong tries: try again in {seconds} seconds.", reason="throttled", seconds=seconds)
    for tries, (allowed, longest) in zip(found, ((TRIES, PAUSE_MAX), (ADDRESS_TRIES, ADDRESS_PAUSE_MAX)), strict=True):
        tries.wrong += 1
        if tries.wrong >= allowed:
            tries.until = now + min(longest, PAUSE * 2 ** min(tries.wrong - allowed, 10)).total_seconds()


@dataclass(slots=True)
class OwnGuesses:
    """Wrong tries in the memory of the only process, by its monotonic clock, which cannot be set."""

    _tries: OrderedDict[tuple[str, str], Tries] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, name: str, address: str, now: float) -> None:
        with self._lock:
            # A try that was not checked is not remembered either: otherwise it could push out of memory the entry that makes it wait.
            found = [self._tries.get(who) or Tries() for who in _guessers(name, address)]
            count(found, now)
            for who, tries in zip(_guessers(name, address), found, strict=True):
                self._tries[who] = tries
                self._tries.move_to_end(who)
            while len(self._tries) > GUESSERS_MAX:
                self._tries.popitem(last=False)

    def forgive(self, name: str, address: str) -> None:
        mine, other = _guessers(name, address)
        with self._lock:
            self._tries.pop(mine, None)
            if (tries := self._tries.get(other)) is not None:
                tries.wrong, tries.until = tries.wrong - 1, None


def _time(books: Books) -> int:
    return books.guesses.now()


@dataclass(frozen=True, slots=True)
class SharedGuesses:
    """Wrong tries in a store that several processes share, by the clock of its server."""

    store: Store
    time: Callable[[Books], int] = _time  # in microseconds

    def begin(self, name: str, address: str, now: float) -> None:  # noqa: ARG002 - the clocks of processes differ
        names = [_digest(*who) for who in _guessers(name, address)]

        def write(books: Books) -> None:
            at, known = self.time(books), books.guesses.get(names)
            found = [known.get(who) or Tries() for who in names]
            count(found, at / 1e6)
            books.guesses.keep(dict(zip(names, found, strict=True)), at, GUESSERS_MAX)

        self.store.write(write)

    def forgive(self, name: str, address: str) -> None:
        mine, other = (_digest(*who) for who in _guessers(name, address))

        def write(books: Books) -> None:
            books.guesses.forget(mine)
            if tries := books.guesses.get([other]).get(other):
                books.guesses.keep({other: Tries(tries.wrong - 1)}, self.time(books), GUESSERS_MAX)

        self.store.write(write)


@dataclass(slots=True)
class Gate:
    """Check of passwords, with a pause after too many wrong tries.

    Tries are counted by the pair of name and address: guessing a name from another address does not lock its owner out. An address that is
    wrong for many names waits too, but shortly, since behind a proxy all people have the same one. Guesses from many addresses at once are
    held off by the cost of the hash and the length of passwords; so they are if there are so many that the oldest are forgotten.
    """

    hasher: Hasher
    guesses: Guesses = field(default_factory=OwnGuesses)
    _turns: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(HASHES_MAX))
    _nobody: str = ""

    def hash(self, password: str) -> str:
        """Return the hash to keep of a new password."""
        with self._turn():
            return self.hasher.hash(password)

    def admit(self, name: str, address: str, hashed: str | None, password: str, now: float) -> bool:
        """Return whether the password is right. It takes as long for a user who does not exist. Raise Retriable while a pause lasts.
        ``now``: monotonic time.

        A try counts as wrong from its beginning, so that many tries at the same moment count as much as many in a row.
        """
        self.guesses.begin(name, address, now)
        with self._turn():
            self._nobody = self._nobody or self.hasher.hash(secrets.token_urlsafe(16))
            right = self.hasher.verify(hashed or self._nobody, password) and hashed is not None
        if right:
            self.guesses.forgive(name, address)
        return right

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=HASH_SECONDS):
            raise Retriable("Too many people log in at this moment: try again.", reason="busy")
        try:
            yield
        finally:
            self._turns.release()


def _guessers(name: str, address: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (name.strip().casefold()[:NAME_LENGTH_MAX], address), ("", address)


def _digest(name: str, address: str) -> str:
    """Return what is stored of a guesser. People type their password where the name belongs, so no name is stored."""
    return hashlib.sha256(f"{name}\0{address}".encode()).hexdigest()
