"""The arguments of the verbs in ``verbs.differences``: list differences, decide them, recheck them.

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
    """List differences between a shop and OnHand, newest first, with their cause and what was done."""

    cart: AnyCart = None
    open_only: Annotated[bool, Doc("Only open differences."), Option("--open")] = False
    limit: Limit = 100
    cause: Annotated[Cause | None, Doc("Only this cause, such as 'lost sale'.")] = None
    closed_only: Annotated[bool, Doc("Only closed differences."), Option("--closed")] = False
    before: Annotated[Number | None, Doc("Only differences before this number."), Option(metavar="ID")] = None


@request(Scope.MANAGE)
class Decide:
    """Decide a difference that waits for a person: keep OnHand's count (ours) or take the shop's (theirs)."""

    difference: Difference
    side: Annotated[
        Literal["ours", "theirs"], Doc("Whose count wins: ours is OnHand's, theirs is the shop's."), Argument("SIDE")
    ]
    person: Person = ""


@request(Scope.MANAGE)
class DifferenceRecheck:
    """Check the product of an open difference now. If the shop and OnHand agree again, the difference is closed."""

    difference: Difference
    person: Person = ""
