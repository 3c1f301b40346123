"""Finds the files that go into a shop: they ship with this program.

Path: ``onhand cart key`` and the cart's page hand them out.
Promise: they are found in an installed package and in a checkout.
Never: holds a key; that is a file of its own, made for each cart.
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
HOOKS = "hooks"  # what a cart needs beside the hint's file, a folder for each family


def connector() -> Path:
    """Where the file is. Raises Permanent if this installation lacks it."""
    return _folder() / CONNECTOR


def lean_connector() -> bytes:
    """Return the file for every shop but an osCommerce 4, a fifth shorter. Raises Permanent if this installation lacks it."""
    return without_part(connector().read_text(encoding="utf-8"), LEFT_OUT).encode()


def hint_files() -> dict[str, bytes]:
    """All that hints need in a shop, and the safe decrement, by path: the same for every shop. Raises Permanent."""
    folder = _folder()
    found = [folder / HINT, *sorted(path for path in (folder / HOOKS).rglob("*") if path.is_file())]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def hint_archive() -> bytes:
    """The same as one ZIP file."""
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
