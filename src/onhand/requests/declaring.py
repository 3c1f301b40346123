"""Declares requests: a decorator for the class, and notes on its arguments.

Path: each module of ``requests`` decorates a dataclass with ``request``; ``declaration`` finds what was declared.
Promise: every argument has a description, and either a form on the command line or a reason why not; a test checks both.
Never: checks a value; ``verbs.registry`` does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from onhand.domain.people import Scope

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Argument:
    """A positional argument on the command line."""

    metavar: str


@dataclass(frozen=True, slots=True)
class Option:
    """An option on the command line. ``name``: the option with its dashes, if it differs from the field's name."""

    name: str = ""
    metavar: str | None = None


@dataclass(frozen=True, slots=True)
class Absent:
    """An argument that the command line does not have, with the reason."""

    why: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """The regular expression that a text must match."""

    form: str


@dataclass(frozen=True, slots=True)
class Base64:
    """Bytes that are sent as Base64 in JSON."""


@dataclass(frozen=True, slots=True)
class Aware:
    """A time that must have a time zone."""


@dataclass(frozen=True, slots=True)
class Blank:
    """The value of a blank, which is all that a form can send for "none"."""

    means: int


@dataclass(frozen=True, slots=True)
class Declaration:
    """The declaration of a verb, apart from its arguments."""

    name: str  # the verb's name
    scope: Scope  # the scope that a caller needs
    books: bool  # it takes an idempotency key: it writes in one commit, with an answer that JSON can hold
    no_command: str  # the reason why no command runs it; blank if one does


_declared: dict[type, Declaration] = {}


def request(scope: Scope, *, books: bool = False, no_command: str = "") -> Callable[[type[T]], type[T]]:
    """Declare a dataclass as the arguments of a verb. The class names the verb: ``ItemAdd`` is for ``item_add``."""

    def declare(kind: type[T]) -> type[T]:
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()
        made = dataclass(frozen=True, slots=True, kw_only=True)(kind)
        _declared[made] = Declaration(name, scope, books, no_command)
        return made

    return declare


def declaration(kind: type) -> Declaration:
    """Return the declaration of a request. Raise KeyError if the class is not one."""
    return _declared[kind]
