"""Takes uploaded files, also again after their preview, with the meaning of their columns.

Path: the screens that take a file: ``inventory``, ``count``, ``receive``; ``ui.columns`` draws what ``asked`` gives.
Promise: a person who assigns columns need not choose the file again.
Never: keeps a file itself: ``services.uploads`` does.
"""

from __future__ import annotations

from typing import Any

from onhand.domain.errors import OnHandError, Refused
from onhand.files import sheets
from onhand.verbs.registry import packed
from onhand.wire import Data

from .visit import Visit

NOT_ASKED: Data = {"token": "", "name": "", "headings": [], "columns": []}


def brought(visit: Visit) -> bytes | None:
    """Return the file that came with this form, or was kept when it came before; None if there is none. Raise Refused if it is gone."""
    if upload := visit.upload("file"):
        return upload[1]
    token = visit.form.get("token", "")
    content = visit.app.uploads.get(token, visit.caller.id, visit.app.clock.now()) if token else None
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


def asked(visit: Visit, content: bytes | None, layout: sheets.Layout, said: OnHandError | Data) -> Data:
    """Return what a page needs so that a person can assign columns: the kept file's token, its headings, our columns."""
    facts = said.facts if isinstance(said, OnHandError) else said
    found = facts.get("headings")
    if content is None or not found:
        return NOT_ASKED
    upload = visit.upload("file")
    return {
        "token": visit.app.uploads.keep(visit.caller.id, content, visit.app.clock.now()),
        "name": upload[0] if upload else visit.form.get("name", "The file"),
        "headings": found,
        "columns": list(layout.names),
        "needed": list(layout.needed),
        "decimal": visit.form.get("decimal", ""),
        "mapped": arguments(visit, content)["mapping"] is not None,
    }
