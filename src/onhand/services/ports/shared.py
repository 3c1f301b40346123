"""The ports for what processes that share a store remember together for a short while.

Path: ``storage.shared`` implements them.
Promise: nothing but protocols and plain values.
Never: knows an implementation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from onhand.domain.people import Tries


class GuessBook(Protocol):
    """Wrong tries at the log-in."""

    def now(self) -> int:
        """Return the time of the database's own clock, in microseconds."""

    def get(self, guessers: Sequence[str]) -> dict[str, Tries]:
        """Return the tries of these guessers, as far as there were any."""

    def keep(self, tries: Mapping[str, Tries], at: int, most: int) -> None:
        """Store tries, and forget the oldest if there are more than ``most``."""

    def forget(self, guesser: str) -> None:
        """Forget the tries of a guesser."""


class UploadBook(Protocol):
    """Files that people uploaded and have not imported yet."""

    def keep(self, token: str, owner: str, content: bytes, most: int, seconds: float) -> None:
        """Store a file under a token. Files older than so many seconds are deleted, and the oldest beyond ``most``."""

    def get(self, token: str, owner: str, seconds: float) -> bytes | None:
        """Return a file that is this owner's and not older than so many seconds."""
