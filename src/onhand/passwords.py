"""Hashes passwords with argon2.

Path: ``app`` puts a ``Passwords`` into the gate of ``services.people``.
Promise: a hash contains its own parameters; guessing costs memory as well as time.
Never: logs a password.
"""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError


class Passwords:
    """Password hashing with argon2id, with the library's parameters (RFC 9106) or cheaper ones for tests."""

    def __init__(self, *, cheap: bool = False) -> None:
        self._argon2 = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1) if cheap else PasswordHasher()

    def hash(self, password: str) -> str:
        return self._argon2.hash(password)

    def verify(self, hashed: str, password: str) -> bool:
        """Return whether the password matches the hash."""
        try:
            return self._argon2.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False
