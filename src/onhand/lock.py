"""Locks a store data file, so that one process owns it.

Path: ``app`` takes ownership before it opens the file for writing; a command that cannot get it asks the owner to do its work.
Promise: at most one process owns a file, by any name of the file; a process that dies stops owning it (the kernel drops the locks).
Never: trusts a process id from the notice; opens a second descriptor of a file that this process owns.

Two locks are held. One is on the file itself (its inode), so that a symbolic link, a hard link, a bind mount, another relative path or
a renamed directory leads to the same lock. The other is on the notice beside it (``onhand.db.lock``), so that a file that replaces a
store in use cannot be opened while the owner runs, and so that older versions of OnHand respect the lock.

The lock on the file must not disturb SQLite, which holds POSIX locks on bytes 2^30 to 2^30 + 511 of the same file:

- It is on one byte far behind any data (``LOCK_BYTE``), so the two never overlap, on any file system.
- It belongs to the open file description (``F_OFD_SETLK``), so SQLite cannot drop it when it closes a descriptor of its own.
- Closing *any* descriptor of the file drops the POSIX locks of the process. So ours is opened before SQLite opens the file and closed
  after it, and a second attempt within the process is refused from a list, before anything is opened.

``flock`` on the file would do on Linux, but macOS and the BSDs count it as a lock on the whole file, which blocks SQLite. Where the
system has no such locks, only the notice is locked, a file with several hard links is refused, and a deleted notice is created again.
"""

from __future__ import annotations

import fcntl
import json
import os
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from onhand.domain.errors import Conflict, Permanent, Refused

T = TypeVar("T")
SUFFIX = ".lock"
LOCK_BYTE = 2**62  # SQLite's largest file has 2^48 bytes
_WHOLE_FORMAT = "hhqqi4x"  # Linux's struct flock: type, whence, start, length, process

Identity = tuple[int, int]  # device and inode

_owned: dict[Identity, Owner] = {}  # by this process
_door = threading.Lock()


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that owns a store. ``url`` is where it takes commands, None if it takes none."""

    pid: int
    role: str
    url: str | None
    token: str = field(repr=False)
    machine: str = ""  # its name, if the store is on a server


class Owned(Conflict):
    """An error: another process owns the store."""

    code = "owned"

    def __init__(self, owner: Owner | None) -> None:
        what = "store" if owner and owner.machine else "store data file"
        place = f" on {owner.machine}" if owner and owner.machine else ""
        who = f"`onhand {owner.role}` (process {owner.pid}{place})" if owner else "Another process"
        super().__init__(f"{who} is using this {what}: stop it first, or wait until it has finished.", reason="owned")
        self.owner = owner


WAIT_SECONDS = 10.0  # how long to wait for a short command that has the file
PAUSE_SECONDS = 0.05  # between two attempts


def patiently(take: Callable[[], T]) -> T:
    """Return what ``take`` returns. Wait while a short command has the store; raise Owned at once if a server has it."""
    give_up = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            with reachable():
                return take()
        except Owned as owned:
            if (owned.owner and owned.owner.url) or time.monotonic() > give_up:
                raise
        time.sleep(PAUSE_SECONDS)


@contextmanager
def reachable() -> Iterator[None]:
    """Turn the system's refusal to open the store data file into Permanent."""
    try:
        yield
    except OSError as error:
        raise Permanent(
            f"The store data file cannot be used ({error}): give this user permission to write in its directory.",
            reason="read_only",
        ) from error


class Ownership:
    """The right to write to a store data file, held until released. A context manager."""

    def __init__(self, store: Path, role: str) -> None:
        """Take ownership.

        Raise Owned if another process has the file, Permanent if the file or its folder cannot be written, Refused if the file
        has several names.
        """
        self._store = store.resolve()
        self._notice = self._store.with_name(self._store.name + SUFFIX)
        self._owner = Owner(os.getpid(), role, None, "")
        with _door:
            self._identity = _identity_of(self._store.stat())
            if self._identity in _owned:
                raise Owned(_owned[self._identity])
            self._file = _lock_store(self._store, self._notice)
            try:
                _check_names(self._file, self._store)
                self._beside = _lock_notice(self._notice)
            except BaseException:
                os.close(self._file)
                raise
            _owned[self._identity] = self._owner
        self.announce(None, "")

    def announce(self, url: str | None, token: str) -> None:
        """Write into the notice where commands are taken. Only its owner can read the file, so the token is as safe as the store."""
        self._owner = Owner(self._owner.pid, self._owner.role, url, token)
        _owned[self._identity] = self._owner
        said = {"pid": self._owner.pid, "role": self._owner.role, "url": url, "token": token}
        os.ftruncate(self._beside, 0)
        os.pwrite(self._beside, json.dumps(said).encode(), 0)

    def keep(self) -> bool:
        """Create the notice again if it was deleted, because commands find the owner by it. Return whether that was needed."""
        try:
            missing = not self._notice.exists() or not os.path.samestat(self._notice.stat(), os.fstat(self._beside))
            if not missing or not self._store.exists():  # if the folder was renamed, the notice went with it
                return False
            fresh = _lock_notice(self._notice)
            os.close(self._beside)
            self._beside = fresh
            self.announce(self._owner.url, self._owner.token)
        except (OSError, Owned, Permanent):
            return False  # another process has it, or the disk is full: the next attempt may succeed
        return True

    def release(self) -> None:
        """Release the file."""
        with _door:
            _owned.pop(self._identity, None)
            os.ftruncate(self._beside, 0)
            os.close(self._beside)
            os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _identity_of(found: os.stat_result) -> Identity:
    return found.st_dev, found.st_ino


def _lock_store(store: Path, notice: Path) -> int:
    """Return a descriptor that holds the lock on the store itself. Raise Owned.

    A read-only store is owned too: its owner reports that, and continues once the store can be written. The first lock needs write
    permission, so a second one does not.
    """
    writable = os.access(store, os.W_OK)
    try:
        file = os.open(store, (os.O_RDWR if writable else os.O_RDONLY) | os.O_CLOEXEC)
    except OSError as error:
        raise _unwritable("The store data file", error) from error
    if sys.platform != "linux":
        return file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if writable:
            whole = struct.pack(_WHOLE_FORMAT, fcntl.F_WRLCK, os.SEEK_SET, LOCK_BYTE, 1, 0)
            fcntl.fcntl(file, fcntl.F_OFD_SETLK, whole)
    except OSError:
        os.close(file)
        raise Owned(_read(notice)) from None
    return file


def _lock_notice(notice: Path) -> int:
    """Return a descriptor that holds the lock on the notice. Raise Owned."""
    try:
        file = os.open(notice, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unwritable("The folder of the store data file", error) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        raise Owned(_read(notice)) from None
    return file


def _check_names(file: int, store: Path) -> None:
    """Raise Refused for a file with several hard links.

    SQLite keeps the newest commits in a file beside the name it opened, so another name would not show them.
    """
    names = os.fstat(file).st_nlink
    if names > 1:
        raise Refused(
            f"The store data file has {names} names (hard links), and each hides commits from the others: remove all but one.",
            reason="links",
            path=str(store),
        )


def _unwritable(what: str, error: OSError) -> Permanent:
    return Permanent(
        f"{what} cannot be written ({error.strerror}): give this user permission to write it.", reason="read_only"
    )


def _read(notice: Path) -> Owner | None:
    try:
        found = json.loads(notice.read_text())
        return Owner(int(found["pid"]), str(found["role"]), found["url"], str(found["token"]))
    except (OSError, ValueError, KeyError):
        return None  # it is being written or released at this moment
