"""Finds the file that goes into a shop: it ships with this program.

Path: ``onhand cart key`` and the cart's page hand it out.
Promise: it is found in an installed package and in a checkout.
Never: holds a key; that is a file of its own, made for each cart.
"""

from __future__ import annotations

from pathlib import Path

from onhand.domain.errors import Permanent

CONNECTOR = "onhand.php"


def connector() -> Path:
    """Where the file is. Raises Permanent if this installation lacks it."""
    package = Path(__file__).parent
    for folder in (package, package.parents[1]):
        if (found := folder / "connector" / CONNECTOR).is_file():
            return found
    raise Permanent(f"connector/{CONNECTOR} is missing from this installation: install OnHand again.")
