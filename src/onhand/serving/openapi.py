"""Describes the API: the model of each verb's arguments, and the OpenAPI document made from them.

Path: ``programs`` checks requests with the models and publishes the document.
Promise: the description is derived from the verbs, so it is always current.
Never: answers a request.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from functools import cache
from http import HTTPStatus

from pydantic import BaseModel

from onhand import __version__
from onhand.domain.people import Scope
from onhand.verbs.registry import KEY_LENGTH_MAX, Verb, model_of
from onhand.wire import Data

BODY_BYTES = 1024 * 1024
FILE_BODY_BYTES = 64 * 1024 * 1024  # for a verb that takes a file
ABOUT = """\
Call a verb with `POST /api/{verb}` and its arguments as one JSON object. Verbs that only read also answer `GET`, with simple arguments
in the query.

Send an API token as `Authorization: Bearer …`. An administrator creates tokens on the screen *Users and tokens*. A token has scopes:
`read` sees everything except secrets and people; `stock` receives, counts, adjusts and takes orders; `manage` changes carts, settings
and purchase orders; `administer` manages people, tokens, keys and webhooks.

Verbs that book take an `Idempotency-Key`. For seven days, a request sent again with the same key is not carried out again and gets the
first answer. Verbs that take long answer `202` and continue as a task.

Errors are `application/problem+json` (RFC 9457): `code` is for programs, `detail` tells people what to do, and `facts` has the details.
"""
PROBLEMS = {
    400: "The request is not valid HTTP.",
    401: "This needs a valid API token: send it as `Authorization: Bearer …`.",
    403: "The token lacks the required scope.",
    404: "There is no such verb.",
    405: "Call verbs with POST. Verbs that only read also take GET.",
    408: "The request arrived too slowly.",
    409: "Refused in the current state, such as an unknown SKU, a stale revision or too little stock. `code` is `refused` or `conflict`.",
    413: "The request is too large.",
    415: "Send arguments as `application/json`.",
    422: "An argument is wrong, and `facts.arguments` names it; or the idempotency key was used for another request.",
    429: "Too many requests with this token: wait the seconds in `Retry-After`.",
    500: "A fault in OnHand: see its log.",
    502: "A shop refuses the request until a person changes something there.",
    503: "A temporary problem, such as a shop that is down: the same request may succeed later.",
}
KEY = rf"[!-~]{{1,{KEY_LENGTH_MAX}}}"
BASE64 = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
KEY_HEADER = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Your name for this request. Sent again with the same name, it is carried out only once.",
    "schema": {"type": "string", "pattern": f"^{KEY}$"},
}


@cache
def arguments_of(verb: Verb) -> type[BaseModel]:
    """Return the model of a verb's arguments for programs: without ``person``, which the token decides."""
    return model_of(verb.request, strict=True, without=("person",))


@cache
def body_max(verb: Verb) -> int:
    """Return the size in bytes of the largest request for a verb."""
    properties = arguments_of(verb).model_json_schema().get("properties", {})
    longest = max((int(schema.get("maxLength", 0)) for schema in properties.values()), default=0)
    return FILE_BODY_BYTES if longest > BODY_BYTES else BODY_BYTES


def methods(verb: Verb) -> list[str]:
    """Return the HTTP methods of a verb."""
    return ["GET", "POST"] if verb.scope is Scope.READ else ["POST"]


def document(verbs: Iterable[Verb]) -> Data:
    """Return the OpenAPI 3.1 document."""
    schemas: Data = {"Problem": _PROBLEM}
    paths: Data = {}
    for verb in sorted(verbs, key=lambda verb: verb.name):
        schema = arguments_of(verb).model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {})
        del schema["title"]
        for file in schema.get("properties", {}).values():
            if file.get("format") == "base64":
                file |= {"contentEncoding": "base64", "pattern": BASE64}
        paths[f"/api/{verb.name}"] = {
            method.lower(): _operation(verb, method, schema) for method in reversed(methods(verb))
        }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "OnHand",
            "version": __version__,
            "summary": "One true quantity on hand per SKU.",
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {f"Problem{status}": _problem(status, text) for status, text in PROBLEMS.items()},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "An API token."}},
        },
    }


def _operation(verb: Verb, method: str, schema: Data) -> Data:
    summary = inspect.cleandoc(verb.request.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
    takes = [f"Needs the scope `{verb.scope.value}`."]
    if verb.long:
        takes.append("Takes long: it continues as a task, see `task_show`.")
    operation: Data = {
        "operationId": verb.name if method == "POST" else f"{verb.name}_get",
        "summary": summary,
        "description": " ".join(takes),
        "tags": [verb.request.__module__.rpartition(".")[2]],
        "responses": _responses(verb, method),
    }
    properties: Mapping[str, Data] = schema.get("properties", {})
    required = schema.get("required", [])
    if method == "GET":
        operation["parameters"] = [
            {"name": name, "in": "query", "required": name in required, "schema": _in_query(property_)}
            for name, property_ in properties.items()
            if property_.get("type") != "array"
        ]
        return operation
    if takes_key(verb):
        operation["parameters"] = [KEY_HEADER]
    operation["requestBody"] = {"required": bool(required), "content": {"application/json": {"schema": schema}}}
    return operation


def takes_key(verb: Verb) -> bool:
    """Return whether a verb takes an idempotency key, because it books or starts a task."""
    return verb.books or verb.long


def _in_query(schema: Data) -> Data:
    """Return an argument's schema for a query, which has no null: such arguments are left out instead."""
    given = [one for one in schema.get("anyOf", []) if one.get("type") != "null"]
    rest = {name: value for name, value in schema.items() if name not in {"anyOf", "default"} or value is not None}
    if not given:
        return rest
    rest.pop("anyOf", None)
    return {**rest, **given[0]} if len(given) == 1 else {**rest, "anyOf": given}


def _responses(verb: Verb, method: str) -> Data:
    answer = {"application/json": {"schema": {"type": "object"}}}
    problems = PROBLEMS.keys() - ({413, 415, 408} if method == "GET" else set()) - {404, 405}
    found: Data = {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in sorted(problems)}
    if not verb.long:
        return {"200": {"description": "Done.", "content": answer}, **found}
    task = {"type": "object", "properties": {"task": {"type": "integer"}}, "required": ["task"]}
    begun = {
        "description": "Started as a task.",
        "headers": {"Location": {"description": "The address of the task.", "schema": {"type": "string"}}},
        "content": {"application/json": {"schema": task}},
    }
    return {"202": begun, **found}


def _problem(status: int, text: str) -> Data:
    described: Data = {
        "description": text,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status == HTTPStatus.UNAUTHORIZED:
        described["headers"] = {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}}
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        described["headers"] = {"Retry-After": {"required": True, "schema": {"type": "string"}}}
    return described


_PROBLEM: Data = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "facts": {"type": "object"},
    },
    "required": ["type", "title", "status", "detail", "code", "facts"],
}
