"""Writes numbers, and the nouns that belong to them, for people.

Path: ``onhand.words`` passes these on to screens and commands; the domain's own sentences use them directly.
Promise: a number and its noun agree, in every sentence.
Never: knows what is counted.
"""

from __future__ import annotations

_VOWELS = "aeiou"


def number(units: int) -> str:
    """Return a number with thousands separators and a true minus sign."""
    return f"{'−' if units < 0 else ''}{abs(units):,}"


def signed(units: int) -> str:
    """Return a change with its sign: +3, −3 or 0."""
    return f"+{number(units)}" if units > 0 else number(units)


def plural_of(noun: str) -> str:
    """Return the plural of a noun, or of a phrase that ends in its noun."""
    if noun.endswith("y") and noun[-2:-1] not in _VOWELS:
        return f"{noun[:-1]}ies"
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return f"{noun}es"
    return f"{noun}s"


def counted(how_many: int, one: str, several: str = "") -> str:
    """Return a number with its noun: ``counted(3, "item")`` is "3 items".

    Give ``several`` where the plural is not at the end: ``counted(3, "item is low", "items are low")``.
    """
    return f"{number(how_many)} {one if how_many == 1 else several or plural_of(one)}"


def with_article(noun: str) -> str:
    """Return a noun with "a" or "an": "an order". It goes by the letter, so it is not for words such as "hour" or "user"."""
    return f"{'an' if noun[:1].lower() in _VOWELS else 'a'} {noun}"
