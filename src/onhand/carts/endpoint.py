"""Reaches a shop through the connector file in it: one signed POST per verb.

Path: built by ``app`` for carts whose connector is the PHP endpoint (or the sample shop); called by the services as a ``Shop``.
Promise: an answer is believed only if it was signed for this very request, and used only if ``answers`` finds nothing wrong with it;
a request ends by its deadline, however slowly its answer arrives; every failure says who has to do what.
Never: follows a redirect, retries a request, or reads more than ``ANSWER_MAX_BYTES``.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx2

from onhand.domain.addresses import is_loopback
from onhand.domain.errors import Permanent
from onhand.domain.shop import Applied, Change, Hello, Line, Look, Outcome, Page, Row, Window
from onhand.domain.sketch import Cell, Sums

from . import answers, legible, signing, trouble, trust
from .answers import ANSWER_MAX_BYTES, shortened, text, texts, truth, whole
from .deadline import Deadline
from .signing import Key, Wrong

PROTOCOL = 1


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
        holder: str = "",
    ) -> None:
        """Keep how to reach the shop. ``clock`` returns unix seconds. ``holder`` names this run of OnHand, so that a shop can tell that
        another one posts there. Raise Permanent if the address is unusable or plain HTTP is not allowed."""
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
        self._holder = holder
        self._clock = clock
        self._deadline_seconds = connect_timeout_seconds + 2 * read_timeout_seconds
        self._timeout = httpx2.Timeout(read_timeout_seconds, connect=connect_timeout_seconds)
        self._client: httpx2.Client | None = None
        self._socket: socket.socket | None = None  # the socket of the client's one connection
        self._short = False  # whether the connector has said that it understands short signatures

    # The verbs, in the order of the protocol

    def hello(self, fresh_epoch_after: str | None = None) -> Hello:
        asked: dict[str, object] = {"verb": "hello"}
        if fresh_epoch_after is not None:
            asked["fresh_epoch_after"] = fresh_epoch_after
        answer = self._ask(asked)
        with _understood():
            if whole(answer["protocol"]) != PROTOCOL:
                raise ValueError(f"protocol {answer['protocol']}")
            said = Hello(
                protocol=PROTOCOL,
                connector=text(answer["connector"]),
                runtime=text(answer["runtime"]),
                database=text(answer["database"]),
                family=text(answer["family"]),
                version=text(answer["version"]),
                engine=text(answer["engine"]),
                prefix=text(answer["prefix"]),
                tables=texts(answer["tables"]),
                collation=text(answer["collation"]),
                sku_length=whole(answer["sku_length"]),
                quantity_type=text(answer["quantity_type"]),
                columns=texts(answer["columns"]),
                stock_elsewhere=tuple(text(name) for name in answer["stock_elsewhere"]),
                switches=texts(answer["switches"]),
                products=whole(answer["products"]),
                epoch=text(answer["epoch"]),
                last_seq=whole(answer["last_seq"]),
                clock=whole(answer["clock"]),
                obstacle=text(answer["obstacle"]),
            )
        return answers.hello(said)

    def look(self, after: int, low: int, limit: int, sums: bool, catalogue: bool) -> Look:
        answer = self._ask(
            {"verb": "look", "after": after, "low": low, "limit": limit, "sums": sums, "catalogue": catalogue}
        )
        with _understood():
            count, total, *weighed = answer["window"]
            seen = Look(
                epoch=text(answer["epoch"]),
                last_seq=whole(answer["last_seq"]),
                begun=truth(answer["begun"]),
                lines=tuple(legible.line(_line(line)) for line in answer["lines"]),
                more=truth(answer["more"]),
                last_line=whole(answer["last_line"]),
                window=Window(whole(count), whole(total), whole(weighed[0]) if weighed else None),
                sums=None if answer["sums"] is None else _sums(answer["sums"]),
                sums_ms=float(answer["sums_ms"]),
                catalogue=None if answer["catalogue"] is None else text(answer["catalogue"]),
            )
        return answers.look(seen, after, limit, sums, catalogue)

    def cells(self, size: int) -> Sequence[Cell]:
        answer = self._ask({"verb": "cells", "size": size})
        with _understood():
            cells = [(whole(q), whole(o), whole(qh), whole(oh)) for q, o, qh, oh in answer["cells"]]
        return answers.cells(cells, size)

    def listings(self, after: int, limit: int) -> Page:
        answer = self._ask({"verb": "listings", "after": after, "limit": limit})
        with _understood():
            page = Page(tuple(legible.row(_row(row)) for row in answer["rows"]), truth(answer["more"]))
        return answers.page(page, after, limit)

    def rows(self, products: Sequence[int]) -> tuple[Row, ...]:
        answer = self._ask({"verb": "listings", "ids": list(products)})
        with _understood():
            rows = tuple(legible.row(_row(row)) for row in answer["rows"])
        return answers.rows(rows, products)

    def orders(self, lines: Sequence[int]) -> tuple[Line, ...]:
        answer = self._ask({"verb": "orders", "lines": list(lines)})
        with _understood():
            there = tuple(legible.line(_line(line)) for line in answer["lines"])
        return answers.orders(there, lines)

    def apply(self, epoch: str, first: int, changes: Sequence[Change], close: bool = False) -> Applied:
        posts = [[change.product, change.delta, int(change.reactivate)] for change in changes]
        asked: dict[str, object] = {"verb": "apply", "epoch": epoch, "first": first, "posts": posts}
        if close:
            asked["close"] = True
        if self._holder:
            asked["holder"] = self._holder
        answer = self._ask(asked)
        with _understood():
            failed = [(whole(product), text(reason)) for product, reason in answer["results"]]
            holder = answer.get("holder")
            applied = Applied(
                outcome=Outcome(answer["outcome"]),
                epoch=text(answer["epoch"]),
                last_seq=whole(answer["last_seq"]),
                failed=dict(failed),
                elsewhere=holder is not None and text(holder) != self._holder,
            )
            if len(applied.failed) < len(failed):
                raise ValueError("a product twice")
        return answers.applied(applied, first, changes)

    def disconnect(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = self._socket = None

    # One request and its answer

    def _ask(self, asked: Mapping[str, object]) -> dict[str, Any]:
        """Return the members of a successful, authentic answer. Raise Retriable, Permanent or Conflict."""
        body, created = json.dumps(asked, separators=(",", ":")).encode(), int(self._clock())
        signed = self._key.sign_request(self._path, body, created)
        sent = self._key.short_request(signed, created) if self._short else signed
        self._short = False  # after a failure the next request is spelled out: an older connector may be there
        status, headers, content = self._send(body, sent)
        is_json = headers.get("content-type", "").lower().startswith("application/json")
        if not is_json and not signing.is_signed(headers):  # a host may label a signed answer as it likes
            raise trouble.foreign(status, headers, content, self._clock())
        try:
            self._key.check_answer(signed, status, content, headers)
        except Wrong as wrong:
            raise trouble.unbelieved(wrong, status, headers, content, self._clock()) from wrong
        with _understood():
            answer = answers.document(content)
        if status != 200 or answer.get("ok") is not True:
            raise trouble.refusal(status, answer.get("error"))
        self._short = signing.takes_short(headers)
        return answer

    def _send(self, body: bytes, proof: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        """Send one POST; return status, headers with lower-case names, and the whole body."""
        if self._client is None:
            self._client = httpx2.Client(
                verify=trust.context(trust_env=not self._local),
                timeout=self._timeout,
                follow_redirects=False,
                trust_env=not self._local,  # a proxy on this machine cannot lead back to this machine
                headers={
                    "content-type": "application/json",
                    "accept": "application/json",
                    "accept-encoding": "gzip",
                    "user-agent": "OnHand",
                },
                limits=httpx2.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=30),
            )
        with Deadline(self._deadline_seconds) as deadline:
            try:
                return self._exchange(self._client, body, proof, deadline)
            except httpx2.HTTPError as problem:
                self.disconnect()
                if deadline.passed:
                    raise trouble.too_slow() from problem
                raise trouble.on_the_way(problem) from problem
            except BaseException:
                self.disconnect()  # the rest of that answer is not used
                raise

    def _exchange(
        self, client: httpx2.Client, body: bytes, proof: Mapping[str, str], deadline: Deadline
    ) -> tuple[int, dict[str, str], bytes]:
        if self._socket is not None:
            deadline.watch(self._socket)

        def watch(event: str, info: Mapping[str, Any]) -> None:
            # A new connection, plain at first. A TLS handshake is one wait with one timeout, and gives a socket of its own.
            if event.endswith(("connect_tcp.complete", "start_tls.complete")):
                self._socket = info["return_value"].get_extra_info("socket")
                deadline.watch(self._socket)

        with client.stream("POST", self._url, content=body, headers=dict(proof), extensions={"trace": watch}) as answer:
            content = bytearray()
            for chunk in answer.iter_bytes():
                content += chunk
                if len(content) > ANSWER_MAX_BYTES:
                    raise Permanent(
                        f"The address answers with more than {ANSWER_MAX_BYTES // 2**20} MiB: check that it is that of onhand.php.",
                        reason="too_large",
                    )
            if deadline.passed:  # a body without a length ends where the connection does
                raise httpx2.ReadTimeout("The answer trickles.")
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return answer.status_code, headers, bytes(content)


def completed(url: str) -> str:
    """Return the address of the connector file, also if the address names only its folder.

    Raises Permanent, with the address to enter, if another page is named. A text that is not an address is left as it is.
    """
    if "://" not in url and _HOST.match(url):
        raise _whole_one(completed(f"https://{url}"))
    try:
        address = httpx2.URL(url)
    except httpx2.InvalidURL:
        return url
    if address.scheme not in ("http", "https") or not address.host or address.userinfo:
        return url
    path = address.raw_path.decode("ascii").partition("?")[0]
    folder, _, page = path.rpartition("/")
    named = page.lower().endswith(_PAGES)
    if not named:
        folder = path.rstrip("/")
    file = page if _CONNECTOR.fullmatch(page) else "onhand.php"
    proposed = f"{address.scheme}://{address.netloc.decode('ascii')}{folder}/{file}"
    if address.query or address.fragment or (named and file != page):
        raise _whole_one(proposed)
    return url if file == page else proposed


def _whole_one(proposed: str) -> Permanent:
    return Permanent(
        f"Enter the address of the connector file in the shop, as a rule {proposed}",
        reason="request",
        proposed=proposed,
    )


_HOST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:[0-9]+)?(/|$)")
_PAGES = (".php", ".html", ".htm", ".asp", ".aspx")
_CONNECTOR = re.compile(r"onhand[A-Za-z0-9_.-]*\.php", re.IGNORECASE)


# Answers that are understood


@contextmanager
def _understood() -> Iterator[None]:
    """Turn an authentic answer of the wrong shape into an error: it comes from a connector of another version."""
    try:
        yield
    except (KeyError, TypeError, ValueError, OverflowError) as problem:
        raise Permanent(
            "The connector in the shop speaks another version of the protocol: copy the connector file of this OnHand there.",
            reason="internal",
            detail=shortened(f"{type(problem).__name__}: {problem}", 200),
        ) from problem


def _line(values: Sequence[Any]) -> Line:
    line, order, product, model, quantity, status, paid = values
    return Line(
        line=whole(line),
        order=whole(order),
        product=whole(product),
        model=None if model is None else text(model),
        quantity=whole(quantity),
        status=None if status is None else whole(status),
        paid=truth(paid),
    )


def _row(values: Sequence[Any]) -> Row:
    product, model, name, quantity, ordered, status, modified, age, flags = values
    return Row(
        product=whole(product),
        model=None if model is None else text(model),
        name=text(name),
        quantity=whole(quantity),
        ordered=whole(ordered),
        status=whole(status),
        modified=None if modified is None else text(modified),
        age=None if age is None else whole(age),
        flags=whole(flags),
    )


def _sums(values: Sequence[Any]) -> Sums:
    count, quantity, ordered, quantity_h, ordered_h = values
    return Sums(whole(count), whole(quantity), whole(ordered), whole(quantity_h), whole(ordered_h))
