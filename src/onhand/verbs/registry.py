"""Keeps the list of verbs, and calls one.

Path: each verb registers itself here; ``run`` is how they are called from outside.
Promise: arguments are checked by their types before the verb sees them; a refusal never repeats a value, which may be a secret.
Never: knows what a verb does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from inspect import signature
from typing import Annotated, Any

from pydantic import Field, ValidationError, validate_call

from onhand.app import App
from onhand.domain.carts import Cart
from onhand.domain.errors import Refused
from onhand.domain.stock import QUANTITY_MAX

Data = dict[str, Any]
Progress = Callable[[str, int, int], None]
Sku = Annotated[str, Field(max_length=300)]
Text = Annotated[str, Field(max_length=500)]
Units = Annotated[int, Field(ge=-QUANTITY_MAX, le=QUANTITY_MAX)]
Limit = Annotated[int, Field(ge=1, le=100_000)]

VERBS: dict[str, Callable[..., Data]] = {}


def verb(function: Callable[..., Data]) -> Callable[..., Data]:
    """Register a verb under its name. All are called alike: the app, where to tell progress, and the arguments, which are
    checked by their types; a verb that is done at once has no use for progress and does not name it."""
    checked = validate_call(config={"arbitrary_types_allowed": True})(function)
    tells_progress = "progress" in signature(function).parameters

    def call(app: App, progress: Progress, /, **arguments: Any) -> Data:
        return checked(app, progress, **arguments) if tells_progress else checked(app, **arguments)

    VERBS[function.__name__] = call
    return function


class Invalid(Refused):
    """A call that does not fit the verb: an argument is missing, unknown, of the wrong type or out of bounds."""

    code = "invalid"


def run(app: App, name: str, arguments: Mapping[str, Any], progress: Progress) -> Data:
    """Do the verb of that name. Raises Invalid if there is none or the arguments do not fit, else what the verb raises."""
    if name not in VERBS:
        raise Invalid(f"There is no verb {name[:100]!r}.", verb=name[:100])
    try:
        return VERBS[name](app, progress, **arguments)
    except ValidationError as error:
        # Only where and what: the value itself may be a secret.
        faults = [{"argument": ".".join(map(str, fault["loc"])), "fault": fault["msg"]} for fault in error.errors()]
        raise Invalid(f"{name}: {faults[0]['argument']}: {faults[0]['fault']}.", arguments=faults[:100]) from None


def cart_named(app: App, name: str) -> Cart:
    """The cart of that name. Raises Refused."""
    return app.read(lambda books: books.carts.named(name))


def cart_names(app: App) -> dict[int, str]:
    """The name of each cart, by its number."""
    return {cart.id: cart.name for cart in app.read(lambda books: books.carts.all())}


def iso(at: datetime) -> str:
    """A time as text, to the millisecond, UTC."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
