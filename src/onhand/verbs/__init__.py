"""OnHand's verbs: one function each, plain arguments in, plain data out.

Path: the command line, the API and the screens look up a verb here by name and call it with an open ``App``.
Promise: types and bounds of arguments are checked first; answers can be written as JSON.
Never: prints; knows which entry point asked.
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
