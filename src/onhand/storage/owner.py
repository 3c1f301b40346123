"""Says which process owns a store data file.

Path: ``app`` takes the ownership before it opens the file for writing; a command that cannot have it asks the owner to do its work.
Promise: at most one process owns a file, and a process that dies, however it dies, owns it no more (the kernel drops the lock).
Never: trusts a process id from the file.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from onhand.domain.errors import Conflict, Permanent

SUFFIX = ".lock"


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds a file. ``url`` is where it takes commands, None if it does not."""

    pid: int
    role: str
    url: str | None
    token: str = field(repr=False)


class Owned(Conflict):
    """Another process owns the file."""

    code = "owned"

    def __init__(self, owner: Owner | None) -> None:
        who = f"`onhand {owner.role}` (process {owner.pid})" if owner else "Another process"
        super().__init__(f"{who} works on this store data file: end it first, or let it do the work.", reason="owned")
        self.owner = owner


class Ownership:
    """The right to write to a store data file, held until released. A context manager."""

    def __init__(self, store: Path, role: str) -> None:
        """Raises Owned if another process has it, Permanent if the folder cannot be written."""
        path = store.with_name(store.name + SUFFIX)
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise Permanent(
                f"The folder of the store data file cannot be written: give this user the right to ({error.strerror}).",
                reason="read_only",
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise Owned(_read(path)) from None
        self._role = role
        self.announce(None, "")

    def announce(self, url: str | None, token: str) -> None:
        """Say where commands are taken. The file is readable by its owner only, so the token is as safe as the store."""
        owner = {"pid": os.getpid(), "role": self._role, "url": url, "token": token}
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, json.dumps(owner).encode(), 0)

    def release(self) -> None:
        """Give it back."""
        os.ftruncate(self._file, 0)
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _read(path: Path) -> Owner | None:
    try:
        found = json.loads(path.read_text())
        return Owner(int(found["pid"]), str(found["role"]), found["url"], str(found["token"]))
    except (OSError, ValueError, KeyError):
        return None  # it is just being written, or just being given back
