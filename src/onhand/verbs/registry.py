"""Keeps the list of verbs, and runs one for a caller.

Path: each verb registers itself here; commands, screens and programs call ``run``.
Promise: no caller can run a verb outside its scopes; arguments are checked by type before the verb sees them; the audit log records a
verb in the commit that writes its changes; a refusal never repeats a value, because it may be a secret.
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
from onhand.words import label

SECRETS = ("secret", "password")  # arguments that the audit log does not show
FILES = ("text", "file")  # arguments that it shows as a digest, because another file is another request
INTEGERS = range(-(2**63), 2**63)  # what a column of the database can hold
KEY_LENGTH_MAX = 255  # characters of an idempotency key

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb. Call it with the open app, a progress callback, and its arguments by name."""

    name: str
    function: Callable[..., Data]
    request: type  # its arguments, as declared in ``onhand.requests``
    scope: Scope
    books: bool  # it takes an idempotency key: it writes in one commit, with an answer that JSON can hold

    def __call__(self, app: App, progress: Progress, /, **arguments: Any) -> Data:
        """Check the arguments by their declaration, then run the verb. Raise ValidationError."""
        model = model_of(self.request)
        checked = model.model_validate(arguments)
        asked = self.request(**{name: getattr(checked, name) for name in model.model_fields})
        return self.function(app, progress, asked) if self.long else self.function(app, asked)

    @property
    def takes(self) -> list[str]:
        """Return the names of its arguments."""
        return [field.name for field in fields(self.request)]

    @property
    def long(self) -> bool:
        """Return whether the verb may take minutes and reports progress."""
        return "progress" in signature(self.function).parameters


VERBS: dict[str, Verb] = {}


def verb(request: type) -> Callable[[Callable[..., Data]], Callable[..., Data]]:
    """Bind a function to a request. Only a verb that takes long has the parameter ``progress``."""

    def register(function: Callable[..., Data]) -> Callable[..., Data]:
        declared = declaration(request)
        VERBS[declared.name] = Verb(declared.name, function, request, declared.scope, declared.books)
        return function

    return register


@cache
def model_of(request: type, *, strict: bool = False, without: tuple[str, ...] = ()) -> type[BaseModel]:
    """Return the model that checks and describes a request. ``strict``: do not accept text for a number."""
    hints = get_type_hints(request, include_extras=True)
    given: dict[str, Any] = {
        field.name: (checked(hints[field.name]), ... if field.default is MISSING else field.default)
        for field in fields(request)
        if field.name not in without
    }
    config = ConfigDict(extra="forbid", strict=strict, arbitrary_types_allowed=True)
    return create_model(declaration(request).name, __config__=config, **given)


def checked(kind: Any) -> Any:
    """Return a declared type with pydantic's annotations, at every depth.

    Whole numbers without closer bounds are limited to what the database can hold.
    """
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
    """Return an annotated type with OnHand's annotations translated to pydantic's."""
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
    """An annotation that adds the bounds of whole numbers to the schema of a record."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, describe: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = describe(core)
        for member in describe.resolve_ref_schema(schema)["properties"].values():
            for one in member.get("anyOf", [member]):
                if one.get("type") == "integer":
                    one |= {"minimum": INTEGERS.start, "maximum": INTEGERS.stop - 1}
        return schema


def _within(record: Any) -> Any:
    """Return a record if the database can hold each whole number in it. Raise ValueError."""
    for field in fields(record):
        value = getattr(record, field.name)
        if isinstance(value, int) and value not in INTEGERS:
            raise ValueError(f"{field.name} is larger than {INTEGERS.stop - 1:,}")
    return record


class Invalid(Refused):
    """An error: an argument of a verb is missing, unknown, of the wrong type or out of bounds."""

    code = "invalid"


def run(
    app: App,
    name: str,
    arguments: Mapping[str, Any],
    progress: Progress,
    caller: Caller | None = None,
    key: str | None = None,
) -> Data:
    """Run the verb of this name for a caller, or without one for a person with the store data file.

    Raise Invalid if there is no such verb or an argument is wrong, Forbidden if the caller lacks the scope, else what the verb raises.
    """
    wanted = VERBS.get(name)
    if wanted is None:
        raise Invalid(f"There is no verb {name[:100]!r}: /api/openapi.json lists all verbs.", verb=name[:100])
    if caller is None:
        caller = Caller.local(str(arguments.get("person", "")))
    elif "person" in wanted.takes:
        arguments = {**arguments, "person": caller.name}  # a caller cannot name someone else
    check_scope(caller, wanted.scope, name)
    if key is not None and not (wanted.books and key.strip() and len(key) <= KEY_LENGTH_MAX):
        raise Invalid(
            f"{name} takes no idempotency key: leave it out."
            if not wanted.books
            else f"An idempotency key has 1 to {KEY_LENGTH_MAX} characters and is not blank."
        )
    acting = app.acting(caller, name, redacted(arguments), key)
    try:
        return wanted(acting, progress, **arguments)
    except ValidationError as error:
        raise misfit(name, error) from None


def misfit(name: str, error: ValidationError) -> Invalid:
    """Return the error that names the wrong arguments of a verb, without their values, which may be secrets."""
    faults = [{"argument": ".".join(map(str, f["loc"])), "fault": _in_words(f)} for f in error.errors()]
    return Invalid(f"{name}: {faults[0]['argument']}: {faults[0]['fault']}", arguments=faults[:100])


def check_scope(caller: Caller, scope: Scope, what: str) -> None:
    """Raise Forbidden if a caller lacks this scope."""
    if not caller.may(scope):
        log.warning("verb.forbidden", verb=what, person=caller.name, caller=caller.id, scope=scope.value)
        raise Forbidden(
            f"This needs the right to {label(scope).lower()}: ask {role_that_may(scope).with_article}.",
            scope=scope.value,
        )


def _in_words(fault: ErrorDetails) -> str:
    """Return what is wrong with one argument, for the person who typed it."""
    bounds: dict[str, Any] = fault.get("ctx", {})
    kind = fault["type"]
    if kind in {"int_parsing", "int_type", "int_from_float", "int_parsing_size"}:
        return "Give a whole number."
    if kind in {"float_parsing", "float_type", "finite_number"}:
        return "Give a number."
    if kind == "bool_parsing":
        return "Give yes or no."
    if kind == "missing":
        return "Enter a value."
    if kind == "extra_forbidden":
        return "There is no such argument."
    if kind in {"greater_than_equal", "less_than_equal"}:
        word, bound = ("least", bounds["ge"]) if "ge" in bounds else ("most", bounds["le"])
        return f"Give at {word} {bound:,}."
    if kind == "string_too_long":
        return f"Give at most {bounds['max_length']:,} characters."
    if kind == "string_pattern_mismatch":
        return "It contains characters that are not allowed here, or it is too long."
    if kind == "base64_decode":
        return "Send the file as Base64."
    if kind == "string_too_short":
        return "Enter a value."
    return f"{fault['msg']}."


def redacted(arguments: Mapping[str, Any]) -> Data:
    """Return arguments in the form in which they may be logged."""
    written = {name: "…" if name in SECRETS and value else value for name, value in arguments.items()}
    for name in written.keys() & set(FILES):
        given: Any = written[name]
        content: bytes = given if isinstance(given, bytes) else str(given).encode(errors="replace")
        written[name] = f"… sha256 {hashlib.sha256(content).hexdigest()[:16]}"
    return written


def cart_named(app: App, name: str) -> Cart:
    """Return the cart of this name. Raise Refused."""
    return app.read(lambda books: books.carts.named(name))


def cart_names(app: App) -> dict[int, str]:
    """Return the name of each cart, by number."""
    return {cart.id: cart.name for cart in app.read(lambda books: books.carts.all())}


def packed(content: bytes) -> str:
    """Return a file as Base64, as verbs take and return it."""
    return base64.b64encode(content).decode()


def iso(at: datetime) -> str:
    """Return a time as text in UTC, to the millisecond."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
