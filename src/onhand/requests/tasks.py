"""The arguments of the verbs in ``verbs.tasks``: long work.

Path: bound by ``verbs.tasks``; the API and the command line are derived from it.
Promise: each argument has its type, bounds, default and one sentence here.
Never: checks anything itself.
"""

from __future__ import annotations

from typing import Annotated, Any

from annotated_doc import Doc
from annotated_types import Interval

from onhand.domain.people import Scope

from .declaring import Argument, Option, request
from .kinds import NUMBER_MAX, AnyCart, Number, PageLimit, Text

TaskNumber = Annotated[Number, Doc("The task's number."), Argument("NO")]


@request(Scope.MANAGE, books=True, no_command="a command does long work itself and shows its progress")
class TaskStart:
    """Start a verb that takes long, such as send_qoh, as a task."""

    verb: Annotated[Text, Doc("The verb's name.")]
    arguments: Annotated[dict[str, Any], Doc("The verb's arguments.")]


@request(Scope.READ)
class TaskList:
    """List tasks, newest first."""

    cart: AnyCart = None
    before: Annotated[Number | None, Doc("Only tasks before this number."), Option(metavar="NO")] = None
    limit: PageLimit = 50


@request(Scope.READ)
class TaskShow:
    """Show one task, with a page of its results per SKU."""

    task: TaskNumber
    result: Annotated[Text | None, Doc("Only lines with this result, such as failed."), Option(metavar="WORD")] = None
    after: Annotated[int, Interval(ge=0, le=NUMBER_MAX), Doc("Continue after this line."), Option(metavar="LINE")] = 0
    limit: PageLimit = 50


@request(Scope.MANAGE)
class TaskCancel:
    """Ask a task to stop at the next point where everything is in order."""

    task: TaskNumber
