"""Reaches a shop through the connector file in it: one signed POST per verb.

Path: built by ``app`` for carts whose connector is the PHP endpoint (or the sample shop); called by the services as a ``Shop``.
Promise: an answer is believed only if it was signed for this very request; every failure says who has to do what.
Never: follows a redirect, repeats a request by itself, or reads more than ``ANSWER_MAX_BYTES``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

import httpx2

from onhand.domain.errors import Permanent
from onhand.domain.shop import Applied, Change, Hello, Line, Look, Outcome, Page, Row, Window
from onhand.domain.sketch import Cell, Sums

from . import legible, trouble
from .signing import Key, Wrong

PROTOCOL = 1
ANSWER_MAX_BYTES = 16 * 1024 * 1024


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
        try:
            address = httpx2.URL(url)
        except httpx2.InvalidURL:
            address = httpx2.URL("")
        if address.scheme not in ("http", "https") or not address.host or address.query or address.fragment:
            raise Permanent(
                "Enter the full address of onhand.php, like https://shop.example/onhand.php.", reason="request"
            )
        if address.userinfo:
            raise Permanent(
                "Leave name and password out of the address, which everybody here sees: exempt onhand.php from them in the shop.",
                reason="request",
            )
        self._local = is_loopback(address.host)
        if address.scheme == "http" and not self._local and not allow_http:
            raise Permanent(
                "Enter the shop's https address, or allow plain HTTP for this cart in writing.", reason="https"
            )
        self._url = address
        self._path = address.raw_path.decode("ascii")  # as it goes over the wire, which is what is signed
        self._key = Key.of(key_id, secret_hex)
        self._clock = clock
        self._deadline_seconds = connect_timeout_seconds + 2 * read_timeout_seconds
        self._timeout = httpx2.Timeout(read_timeout_seconds, connect=connect_timeout_seconds)
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
                version=str(answer["version"]),
                engine=str(answer["engine"]),
                prefix=str(answer["prefix"]),
                tables=_texts(answer["tables"]),
                collation=str(answer["collation"]),
                sku_length=int(answer["sku_length"]),
                quantity_type=str(answer["quantity_type"]),
                columns=_texts(answer["columns"]),
                stock_elsewhere=tuple(str(name) for name in answer["stock_elsewhere"]),
                switches=_texts(answer["switches"]),
                products=int(answer["products"]),
                epoch=str(answer["epoch"]),
                last_seq=int(answer["last_seq"]),
                clock=int(answer["clock"]),
                obstacle=str(answer["obstacle"]),
            )

    def look(self, after: int, low: int, limit: int, sums: bool, catalogue: bool) -> Look:
        answer = self._ask(
            {"verb": "look", "after": after, "low": low, "limit": limit, "sums": sums, "catalogue": catalogue}
        )
        with _understood():
            count, total, *weighed = answer["window"]
            return Look(
                epoch=str(answer["epoch"]),
                last_seq=int(answer["last_seq"]),
                begun=bool(answer["begun"]),
                lines=tuple(legible.line(_line(line)) for line in answer["lines"]),
                more=bool(answer["more"]),
                last_line=int(answer["last_line"]),
                window=Window(int(count), int(total), int(weighed[0]) if weighed else None),
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
            return Page(tuple(legible.row(_row(row)) for row in answer["rows"]), bool(answer["more"]))

    def rows(self, products: Sequence[int]) -> tuple[Row, ...]:
        answer = self._ask({"verb": "listings", "ids": list(products)})
        with _understood():
            return tuple(legible.row(_row(row)) for row in answer["rows"])

    def orders(self, lines: Sequence[int]) -> tuple[Line, ...]:
        answer = self._ask({"verb": "orders", "lines": list(lines)})
        with _understood():
            return tuple(legible.line(_line(line)) for line in answer["lines"])

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
            raise trouble.foreign(status, headers, content)
        try:
            self._key.check_answer(signed, status, content, headers)
        except Wrong as wrong:
            raise trouble.unbelieved(wrong, content) from wrong
        with _understood():
            answer = dict(json.loads(content))
        if status != 200 or answer.get("ok") is not True:
            raise trouble.refusal(status, answer.get("error"))
        return answer

    def _send(self, body: bytes, signed: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        """One POST: status, headers with lower-case names, and the whole body."""
        if self._client is None:
            self._client = httpx2.Client(
                timeout=self._timeout,
                follow_redirects=False,
                trust_env=not self._local,  # a proxy of this machine is no way to this machine
                headers={
                    "content-type": "application/json",
                    "accept": "application/json",
                    "accept-encoding": "gzip",
                    "user-agent": "OnHand",
                },
                limits=httpx2.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=30),
            )
        give_up_at = self._clock() + self._deadline_seconds
        try:
            with self._client.stream("POST", self._url, content=body, headers=dict(signed)) as answer:
                content = bytearray()
                for chunk in answer.iter_bytes():
                    content += chunk
                    if len(content) > ANSWER_MAX_BYTES:
                        raise Permanent(
                            "The address answers with more than 16 MiB: check that it is that of onhand.php.",
                            reason="too_large",
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
            raise trouble.on_the_way(problem) from problem


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, as far as its name says."""
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


def _texts(values: Any) -> dict[str, str]:
    return {str(name): str(value) for name, value in dict(values).items()}


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
