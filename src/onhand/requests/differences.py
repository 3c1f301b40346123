"""What the verbs of ``verbs.differences`` take: differences, and what a person decides about them.

Path: bound by ``verbs.differences``; the API and the command line are derived from it.
Promise: each argument has its type, bounds, default and one sentence here.
Never: checks anything itself.
"""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_doc import Doc

from onhand.domain.differences import Cause
from onhand.domain.people import Scope

from .declaring import Argument, Option, request
from .kinds import AnyCart, Limit, Number, Person

Difference = Annotated[Number, Doc("The difference's number."), Argument("ID")]


@request(Scope.READ)
class Differences:
    """List where a shop and OnHand differed, newest first: why, and what was done."""

    cart: AnyCart = None
    open_only: Annotated[bool, Doc("Only those that are open."), Option("--open")] = False
    limit: Limit = 100
    cause: Annotated[Cause | None, Doc("Only this cause, such as 'lost sale'.")] = None
    closed_only: Annotated[bool, Doc("Only those that are closed."), Option("--closed")] = False
    before: Annotated[Number | None, Doc("Only older ones."), Option(metavar="ID")] = None


@request(Scope.MANAGE)
class Decide:
    """Decide a difference that asks for it: our count holds, or theirs is taken over."""

    difference: Difference
    side: Annotated[Literal["ours", "theirs"], Doc("Whose count wins."), Argument("SIDE")]
    person: Person = ""


@request(Scope.MANAGE)
class DifferenceRecheck:
    """Look at the product of an open difference now; if shop and books agree again, the difference is closed."""

    difference: Difference
    person: Person = ""
