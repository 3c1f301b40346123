"""Reads whole numbers as people and programs write them.

Path: ``sheets`` reads every quantity of a file with ``whole``.
Promise: a number is read in one way only, or refused; ``1.000`` and ``1,000`` are asked about unless the decimal mark is known.
Never: rounds, or guesses from other numbers.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

from .errors import Refused

DIGITS_MAX = 20  # longer ones cannot be a quantity, and turning very many into a number takes very long

_PLAIN = re.compile(r"[0-9]+")
_SPACED = re.compile(r"[0-9]{1,3}([ '’][0-9]{3})+([.,]0+)?")  # 1 234 and 1'234, in French and Swiss
_GROUPED = re.compile(r"[0-9]{1,3}([.,])[0-9]{3}(\1[0-9]{3})+")  # 1.234.567: one mark that repeats separates groups
_BOTH = re.compile(r"[0-9]{1,3}([.,])[0-9]{3}(\1[0-9]{3})*(?!\1)[.,]0+")  # 1.234,00: the last mark is the decimal one
_ONE = re.compile(r"([0-9]+)([.,])([0-9]+)")


class Mark(StrEnum):
    """The character before the fraction of a number."""

    POINT = "."
    COMMA = ","


class Ambiguous(Refused):
    """A number with two meanings, with the fact ``ambiguous``. Say which mark is the decimal one."""


def whole(text: str, mark: Mark | None = None) -> int:
    """Return the whole number in a text. Raise Ambiguous if it could be two, Refused if it is none."""
    plain = unicodedata.normalize("NFKC", text).replace("\N{MINUS SIGN}", "-").strip()
    sign = -1 if plain.startswith("-") else 1
    plain = plain[1:] if plain[:1] in {"-", "+"} else plain
    if len(plain) > 2 * DIGITS_MAX:
        raise _none(text)
    digits = _digits(plain, text, mark)
    if len(digits) > DIGITS_MAX:
        raise _none(text)
    return sign * int(digits)


def _digits(plain: str, text: str, mark: Mark | None) -> str:
    if _PLAIN.fullmatch(plain):
        return plain
    if _SPACED.fullmatch(plain):
        return re.sub(r"[ '’]|[.,]0+$", "", plain)
    if found := _GROUPED.fullmatch(plain):
        return _unless(found[1] == mark, plain.replace(found[1], ""), text)
    if found := _BOTH.fullmatch(plain):
        return _unless(found[1] == mark, re.sub(r"[.,]0+$", "", plain).replace(found[1], ""), text)
    one = _ONE.fullmatch(plain)
    if one is None:
        raise _none(text)
    before, between, after = one.groups()
    may_group = len(after) == 3 and len(before) <= 3 and not before.startswith("0")
    if may_group and mark is None:
        raise Ambiguous(
            f"{text[:40]!r} can be {before + after} or {before}{between}{after}: say which mark is the decimal one",
            ambiguous=text[:40],
        )
    if may_group and between != mark:
        return before + after
    if mark is not None and between != mark:
        raise _none(text)
    return _unless(after.strip("0") != "", before, text)


def _unless(wrong: bool, digits: str, text: str) -> str:
    if wrong:
        raise _none(text)
    return digits


def _none(text: str) -> Refused:
    return Refused(f"{text[:40]!r} is not a whole number")
