"""Makes the texts of a shop legible: all SKUs and names from connectors pass through here.

Path: the connectors hand each ``Row`` and ``Line`` they made of an answer to ``row`` and ``line``.
Promise: a SKU is as a person sees it; UTF-8 that the shop keeps as Latin-1 is read back where that is certain, and the row says so.
Never: changes anything in the shop, or a text that may be right as it is.
"""

from __future__ import annotations

from dataclasses import replace

from onhand.domain.shop import DOUBTFUL, MENDED, Line, Row
from onhand.domain.spelling import Text, as_seen, mended

_FLAGS = {Text.PLAIN: 0, Text.MENDED: MENDED, Text.DOUBTFUL: DOUBTFUL}


def row(said: Row) -> Row:
    """Return a product with its SKU and name as they were meant, and flags that say how they could be read."""
    if said.name.isascii() and (said.model is None or said.model.isascii()):
        return said
    name, how_name = mended(said.name)
    model, how_model = (None, Text.PLAIN) if said.model is None else mended(said.model)
    flags = said.flags | _FLAGS[how_name] | _FLAGS[how_model]
    return replace(said, name=name, model=None if model is None else as_seen(model), flags=flags)


def line(said: Line) -> Line:
    """Return an order line with its SKU as it was meant."""
    if said.model is None or said.model.isascii():
        return said
    return replace(said, model=as_seen(mended(said.model)[0]))
