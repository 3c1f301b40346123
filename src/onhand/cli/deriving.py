"""Derives a command from a request: its arguments, help, bounds and defaults come from the declaration.

Path: the modules of ``commands`` call ``derive`` for each verb whose command needs no code of its own.
Promise: a command takes every argument of its request, except those declared ``Absent`` with a reason.
Never: knows a verb; checks anything that the verb checks.
"""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable
from dataclasses import MISSING, fields
from datetime import date, datetime
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import typer
from annotated_doc import Doc
from annotated_types import Interval

from onhand.requests.declaring import Absent, Argument, Option, declaration
from onhand.wire import Data

from .console import Call, Printer, command, pairs

SHOWN_MAX = 1_000_000  # a larger bound means nothing to a person, so only the verb checks it
Then = Callable[[Call, Data, Data], None]  # takes the call, the arguments and the answer


def derive(
    group: typer.Typer, name: str, request: type, printer: Printer, then: Then | None = None, **settings: Any
) -> None:
    """Add a command to a group. ``then`` prints more after the answer, but not with `--json`."""
    verb = declaration(request).name
    takes = {form.name: form for form in forms(request)}

    def run(call: Call, **given: Any) -> None:
        asked = {name: takes[name].value(value) for name, value in given.items()}
        if "person" in request.__dataclass_fields__:  # type: ignore[attr-defined]
            asked["person"] = call.person
        answer = call.answer(verb, printer, **asked)
        if then is not None and not call.as_json:
            then(call, asked, answer)

    described: Any = run
    first = inspect.Parameter("call", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Call)
    own = [form.parameter for form in takes.values()]
    described.__signature__ = inspect.Signature([first, *own])
    described.__annotations__ = {one.name: one.annotation for one in (first, *own)}
    described.__name__, described.__doc__ = verb, inspect.cleandoc(request.__doc__ or "").partition("\n\n")[0]
    command(group, name, asks=request, **settings)(run)


def more(rows: str, key: str, option: str = "--after") -> Then:
    """Return a ``Then`` that says how to continue a list that was cut: after the ``key`` of its last row."""

    def then(_: Call, asked: Data, answer: Data) -> None:
        if answer[rows] and len(answer[rows]) == asked["limit"]:
            place = shlex.quote(str(answer[rows][-1][key]))
            typer.echo(f"There may be more: continue with {option} {place}, or use a larger --limit.", err=True)

    return then


class Form:
    """One argument of a request on the command line."""

    def __init__(self, name: str, hint: Any, default: Any) -> None:
        self.name = name
        inner, metadata, self._optional = _taken_apart(hint)
        self.absent = _find(metadata, Absent) is not None
        self._pairs = get_origin(inner) is list and get_origin(get_args(inner)[0]) is tuple
        shown = self._typed(inner)
        self.parameter = inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=Annotated[shown | None if self._optional else shown, self._info(inner, metadata)],
            default=inspect.Parameter.empty if default is MISSING else default,
        )

    def _info(self, inner: Any, metadata: tuple[Any, ...]) -> Any:
        """Return Typer's description of the argument."""
        doc, bounds = _find(metadata, Doc), _find(metadata, Interval) if inner in (int, float) else None
        form: Any = _find(metadata, (Argument, Option)) or Option()
        how: dict[str, Any] = {"help": doc.documentation if doc else None, "metavar": form.metavar}
        if bounds:
            how |= {"min": bounds.ge, "max": bounds.le if bounds.le and bounds.le <= SHOWN_MAX else None}
        if isinstance(form, Argument):
            return typer.Argument(**how)
        if inner is date:
            how["formats"] = ["%Y-%m-%d"]
        dashed = f"--{self.name.replace('_', '-')}"
        negated = f"{dashed}/--no-{dashed[2:]}" if inner is bool and self._optional else dashed
        return typer.Option(form.name or negated, **how)

    def _typed(self, inner: Any) -> Any:
        """Return the type that Typer parses."""
        if self._pairs:
            return list[str]
        if get_origin(inner) is list:
            one = get_args(inner)[0]
            return list[get_args(one)[0] if getattr(one, "__metadata__", ()) else one]  # type: ignore[misc]
        return datetime if inner is date else inner

    def value(self, given: Any) -> Any:
        """Return the typed value in the form that the verb takes."""
        if self._pairs:
            return pairs(given) if given or not self._optional else None
        if isinstance(given, list):
            return [_plain(one) for one in given] if given or not self._optional else None
        return _plain(given)


def forms(request: type) -> list[Form]:
    """Return the arguments of a request that its command takes, in order."""
    hints = get_type_hints(request, include_extras=True)
    found = [Form(one.name, hints[one.name], one.default) for one in fields(request) if one.name != "person"]
    return [form for form in found if not form.absent]


def _taken_apart(hint: Any) -> tuple[Any, tuple[Any, ...], bool]:
    """Return the bare type of a hint, its metadata with the outermost first, and whether it can be None."""
    noted: list[Any] = []
    optional = False
    while True:
        if hasattr(hint, "__metadata__"):
            # The last metadata was added to a shared type, so it overrides the type's own.
            noted += reversed(hint.__metadata__)
            hint = get_args(hint)[0]
        elif get_origin(hint) in (Union, UnionType):
            optional = optional or NoneType in get_args(hint)
            hint = next(one for one in get_args(hint) if one is not NoneType)
        else:
            return hint, tuple(noted), optional


def _find(metadata: tuple[Any, ...], kind: type | tuple[type, ...]) -> Any:
    return next((one for one in metadata if isinstance(one, kind)), None)


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    return value.date().isoformat() if isinstance(value, datetime) else value
