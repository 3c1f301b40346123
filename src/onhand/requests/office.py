"""The arguments of the verbs in ``verbs.office``: system parameters, status and proof.

Path: bound by ``verbs.office``; the API and the command line are derived from it.
Promise: each argument has its type, bounds, default and one sentence here.
Never: checks anything itself.
"""

from __future__ import annotations

from typing import Annotated

from annotated_doc import Doc

from onhand.domain.people import Scope

from .declaring import Absent, Argument, request
from .kinds import Person, Shared, Text

ParameterName = Annotated[Text, Doc("The parameter's name."), Argument("NAME")]


@request(Scope.READ)
class ParamList:
    """List all system parameters with value, default and meaning.

    ``changed``: who changed each parameter last. ``own``: the carts with a value of their own.
    """


@request(Scope.READ)
class ParamGet:
    """Show one system parameter."""

    name: ParameterName


@request(Scope.MANAGE)
class ParamSet:
    """Set one system parameter."""

    name: ParameterName
    value: Annotated[Text, Doc("The new value."), Argument("VALUE")]
    seen: Annotated[
        Text | None,
        Doc("The value you saw. If it has changed since, the request is refused as a conflict."),
        Absent("a command reads and writes in one step, so nothing can change in between"),
    ] = None
    person: Person = ""


@request(Scope.READ)
class Status:
    """Show the state of all carts and what needs attention."""

    shared: Shared = False


@request(Scope.READ)
class Prove:
    """Add up every movement again, and compare the result with the balances and the sums of each cart."""
