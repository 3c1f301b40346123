"""Keeps the list of verbs, and calls one for whoever asks.

Path: each verb registers itself here; ``run`` is how they are called from outside, by commands, screens and programs.
Promise: nobody has a verb done that his scopes do not include; arguments are checked by their types before the verb sees them; what
a verb writes is in the audit log with it; a refusal never repeats a value, which may be a secret.
Never: knows what a verb does.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import datetime
from functools import cache, partial
from inspect import signature
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import structlog
from annotated_doc import Doc
from pydantic import (
    AfterValidator,
    AwareDatetime,
    Base64Bytes,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidationError,
    create_model,
)
from pydantic_core import CoreSchema, ErrorDetails

from onhand.app import App
from onhand.domain.carts import Cart
from onhand.domain.errors import Forbidden, Refused
from onhand.domain.people import Caller, Scope, role_that_may
from onhand.requests.declaring import Absent, Argument, Aware, Base64, Blank, Option, Pattern, declaration
from onhand.wire import Data, Progress

SECRETS = ("secret", "password")  # arguments the audit log does not repeat
FILES = ("text", "file")  # nor these; but another file is another request, so their digest is kept
INTEGERS = range(-(2**63), 2**63)  # what a column of the database can hold
KEY_LENGTH_MAX = 255  # characters of an idempotency key

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb. Called with the open app, where to tell progress, and its arguments by name."""

    name: str
    function: Callable[..., Data]
    request: type  # what it takes, as declared in ``onhand.requests``
    scope: Scope
    books: bool  # it takes an idempotency key: what it writes is one commit with a JSON-able answer

    def __call__(self, app: App, progress: Progress, /, **arguments: Any) -> Data:
        """Check the arguments by their declaration, then do it. Raises ValidationError."""
        model = model_of(self.request)
        checked = model.model_validate(arguments)
        asked = self.request(**{name: getattr(checked, name) for name in model.model_fields})
        return self.function(app, progress, asked) if self.long else self.function(app, asked)

    @property
    def takes(self) -> list[str]:
        """The names of its arguments."""
        return [field.name for field in fields(self.request)]

    @property
    def long(self) -> bool:
        """Whether it may take minutes, and tells how far it is."""
        return "progress" in signature(self.function).parameters


VERBS: dict[str, Verb] = {}


def verb(request: type) -> Callable[[Callable[..., Data]], Callable[..., Data]]:
    """Bind a function to a request. A verb that is done at once has no use for progress and does not name it."""

    def register(function: Callable[..., Data]) -> Callable[..., Data]:
        declared = declaration(request)
        VERBS[declared.name] = Verb(declared.name, function, request, declared.scope, declared.books)
        return function

    return register


@cache
def model_of(request: type, *, strict: bool = False, without: tuple[str, ...] = ()) -> type[BaseModel]:
    """Return the model that checks and describes a request. ``strict``: a number is not a text."""
    hints = get_type_hints(request, include_extras=True)
    given: dict[str, Any] = {
        field.name: (checked(hints[field.name]), ... if field.default is MISSING else field.default)
        for field in fields(request)
        if field.name not in without
    }
    config = ConfigDict(extra="forbid", strict=strict, arbitrary_types_allowed=True)
    return create_model(declaration(request).name, __config__=config, **given)


def checked(kind: Any) -> Any:
    """Return a declared type with what pydantic has to know of it, at every depth; each whole number in it is bounded to what the
    database can keep, unless it has closer bounds."""
    if kind is int:
        return Annotated[int, Field(ge=INTEGERS.start, le=INTEGERS.stop - 1)]
    if is_dataclass(kind):
        return Annotated[kind, AfterValidator(_within), _Described()]
    inside = get_args(kind)
    if get_origin(kind) is Annotated:
        return _annotated(*inside)
    if not inside or get_origin(kind) is Literal:
        return kind
    within = tuple(one if one is ... else checked(one) for one in inside)
    return Union[within] if get_origin(kind) in {Union, UnionType} else get_origin(kind)[within]  # noqa: UP007 - made of a tuple


def _annotated(base: Any, *metadata: Any) -> Any:
    """Return an annotated type with our own words in it translated."""
    made: list[Any] = []
    for one in metadata:
        if isinstance(one, Doc):
            made.append(Field(description=one.documentation))
        elif isinstance(one, Pattern):
            made.append(Field(pattern=one.form))
        elif isinstance(one, Base64):
            base = Base64Bytes
        elif isinstance(one, Aware):
            base = AwareDatetime
        elif isinstance(one, Blank):
            made.append(BeforeValidator(partial(_of_blank, one.means)))
        elif not isinstance(one, Argument | Option | Absent):
            made.append(one)
    inner = checked(base)
    return Annotated[(inner, *made)] if made else inner


def _of_blank(means: int, given: Any) -> Any:
    return means if given == "" else given


class _Described:
    """Adds the bounds of whole numbers to the description of a record."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, describe: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = describe(core)
        for member in describe.resolve_ref_schema(schema)["properties"].values():
            for one in member.get("anyOf", [member]):
                if one.get("type") == "integer":
                    one |= {"minimum": INTEGERS.start, "maximum": INTEGERS.stop - 1}
        return schema


def _within(record: Any) -> Any:
    """A record of which each whole number is one that can be kept. Raises ValueError."""
    for field in fields(record):
        value = getattr(record, field.name)
        if isinstance(value, int) and value not in INTEGERS:
            raise ValueError(f"{field.name} is beyond {INTEGERS.stop - 1:,}")
    return record


class Invalid(Refused):
    """A call that does not fit the verb: an argument is missing, unknown, of the wrong type or out of bounds."""

    code = "invalid"


def run(
    app: App,
    name: str,
    arguments: Mapping[str, Any],
    progress: Progress,
    caller: Caller | None = None,
    key: str | None = None,
) -> Data:
    """Do the verb of that name for a caller; without one, for whoever has the store data file.

    Raises Invalid if there is no such verb or the arguments do not fit, Forbidden if the caller may not, else what the verb raises.
    """
    wanted = VERBS.get(name)
    if wanted is None:
        raise Invalid(f"There is no verb {name[:100]!r}.", verb=name[:100])
    if caller is None:
        caller = Caller.local(str(arguments.get("person", "")))
    elif "person" in wanted.takes:
        arguments = {**arguments, "person": caller.name}  # who asks is not for the caller to say
    check_scope(caller, wanted.scope, name)
    if key is not None and not (wanted.books and key.strip() and len(key) <= KEY_LENGTH_MAX):
        raise Invalid(
            f"{name} takes no idempotency key." if not wanted.books else "This idempotency key cannot be one."
        )
    acting = app.acting(caller, name, redacted(arguments), key)
    try:
        return wanted(acting, progress, **arguments)
    except ValidationError as error:
        raise misfit(name, error) from None


def misfit(name: str, error: ValidationError) -> Invalid:
    """Says which arguments of a verb do not fit. Only where and what: the value itself may be a secret."""
    faults = [{"argument": ".".join(map(str, f["loc"])), "fault": _in_words(f)} for f in error.errors()]
    return Invalid(f"{name}: {faults[0]['argument']}: {faults[0]['fault']}", arguments=faults[:100])


def check_scope(caller: Caller, scope: Scope, what: str) -> None:
    """Raises Forbidden if a caller may not do what needs this scope."""
    if not caller.may(scope):
        log.warning("verb.forbidden", verb=what, person=caller.name, caller=caller.id, scope=scope.value)
        raise Forbidden(
            f"This needs the right to {scope.value}: ask {role_that_may(scope).with_article}.", scope=scope.value
        )


def _in_words(fault: ErrorDetails) -> str:
    """What is wrong with one argument, for the person who typed it."""
    bounds: dict[str, Any] = fault.get("ctx", {})
    kind = fault["type"]
    if kind in {"int_parsing", "int_type", "int_from_float", "int_parsing_size"}:
        return "Give a whole number."
    if kind in {"float_parsing", "float_type", "finite_number"}:
        return "Give a number."
    if kind == "bool_parsing":
        return "Give yes or no."
    if kind == "missing":
        return "This is needed."
    if kind == "extra_forbidden":
        return "There is no such argument."
    if kind in {"greater_than_equal", "less_than_equal"}:
        word, bound = ("least", bounds["ge"]) if "ge" in bounds else ("most", bounds["le"])
        return f"Give at {word} {bound:,}."
    if kind == "string_too_long":
        return f"At most {bounds['max_length']:,} characters are possible."
    if kind == "string_pattern_mismatch":
        return "Something in it is not possible here, or it is too long."
    if kind == "base64_decode":
        return "This is no file in Base64."
    if kind == "string_too_short":
        return "This is needed."
    return f"{fault['msg']}."


def redacted(arguments: Mapping[str, Any]) -> Data:
    """Arguments as they may be written down."""
    written = {name: "…" if name in SECRETS and value else value for name, value in arguments.items()}
    for name in written.keys() & set(FILES):
        given: Any = written[name]
        content: bytes = given if isinstance(given, bytes) else str(given).encode(errors="replace")
        written[name] = f"… sha256 {hashlib.sha256(content).hexdigest()[:16]}"
    return written


def cart_named(app: App, name: str) -> Cart:
    """The cart of that name. Raises Refused."""
    return app.read(lambda books: books.carts.named(name))


def cart_names(app: App) -> dict[int, str]:
    """The name of each cart, by its number."""
    return {cart.id: cart.name for cart in app.read(lambda books: books.carts.all())}


def packed(content: bytes) -> str:
    """A file as a verb takes and gives it."""
    return base64.b64encode(content).decode()


def iso(at: datetime) -> str:
    """A time as text, to the millisecond, UTC."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
