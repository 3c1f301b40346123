"""The words in which a request is declared.

Path: each module of ``requests`` decorates a dataclass with ``request``; ``declaration`` finds what was declared.
Promise: every argument has a sentence, and a form on the command line or a reason why it has none; a test checks both.
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
    """On the command line it is given by its position."""

    metavar: str


@dataclass(frozen=True, slots=True)
class Option:
    """On the command line it is an option. ``name``: with its dashes, if it is not that of the field."""

    name: str = ""
    metavar: str | None = None


@dataclass(frozen=True, slots=True)
class Absent:
    """The command line has no such argument."""

    why: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text has to have this form, a regular expression."""

    form: str


@dataclass(frozen=True, slots=True)
class Base64:
    """The bytes come as Base64 where they come as text, as in JSON."""


@dataclass(frozen=True, slots=True)
class Aware:
    """A time comes with its zone."""


@dataclass(frozen=True, slots=True)
class Blank:
    """A form can only send a blank; it means this."""

    means: int


@dataclass(frozen=True, slots=True)
class Declaration:
    """What is declared of a verb beyond its arguments."""

    name: str  # of the verb
    scope: Scope  # that a caller needs
    books: bool  # it takes an idempotency key: what it writes is one commit with a JSON-able answer
    no_command: str  # why there is no command for it; blank if there is one


_declared: dict[type, Declaration] = {}


def request(scope: Scope, *, books: bool = False, no_command: str = "") -> Callable[[type[T]], type[T]]:
    """Declare a dataclass to be what a verb takes. The verb has the name of the class: ``ItemAdd`` is for ``item_add``."""

    def declare(kind: type[T]) -> type[T]:
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()
        made = dataclass(frozen=True, slots=True, kw_only=True)(kind)
        _declared[made] = Declaration(name, scope, books, no_command)
        return made

    return declare


def declaration(kind: type) -> Declaration:
    """Return what was declared of a request. Raises KeyError if it is none."""
    return _declared[kind]
