"""Reaches a shop through the connector file in it: one signed POST per verb.

Path: built by ``app`` for carts whose connector is the PHP endpoint (or the sample shop); called by the services as a ``Shop``.
Promise: an answer is believed only if it was signed for this very request; every failure says who has to do what.
Never: follows a redirect, repeats a request by itself, or reads more than ``ANSWER_MAX_BYTES``.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any, NoReturn
from urllib.parse import urlsplit

import httpx2

from onhand.domain.errors import Conflict, OnHandError, Permanent, Retriable
from onhand.domain.shop import Applied, Change, Hello, Line, Look, Outcome, Page, Row, Window
from onhand.domain.sketch import Cell, Sums

from .signing import Key, Wrong

PROTOCOL = 1
ANSWER_MAX_BYTES = 16 * 1024 * 1024

RETRIABLE = {"database", "busy", "internal"}
CONFLICT = {"epoch", "gap"}
PERMANENT = {"https", "clock", "request", "too_large", "config", "tables"}
# Refusals that a connector cannot sign: it has no key yet, or the request did not prove that it knows it.
UNSIGNED = {"config", "https", "too_large", "internal"}


class Endpoint:
    """One shop behind an HTTP connector; implements ``services.ports.Shop``."""

    def __init__(
        self,
        url: str,
        key_id: str,
        secret_hex: str,
        *,
        clock: Callable[[], float],
        connect_timeout_seconds: float = 5,
        read_timeout_seconds: float = 30,
        allow_http: bool = False,
    ) -> None:
        """``clock`` answers unix seconds. Raises Permanent if the address is unusable or plain HTTP is not allowed."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            _refuse(Permanent, "request", "Enter the full address of onhand.php, like https://shop.example/onhand.php.")
        local = _is_loopback(parts.hostname)
        if parts.scheme == "http" and not local and not allow_http:
            _refuse(Permanent, "https", "Enter the shop's https address, or allow plain HTTP for this cart in writing.")
        self._url = url
        self._path = parts.path or "/"
        self._key = Key.of(key_id, secret_hex)
        self._clock = clock
        self._deadline_seconds = connect_timeout_seconds + 2 * read_timeout_seconds
        self._timeout = httpx2.Timeout(read_timeout_seconds, connect=connect_timeout_seconds)
        self._local = local
        self._client: httpx2.Client | None = None

    # The verbs, in the order of the protocol

    def hello(self, fresh_epoch_after: str | None = None) -> Hello:
        asked: dict[str, object] = {"verb": "hello"}
        if fresh_epoch_after is not None:
            asked["fresh_epoch_after"] = fresh_epoch_after
        answer = self._ask(asked)
        with _understood():
            if int(answer["protocol"]) != PROTOCOL:
                raise ValueError(f"protocol {answer['protocol']}")
            return Hello(
                protocol=int(answer["protocol"]),
                connector=str(answer["connector"]),
                runtime=str(answer["runtime"]),
                database=str(answer["database"]),
                family=str(answer["family"]),
                engine=str(answer["engine"]),
                prefix=str(answer["prefix"]),
                collation=str(answer["collation"]),
                sku_length=int(answer["sku_length"]),
                quantity_type=str(answer["quantity_type"]),
                switches={str(name): str(value) for name, value in dict(answer["switches"]).items()},
                products=int(answer["products"]),
                epoch=str(answer["epoch"]),
                last_seq=int(answer["last_seq"]),
                clock=int(answer["clock"]),
            )

    def look(self, after: int, low: int, limit: int, sums: bool, catalogue: bool) -> Look:
        answer = self._ask(
            {"verb": "look", "after": after, "low": low, "limit": limit, "sums": sums, "catalogue": catalogue}
        )
        with _understood():
            count, total = answer["window"]
            return Look(
                epoch=str(answer["epoch"]),
                last_seq=int(answer["last_seq"]),
                begun=bool(answer["begun"]),
                lines=tuple(_line(line) for line in answer["lines"]),
                more=bool(answer["more"]),
                last_line=int(answer["last_line"]),
                window=Window(int(count), int(total)),
                sums=None if answer["sums"] is None else _sums(answer["sums"]),
                sums_ms=float(answer["sums_ms"]),
                catalogue=None if answer["catalogue"] is None else str(answer["catalogue"]),
            )

    def cells(self, size: int) -> Sequence[Cell]:
        answer = self._ask({"verb": "cells", "size": size})
        with _understood():
            cells = [(int(q), int(o), int(qh), int(oh)) for q, o, qh, oh in answer["cells"]]
            if len(cells) != 3 * size:
                raise ValueError(f"{len(cells)} cells")
            return cells

    def listings(self, after: int, limit: int) -> Page:
        answer = self._ask({"verb": "listings", "after": after, "limit": limit})
        with _understood():
            return Page(tuple(_row(row) for row in answer["rows"]), bool(answer["more"]))

    def rows(self, products: Sequence[int]) -> tuple[Row, ...]:
        answer = self._ask({"verb": "listings", "ids": list(products)})
        with _understood():
            return tuple(_row(row) for row in answer["rows"])

    def orders(self, lines: Sequence[int]) -> tuple[Line, ...]:
        answer = self._ask({"verb": "orders", "lines": list(lines)})
        with _understood():
            return tuple(_line(line) for line in answer["lines"])

    def apply(self, epoch: str, first: int, changes: Sequence[Change], close: bool = False) -> Applied:
        posts = [[change.product, change.delta, int(change.reactivate)] for change in changes]
        asked: dict[str, object] = {"verb": "apply", "epoch": epoch, "first": first, "posts": posts}
        if close:
            asked["close"] = True
        answer = self._ask(asked)
        with _understood():
            return Applied(
                outcome=Outcome(answer["outcome"]),
                epoch=str(answer["epoch"]),
                last_seq=int(answer["last_seq"]),
                failed={int(product): str(reason) for product, reason in answer["results"]},
            )

    def disconnect(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    # One request and its answer

    def _ask(self, asked: Mapping[str, object]) -> dict[str, Any]:
        """The members of a successful, authentic answer. Raises Retriable, Permanent or Conflict."""
        body = json.dumps(asked, separators=(",", ":")).encode()
        signed = self._key.sign_request(self._path, body, int(self._clock()))
        status, headers, content = self._send(body, signed)
        if not headers.get("content-type", "").lower().startswith("application/json"):
            _refuse_foreign(status, headers, content)
        try:
            self._key.check_answer(signed, status, content, headers)
        except Wrong as wrong:
            _refuse_unbelieved(wrong, status, content)
        answer = json.loads(content)
        if status == 200 and answer.get("ok") is True:
            return dict(answer)
        _refuse_coded(status, answer)

    def _send(self, body: bytes, signed: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        """One POST: status, headers with lower-case names, and the whole body."""
        if self._client is None:
            self._client = httpx2.Client(
                timeout=self._timeout,
                follow_redirects=False,
                trust_env=not self._local,  # a proxy of this machine is no way to this machine
                headers={"content-type": "application/json", "accept": "application/json", "accept-encoding": "gzip"},
                limits=httpx2.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=30),
            )
        give_up_at = self._clock() + self._deadline_seconds
        try:
            with self._client.stream("POST", self._url, content=body, headers=dict(signed)) as answer:
                content = bytearray()
                for chunk in answer.iter_bytes():
                    content += chunk
                    if len(content) > ANSWER_MAX_BYTES:
                        _refuse(
                            Permanent,
                            "too_large",
                            "The address answers with more than 16 MiB: check that it is that of onhand.php.",
                        )
                    if self._clock() > give_up_at:
                        raise httpx2.ReadTimeout("The answer trickles.")
                return (
                    answer.status_code,
                    {name.lower(): value for name, value in answer.headers.items()},
                    bytes(content),
                )
        except httpx2.HTTPError as problem:
            self.disconnect()
            raise _transport_trouble(problem) from problem


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


# Answers that are understood


@contextmanager
def _understood() -> Iterator[None]:
    """An authentic answer of the wrong shape comes from a connector of another version."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as problem:
        raise Permanent(
            "The connector in the shop speaks another version of the protocol: copy the connector file of this OnHand there.",
            reason="internal",
            detail=f"{type(problem).__name__}: {problem}",
        ) from problem


def _line(values: Sequence[Any]) -> Line:
    line, order, product, model, quantity, status, paid = values
    return Line(
        line=int(line),
        order=int(order),
        product=int(product),
        model=model,
        quantity=int(quantity),
        status=None if status is None else int(status),
        paid=bool(paid),
    )


def _row(values: Sequence[Any]) -> Row:
    product, model, name, quantity, ordered, status, modified, age, flags = values
    return Row(
        product=int(product),
        model=model,
        name=name,
        quantity=int(quantity),
        ordered=int(ordered),
        status=int(status),
        modified=modified,
        age=None if age is None else int(age),
        flags=int(flags),
    )


def _sums(values: Sequence[Any]) -> Sums:
    count, quantity, ordered, quantity_h, ordered_h = values
    return Sums(int(count), int(quantity), int(ordered), int(quantity_h), int(ordered_h))


# Answers that are not, and failures on the way


def _refuse(kind: type[OnHandError], reason: str, message: str, **facts: object) -> NoReturn:
    raise kind(message, reason=reason, **facts)


def _refuse_coded(status: int, answer: Mapping[str, Any]) -> NoReturn:
    """A refusal of the connector itself: its message already says what to do."""
    error = answer.get("error")
    if not isinstance(error, dict):
        error = {}
    code = str(error.get("code", ""))
    message = str(error.get("message", "The connector refused without saying why."))
    facts = {name: value for name, value in error.items() if name not in ("code", "message")}
    if code in CONFLICT:
        _refuse(Conflict, code, message, **facts)
    if code in RETRIABLE:
        _refuse(Retriable, code, message, status=status, **facts)
    if code in PERMANENT:
        _refuse(Permanent, code, message, status=status, **facts)
    _refuse(
        Permanent,
        "internal",
        f"The connector refused with a code unknown here: {code}. Copy the connector file of this OnHand into the shop.",
    )


def _refuse_unbelieved(wrong: Wrong, status: int, content: bytes) -> NoReturn:
    """An answer without a valid signature. What it says is used for the advice to the technician, and for nothing else."""
    try:
        error = json.loads(content)["error"]
        code, arrived = error["code"], error.get("arrived")
    except (ValueError, KeyError, TypeError, AttributeError):
        error, code, arrived = {}, None, None
    if wrong.part == "missing" and code == "signature":
        if arrived == "bare":
            _refuse(
                Permanent,
                "headers",
                "Something before the shop (a proxy or firewall) strips the headers Signature, Signature-Input and Content-Digest from requests: let them pass.",
            )
        if arrived == "changed":
            _refuse(
                Retriable,
                "cut",
                "The request arrived in the shop cut or changed: a proxy or firewall before it rewrites what is sent.",
            )
        _refuse(
            Permanent,
            "signature",
            "The shop refuses the key: onhand-key.php in the shop and the key of this cart differ. Download the key file of this cart and copy it there.",
        )
    if wrong.part == "missing" and code in UNSIGNED:
        _refuse_coded(status, {"error": error})
    if wrong.part == "missing":
        _refuse(
            Permanent,
            "headers",
            "The answer came without its Signature headers: something before the shop (a proxy or firewall) strips them. Let Signature, Signature-Input and Content-Digest pass.",
        )
    if wrong.part == "digest":
        _refuse(
            Retriable,
            "cut",
            "The answer arrived cut or changed: a proxy between here and the shop rewrites it.",
            received_bytes=len(content),
        )
    _refuse(
        Permanent,
        "signature",
        "The answer was not signed with the key of this cart for this request, so it was not believed: check that the address is that of this very shop, and copy its key file there again.",
        part=wrong.part,
    )


def _refuse_foreign(status: int, headers: Mapping[str, str], content: bytes) -> NoReturn:
    """Something that is not our connector answered."""
    if 300 <= status < 400:
        target = headers.get("location", "")
        _refuse(
            Permanent,
            "redirect",
            f"The address redirects to {target[:200] or 'another place'}: enter the final address, or exempt onhand.php from the redirect.",
            status=status,
            location=target,
        )
    if status == 404 or status == 410:
        _refuse(
            Permanent,
            "not_found",
            "There is no onhand.php at this address: copy the file into the folder of the shop's index.php and check the address.",
            status=status,
        )
    if status in (401, 403, 405, 406):
        _refuse(
            Permanent,
            "http",
            f"The web server itself refuses with HTTP {status} (a password, a firewall rule or file rights): exempt onhand.php from it.",
            status=status,
        )
    if status == 413:
        _refuse(
            Permanent,
            "too_large",
            "The web server refuses requests of this size: lower the batch size of this cart.",
            status=status,
        )
    if status >= 400:
        _refuse(
            Retriable,
            "http",
            f"The web server answers with HTTP {status} and not through the connector: see its error log.",
            status=status,
        )
    begins = content[:80].decode("utf-8", "replace").strip()
    _refuse(
        Permanent,
        "html",
        f"The address answers with a page instead of data (it begins «{begins}»): check that it is that of onhand.php and that PHP runs there without maintenance page.",
        status=status,
    )


def _transport_trouble(problem: httpx2.HTTPError) -> OnHandError:
    if isinstance(problem, httpx2.TimeoutException):
        if isinstance(problem, httpx2.ConnectTimeout):
            return Retriable("The shop's server does not answer; it is tried again by itself.", reason="unreachable")
        return Retriable("The shop takes too long to answer; it is tried again by itself.", reason="timeout")
    if isinstance(problem, (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError, httpx2.DecodingError)):
        return Retriable(
            "The connection ended in the middle of an answer; it is tried again by itself.",
            reason="cut",
            detail=str(problem),
        )
    if isinstance(problem.__cause__, ssl.SSLError) or "CERTIFICATE" in str(problem).upper():
        return Permanent(
            "The certificate of the shop is not valid: renew it there.", reason="https", detail=str(problem)
        )
    return Retriable(
        "The shop's server cannot be reached: check the address, and whether the shop is up.",
        reason="unreachable",
        detail=str(problem),
    )
