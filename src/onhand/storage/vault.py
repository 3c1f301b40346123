"""Seals (encrypts) the secrets that must be read again: the keys of carts and webhooks.

Path: the books of carts and webhooks seal and open; ``database`` creates the key file with the store and reseals at an upgrade; a
move takes the keys along.
Promise: the store data file alone reveals no secret; a secret sealed with a missing key stays until its key file comes back.
Never: writes a key into the store data file; overwrites an existing key.

The key file has one key per line, the newest first. The newest seals; all of them open.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Connection, Table, select, update

from onhand.address import Server, StoreAddress
from onhand.domain.errors import Permanent

from .office_tables import webhooks
from .tables import carts

SUFFIX = ".key"
OPENED_MAX = 16_384  # opened secrets kept in memory, so that a tick needs no decryption: more than a store has carts
SEALED: tuple[Table, ...] = (carts, webhooks)


class Vault:
    """The keys of one key file; without a file, only blank secrets can be sealed and opened."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._keys: MultiFernet | None = None
        self._opened: dict[str, str] = {}

    def seal(self, secret: str) -> str:
        """Return a secret as it is stored; a blank stays blank. Raise Permanent without a key file."""
        return self._need().encrypt(secret.encode()).decode() if secret else ""

    def open(self, sealed: str) -> str | None:
        """Return the secret; None if no key of the file opens it."""
        if not sealed or sealed in self._opened:
            return self._opened.get(sealed, "")
        keys = self._found()
        try:
            secret = keys.decrypt(sealed.encode()).decode() if keys else None
        except InvalidToken:
            return None
        if secret is not None:
            if len(self._opened) >= OPENED_MAX:
                self._opened.clear()
            self._opened[sealed] = secret
        return secret

    def reseal(self, connection: Connection) -> int:
        """Seal all secrets of a store with the newest key. Return how many no key opens."""
        locked = 0
        for table in SEALED:
            for row in connection.execute(select(table.c.id, table.c.secret).where(table.c.secret != "")).all():
                secret = self.open(row.secret)
                if secret is None:
                    locked += 1
                else:
                    connection.execute(update(table).where(table.c.id == row.id).values(secret=self.seal(secret)))
        return locked

    def _need(self) -> MultiFernet:
        keys = self._found()
        if keys is None:
            raise Permanent(
                f"The key file {self._path} is missing or not a key file: restore it, or create a new one with `onhand init --upgrade`.",
                reason="key_file",
            )
        return keys

    def _found(self) -> MultiFernet | None:
        """Return the keys, and read the file again if it was missing, so that a restored file is found without a restart."""
        if self._keys is None and self._path is not None:
            try:
                self._keys = MultiFernet([Fernet(line) for line in self._path.read_text().split()])
            except (OSError, ValueError):
                return None
        return self._keys


def beside(store: StoreAddress) -> Path:
    """Return the default path of a store's key file: beside the file itself or, if it is not there, beside its symbolic link.

    For a database on a server: in the current folder, under the name of the database.
    """
    if isinstance(store, Server):
        return Path(store.database + SUFFIX)
    real = store.resolve()
    places = [real.with_name(real.name + SUFFIX), store.with_name(store.name + SUFFIX)]
    return next((place for place in places if place.exists()), places[0])


def make_key(path: Path, newest: bool = False) -> None:
    """Create a key file if there is none; with ``newest``, add a new key before the existing ones."""
    if not path.exists() or newest:
        _write(path, [Fernet.generate_key().decode(), *_lines(path)])


def copy_keys(source: Path, target: Path) -> bool:
    """Add the keys of one key file to another one, which keeps its own. Return whether it opens all that the first one does."""
    theirs, ours = _lines(source), _lines(target)
    missing = [line for line in theirs if line not in ours]
    if missing:
        _write(target, [*ours, *missing])
    return bool(theirs)


def _lines(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


def _write(path: Path, keys: list[str]) -> None:
    """Write a key file for its owner only, completely or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("".join(f"{key}\n" for key in keys))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
