"""The verbs of the house: one function each, plain arguments in, plain data out.

Path: the command line, the local API and the pages look a verb up here by name and call it with an open ``App``.
Promise: arguments are checked by type and bounds before anything is done; what comes back is JSON-able.
Never: prints, or knows who asked.
"""

from . import (
    buying,
    carts,
    counting,
    differences,
    figures,
    files,
    listings,
    office,
    orders,
    people,
    stack,
    stock,
    tasks,
    webhooks,
)
from .registry import VERBS, Invalid, run

__all__ = [
    "VERBS",
    "Invalid",
    "buying",
    "carts",
    "counting",
    "differences",
    "figures",
    "files",
    "listings",
    "office",
    "orders",
    "people",
    "run",
    "stack",
    "stock",
    "tasks",
    "webhooks",
]
