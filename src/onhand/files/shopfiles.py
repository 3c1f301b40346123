"""Finds the files that are copied into a shop. They ship with this program.

Path: ``onhand cart key`` and the cart's page provide them.
Promise: they are found in an installed package and in a checkout.
Never: contains a key; each cart has its own key file.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from onhand.domain.errors import Permanent

from .assembling import without_part

CONNECTOR = "onhand.php"
HINT = "onhand-hint.php"
LEFT_OUT = "osCommerce 4"  # the part that a lean connector is without
HOOKS = "hooks"  # a folder for each family, with the files it needs besides the hint's file


def connector() -> Path:
    """Return the path of the connector. Raise Permanent if it is missing."""
    return _folder() / CONNECTOR


def lean_connector() -> bytes:
    """Return the file for every shop but an osCommerce 4, a fifth shorter. Raises Permanent if this installation lacks it."""
    return without_part(connector().read_text(encoding="utf-8"), LEFT_OUT).encode()


def hint_files() -> dict[str, bytes]:
    """Return the files for hints and the safe decrement, by path, the same for every shop. Raise Permanent if they are missing."""
    folder = _folder()
    found = [folder / HINT, *sorted(path for path in (folder / HOOKS).rglob("*") if path.is_file())]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def hint_archive() -> bytes:
    """Return the same files as a ZIP archive."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path, content in hint_files().items():
            packed.writestr(path, content)
    return archive.getvalue()


def _folder() -> Path:
    package = Path(__file__).parent.parent
    for folder in (package, package.parents[1]):
        if (folder / "connector" / CONNECTOR).is_file():
            return folder / "connector"
    raise Permanent(f"connector/{CONNECTOR} is missing from this installation: install OnHand again.")
