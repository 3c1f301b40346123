"""Explains what went wrong between OnHand and a connector, and who has to do what about it.

Path: ``endpoint`` hands over an answer that is not believable or not successful; the error it gets back is raised.
Promise: every failure becomes Retriable, Permanent or Conflict, with the fact ``reason`` and a sentence for the technician.
Never: uses an unsigned answer for more than advice, or repeats the words of an unknown server.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime

import httpx2

from onhand.domain.errors import Conflict, OnHandError, Permanent, Retriable

from .answers import ID_MAX, document, shortened
from .signing import Wrong

KIND_OF_CODE: Mapping[str, type[OnHandError]] = {
    "https": Permanent,
    "clock": Permanent,
    "request": Permanent,
    "too_large": Permanent,
    "config": Permanent,
    "tables": Permanent,
    "obstacle": Permanent,
    "database": Retriable,
    "busy": Retriable,
    "internal": Retriable,
    "epoch": Conflict,
    "gap": Conflict,
    "other": Conflict,
}
MESSAGE_MAX = 300  # characters of a connector's message, as stored and shown
RETRY_AFTER_SECONDS_MAX = 3600.0  # the longest pause that a host can ask for
GATEWAY: Mapping[int, str] = {  # answers of a host in front of the shop's own web server
    502: "its gateway got no answer from the shop",
    504: "its gateway waited too long for the shop",
    520: "Cloudflare got an answer it did not understand from the shop's server",
    521: "the shop's server refuses Cloudflare",
    522: "Cloudflare does not reach the shop's server in time",
    523: "Cloudflare finds no way to the shop's server",
    524: "the shop's server took too long for Cloudflare",
    525: "Cloudflare and the shop's server did not agree on HTTPS",
    526: "Cloudflare does not accept the certificate of the shop's server",
    530: "Cloudflare cannot find the shop's server",
}
# Refusals that a connector may not be able to sign: it has no key, or the request did not prove that it knows it. The sentences are ours:
# any server may answer like this, and its words are not repeated.
UNSIGNED = {
    "config": "The connector finds no key that it understands: copy the onhand-key.php that OnHand made for this cart next to onhand.php.",
    "https": "Use the https address of this shop, or set allow_http to true in onhand-key.php.",
    "too_large": "The shop refuses requests of this size: lower the batch size of this cart.",
    "internal": "The connector failed; the details are in the web server's error log.",
}
OURS = frozenset({"epoch", "lines"})  # every answer of a connector has one of these
PROOF = frozenset({"content-digest", "signature-input", "signature"})


def refusal(status: int, error: object) -> OnHandError:
    """Return the error for a refusal of the connector itself: its message already says what to do."""
    members = error if isinstance(error, dict) else {}
    code = shortened(str(members.get("code", "")), 40)
    if code not in KIND_OF_CODE:
        return Permanent(
            f"The connector refused for a reason unknown here ({code}): copy the connector file of this OnHand into the shop.",
            reason="internal",
            status=status,
        )
    said = members.get("message")
    message = shortened(said, MESSAGE_MAX) if isinstance(said, str) else ""
    return KIND_OF_CODE[code](
        message or "The connector refused without saying why.", reason=code, **dict(_facts(members))
    )


def _facts(members: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Return the facts that an error may have besides code and message, if they have the right form."""
    for name in ("clock", "last_seq"):
        value = members.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= ID_MAX:
            yield name, value
    epoch = members.get("epoch")
    if isinstance(epoch, str):
        yield "epoch", shortened(epoch, 40)


def unbelieved(wrong: Wrong, status: int, headers: Mapping[str, str], content: bytes, now: float) -> OnHandError:
    """Return the error for an answer without a valid signature. Its content serves as advice to a person, and for nothing else."""
    if wrong.part == "missing":
        return _unsigned(status, headers, content, now)
    if wrong.part == "digest":
        return Retriable(
            f"The answer arrived cut or changed: {_how_changed(content)}.", reason="cut", received_bytes=len(content)
        )
    return Permanent(
        "The answer was not signed with the key of this cart for this request, so it was not believed: check that the address"
        " is that of this very shop, and copy its key file there again.",
        reason="signature",
        part=wrong.part,
    )


def _how_changed(content: bytes) -> str:
    if content.startswith(b"\x1f\x8b"):
        return "something in the shop or before it compresses answers without saying so; exempt onhand.php"
    if content.startswith(b"\xef\xbb\xbf"):
        return "a byte order mark stands before it, which a file of the shop prints; save that file without one"
    if not content.lstrip().startswith(b"{"):
        return "something stands before it that PHP or a program before the shop adds; see its error log"
    return "a proxy between here and the shop rewrites it"


def _refused_signature(arrived: object) -> OnHandError:
    """Return the error for a shop that did not believe a request. ``arrived``: in which state the request came to it, if it says so."""
    if arrived == "bare":
        return Permanent(
            "Something before the shop (a proxy or firewall) strips headers from requests: let Signature, Signature-Input and"
            " Content-Digest pass.",
            reason="headers",
        )
    if arrived == "changed":
        return Retriable(
            "The request arrived in the shop cut or changed: a proxy or firewall before it rewrites what is sent.",
            reason="cut",
        )
    return Permanent(
        "The shop refuses the key: onhand-key.php in the shop and the key of this cart differ. Download the key file of this"
        " cart and copy it there.",
        reason="signature",
    )


def _unsigned(status: int, headers: Mapping[str, str], content: bytes, now: float) -> OnHandError:
    said = _object(content)
    error = said.get("error")
    error = error if isinstance(error, dict) else {}
    code = error.get("code")
    if code == "signature":
        return _refused_signature(error.get("arrived"))
    lacks = error.get("lacks")
    if code == "config" and isinstance(lacks, str) and re.fullmatch(r"[a-z0-9_]{1,40}(, [a-z0-9_]{1,40}){0,20}", lacks):
        return Permanent(
            f"PHP in the shop lacks {lacks}: ask the host to allow it (disable_functions in php.ini), or to load its extension.",
            reason="config",
        )
    if isinstance(code, str) and code in UNSIGNED:
        return KIND_OF_CODE[code](UNSIGNED[code], reason=code)
    # Only a text in the form of our connector's answer can have lost its signature.
    ours = (said.get("ok") is True and not OURS.isdisjoint(said)) or (said.get("ok") is False and code in KIND_OF_CODE)
    if ours or not PROOF.isdisjoint(headers):
        return Permanent(
            "The answer came without its signature: something before the shop (a proxy or firewall) strips headers from answers."
            " Let Signature, Signature-Input and Content-Digest pass.",
            reason="headers",
        )
    return foreign(status, headers, content, now)


def _object(content: bytes) -> dict[str, object]:
    """Return the JSON object in an unbelieved answer, empty if it has none."""
    try:
        return dict(document(content))
    except (TypeError, OnHandError):
        return {}


def foreign(status: int, headers: Mapping[str, str], content: bytes, now: float) -> OnHandError:
    """Return the error for an answer that does not come from our connector. ``now`` in unix seconds."""
    if 300 <= status < 400:
        target = _place_of(headers.get("location", ""))
        return Permanent(
            f"The address redirects to {target or 'another place'}: enter the final address, or exempt onhand.php from it.",
            reason="redirect",
            status=status,
            location=target,
        )
    if status in (404, 410):
        return Permanent(
            "There is no onhand.php at this address: copy the file into the folder of the shop's index.php, and check the address.",
            reason="not_found",
            status=status,
        )
    if status in (401, 403, 405, 406):
        return Permanent(
            f"The web server itself refuses with HTTP {status} (a password, a firewall rule or file rights): exempt onhand.php.",
            reason="http",
            status=status,
        )
    if status == 413:
        return Permanent(
            "The web server refuses requests of this size: lower the batch size of this cart.",
            reason="too_large",
            status=status,
        )
    if status in (429, 503):
        return _not_now(status, headers, now)
    if status in GATEWAY:
        return Retriable(
            f"The shop's host answers with HTTP {status}: {GATEWAY[status]}. OnHand tries again automatically.",
            reason="http",
            status=status,
        )
    if status >= 400:
        return Retriable(
            f"The web server answers with HTTP {status} and not through the connector: see its error log.",
            reason="http",
            status=status,
        )
    return Permanent(
        f"The address answers with {_kind_of(headers, content)} instead of data: check that it is that of onhand.php, that PHP"
        " runs there, and that the shop is not in maintenance mode.",
        reason="html",
        status=status,
    )


def _place_of(location: str) -> str:
    """Return where a redirect leads: host and path, without a possible secret of another session."""
    try:
        target = httpx2.URL(location)
    except (httpx2.InvalidURL, ValueError):
        return ""
    return str(target.copy_with(query=None, fragment=None, userinfo=b""))[:200]


def _kind_of(headers: Mapping[str, str], content: bytes) -> str:
    """Return what answered, without quoting it: a cart's address may lead to a server that only this machine can reach, and the person who
    sets the address may have no right to read there."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    begins = content[:200].lstrip().lower()
    if not content.strip():
        return "nothing"
    if begins.startswith(b"<?php"):
        return "the source text of a PHP file"
    if kind == "text/html" or begins.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    return "plain text" if kind.startswith("text/") else "something else"


def _not_now(status: int, headers: Mapping[str, str], now: float) -> Retriable:
    """Return the error for a host that asks to wait, and perhaps says for how long."""
    what = (
        "The shop's host says that it gets too many requests (HTTP 429)"
        if status == 429
        else "The shop is closed for maintenance or overloaded (HTTP 503)"
    )
    wait = _retry_after(headers.get("retry-after", ""), now)
    when = f"OnHand tries again in {wait:,.0f} s, as it asks" if wait else "OnHand tries again automatically"
    facts = {"retry_after_seconds": wait} if wait else {}
    return Retriable(f"{what}. {when}.", reason="http", status=status, **facts)


def _retry_after(said: str, now: float) -> float:
    """Return the seconds that a Retry-After header asks for, as a number or a date; 0 if it asks for nothing that is understood."""
    if re.fullmatch(r"[0-9]{1,9}", said.strip()):
        seconds = float(said)
    else:
        try:
            seconds = parsedate_to_datetime(said.strip()).timestamp() - now
        except (ValueError, TypeError, OverflowError):
            return 0.0
    return min(max(seconds, 0.0), RETRY_AFTER_SECONDS_MAX)


def too_slow() -> OnHandError:
    """Return the error for a request that did not end by its deadline, however much of its answer had come."""
    return Retriable("The shop takes too long to answer; OnHand tries again automatically.", reason="timeout")


def on_the_way(problem: httpx2.HTTPError) -> OnHandError:
    """Return the error for a connection that failed, before or within an answer."""
    detail = shortened(str(problem), MESSAGE_MAX)
    if isinstance(problem, httpx2.ConnectTimeout):
        return Retriable("The shop's server does not answer; OnHand tries again automatically.", reason="unreachable")
    if isinstance(problem, httpx2.TimeoutException):
        return too_slow()
    if isinstance(problem, httpx2.RemoteProtocolError) and not _ended(detail):
        return Retriable(
            "What answers at the address does not keep to HTTP: check the address and its port, and what stands before the shop.",
            reason="http",
            detail=detail,
        )
    if isinstance(problem, httpx2.RemoteProtocolError | httpx2.ReadError | httpx2.WriteError | httpx2.DecodingError):
        return Retriable(
            "The connection ended in the middle of an answer; OnHand tries again automatically.",
            reason="cut",
            detail=detail,
        )
    causes = _causes(problem)
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return Permanent("The certificate of the shop is not valid: renew it there.", reason="https", detail=detail)
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return Permanent(
            "The shop does not speak HTTPS at this address: check the address and its port.",
            reason="https",
            detail=detail,
        )
    return Retriable(
        "The shop's server cannot be reached: check the address, and whether the shop is up.",
        reason="unreachable",
        detail=detail,
    )


def _ended(detail: str) -> bool:
    """Return whether the library says that the other side hung up."""
    return any(word in detail.lower() for word in ("disconnect", "closed", "without sending"))


def _causes(problem: BaseException) -> list[BaseException]:
    """Return the problem and all that led to it: the library wraps the socket's own errors twice."""
    causes: list[BaseException] = []
    cause: BaseException | None = problem
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    return causes
