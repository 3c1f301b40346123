"""Keeps uploaded files while a person looks at their preview, with the meaning of their columns.

Path: the screens that take a file: ``inventory``, ``count``, ``receive``; ``ui.columns`` draws what ``asked`` gives.
Promise: a person who assigns columns need not choose the file again.
Never: holds more than a few files, or one for long.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Any

from onhand.domain.errors import OnHandError, Refused
from onhand.files import sheets
from onhand.verbs.registry import packed
from onhand.wire import Data

from .visit import Visit

FILES_KEPT = 8  # between the preview and the import
KEPT_FOR = timedelta(minutes=30)
NOT_ASKED: Data = {"token": "", "name": "", "headings": [], "columns": []}


class Kept:
    """Uploaded files that were previewed and may be imported in a moment, each for its uploader."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, tuple[str, bytes, datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, owner: str, content: bytes, now: datetime) -> str:
        """Keep a file; return its token. The oldest is dropped if there are too many."""
        token = secrets.token_urlsafe(16)
        with self._lock:
            self._files[token] = (owner, content, now)
            while len(self._files) > FILES_KEPT or now - next(iter(self._files.values()))[2] > KEPT_FOR:
                self._files.popitem(last=False)
        return token

    def get(self, token: str, owner: str, now: datetime) -> bytes | None:
        """Return the file, if it belongs to this person and is still here."""
        with self._lock:
            found = self._files.get(token)
        return found[1] if found and found[0] == owner and now - found[2] <= KEPT_FOR else None


def brought(visit: Visit, kept: Kept) -> bytes | None:
    """Return the file that came with this form, or was kept when it came before; None if there is none. Raise Refused if it is gone."""
    if upload := visit.upload("file"):
        return upload[1]
    token = visit.form.get("token", "")
    content = kept.get(token, visit.caller.id, visit.app.clock.now()) if token else None
    if token and content is None:
        raise Refused("The file has expired and nothing was imported: choose it again.")
    return content


def arguments(visit: Visit, content: bytes) -> dict[str, Any]:
    """Return a file and the chosen meaning of its columns, as arguments of a verb."""
    form = visit.form
    numbers = [name.removeprefix("heading-") for name in form if name.startswith("heading-")]
    said = {form[f"heading-{n}"]: form.get(f"column-{n}", "") for n in numbers}
    # As long as nothing was changed, the headings decide, and nothing is remembered.
    chosen = bool(form.get("mapped")) or any(form.get(f"column-{n}", "") != form.get(f"was-{n}", "") for n in numbers)
    decimal = form.get("decimal", "")
    return {"file": packed(content), "mapping": said if chosen else None, "decimal": decimal or None}


def asked(visit: Visit, kept: Kept, content: bytes | None, layout: sheets.Layout, said: OnHandError | Data) -> Data:
    """Return what a page needs so that a person can assign columns: the kept file's token, its headings, our columns."""
    facts = said.facts if isinstance(said, OnHandError) else said
    found = facts.get("headings")
    if content is None or not found:
        return NOT_ASKED
    upload = visit.upload("file")
    return {
        "token": kept.keep(visit.caller.id, content, visit.app.clock.now()),
        "name": upload[0] if upload else visit.form.get("name", "The file"),
        "headings": found,
        "columns": list(layout.names),
        "needed": list(layout.needed),
        "decimal": visit.form.get("decimal", ""),
        "mapped": arguments(visit, content)["mapping"] is not None,
    }


KEPT = Kept()
