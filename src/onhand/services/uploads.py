"""Keeps uploaded files while a person looks at their preview.

Path: ``web.files`` keeps and gets them, in the memory of the only process or in a store that several processes share.
Promise: a file is given only to its uploader, for half an hour at most.
Never: holds more than a few files.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import zlib
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from .ports import Store

FILES_KEPT = 8  # between the preview and the import
KEPT_FOR = timedelta(minutes=30)


class Uploads(Protocol):
    """Uploaded files that were previewed and may be imported in a moment, each for its uploader."""

    def keep(self, owner: str, content: bytes, now: datetime) -> str:
        """Keep a file; return its token. The oldest is dropped if there are too many."""

    def get(self, token: str, owner: str, now: datetime) -> bytes | None:
        """Return the file, if it belongs to this person and is still here."""


@dataclass(slots=True)
class OwnUploads:
    """Files in the memory of the only process."""

    _files: OrderedDict[str, tuple[str, bytes, datetime]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, owner: str, content: bytes, now: datetime) -> str:
        token = secrets.token_urlsafe(16)
        with self._lock:
            self._files[token] = (owner, content, now)
            while len(self._files) > FILES_KEPT or now - next(iter(self._files.values()))[2] > KEPT_FOR:
                self._files.popitem(last=False)
        return token

    def get(self, token: str, owner: str, now: datetime) -> bytes | None:
        with self._lock:
            found = self._files.get(token)
        return found[1] if found and found[0] == owner and now - found[2] <= KEPT_FOR else None


@dataclass(frozen=True, slots=True)
class SharedUploads:
    """Files in a store that several processes share: the next request can reach another one. Compressed, so that bookings do not wait."""

    store: Store

    def keep(self, owner: str, content: bytes, now: datetime) -> str:  # noqa: ARG002 - the clocks of processes differ
        token, packed = secrets.token_urlsafe(16), zlib.compress(content, 1)
        self.store.write(
            lambda books: books.uploads.keep(_digest(token), owner, packed, FILES_KEPT, KEPT_FOR.total_seconds())
        )
        return token

    def get(self, token: str, owner: str, now: datetime) -> bytes | None:  # noqa: ARG002 - as above
        found = self.store.read(lambda books: books.uploads.get(_digest(token), owner, KEPT_FOR.total_seconds()))
        return None if found is None else zlib.decompress(found)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
