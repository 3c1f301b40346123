"""Says what went wrong between us and a connector, and who has to do what about it.

Path: ``endpoint`` hands over what it got instead of a believable, successful answer; the error it gets back is raised.
Promise: every failure becomes Retriable, Permanent or Conflict, with the fact ``reason`` and a sentence for the technician.
Never: takes anything but advice from an answer that was not signed, or repeats what a stranger answered.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping

import httpx2

from onhand.domain.errors import Conflict, OnHandError, Permanent, Retriable

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
}
MEMBERS = ("clock", "epoch", "last_seq")  # what an error may carry besides code and message
# Refusals that a connector may not be able to sign: it has no key, or the request did not prove that it knows it. The words are ours:
# anything may answer so, and what it says is not repeated.
UNSIGNED = {
    "config": "The connector finds no key that it understands: copy the onhand-key.php that OnHand made for this cart next to onhand.php.",
    "https": "Use the https address of this shop, or set allow_http to true in onhand-key.php.",
    "too_large": "The shop refuses requests of this size: lower the batch size of this cart.",
    "internal": "The connector failed; the details are in the web server's error log.",
}


def refusal(status: int, error: object) -> OnHandError:
    """A refusal of the connector itself: its message already says what to do."""
    members = error if isinstance(error, dict) else {}
    code = str(members.get("code", ""))
    if code not in KIND_OF_CODE:
        return Permanent(
            f"The connector refused for a reason unknown here ({code}): copy the connector file of this OnHand into the shop.",
            reason="internal",
            status=status,
        )
    message = str(members.get("message", "The connector refused without saying why."))
    facts = {name: members[name] for name in MEMBERS if name in members}
    return KIND_OF_CODE[code](message, reason=code, **facts)


def unbelieved(wrong: Wrong, content: bytes) -> OnHandError:
    """An answer without a valid signature. What it says is used for advice to a person, and for nothing else."""
    if wrong.part == "missing":
        return _unsigned(content)
    if wrong.part == "digest":
        return Retriable(
            "The answer arrived cut or changed: a proxy between here and the shop rewrites it.",
            reason="cut",
            received_bytes=len(content),
        )
    return Permanent(
        "The answer was not signed with the key of this cart for this request, so it was not believed: check that the address"
        " is that of this very shop, and copy its key file there again.",
        reason="signature",
        part=wrong.part,
    )


def _unsigned(content: bytes) -> OnHandError:
    try:
        error = json.loads(content)["error"]
        code, arrived = error["code"], error.get("arrived")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        error, code, arrived = None, None, None
    if code == "signature" and arrived == "bare":
        return Permanent(
            "Something before the shop (a proxy or firewall) strips headers from requests: let Signature, Signature-Input and"
            " Content-Digest pass.",
            reason="headers",
        )
    if code == "signature" and arrived == "changed":
        return Retriable(
            "The request arrived in the shop cut or changed: a proxy or firewall before it rewrites what is sent.",
            reason="cut",
        )
    if code == "signature":
        return Permanent(
            "The shop refuses the key: onhand-key.php in the shop and the key of this cart differ. Download the key file of this"
            " cart and copy it there.",
            reason="signature",
        )
    if isinstance(code, str) and code in UNSIGNED:
        return KIND_OF_CODE[code](UNSIGNED[code], reason=code)
    return Permanent(
        "The answer came without its signature: something before the shop (a proxy or firewall) strips headers from answers."
        " Let Signature, Signature-Input and Content-Digest pass.",
        reason="headers",
    )


def foreign(status: int, headers: Mapping[str, str], content: bytes) -> OnHandError:
    """Something that is not our connector answered."""
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
    """Where a redirect leads: host and path, without what may be a secret of somebody else's session."""
    try:
        target = httpx2.URL(location)
    except (httpx2.InvalidURL, ValueError):
        return ""
    return str(target.copy_with(query=None, fragment=None, userinfo=b""))[:200]


def _kind_of(headers: Mapping[str, str], content: bytes) -> str:
    """What answered, without a word of it: a cart's address may lead to a server that only this machine can reach, and who may set
    the address need not be one who may read there."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    begins = content[:200].lstrip().lower()
    if not content:
        return "nothing"
    if begins.startswith(b"<?php"):
        return "the source text of a PHP file"
    if kind == "text/html" or begins.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    return "plain text" if kind.startswith("text/") else "something else"


def on_the_way(problem: httpx2.HTTPError) -> OnHandError:
    """The connection failed, before or within an answer."""
    detail = str(problem)
    if isinstance(problem, httpx2.ConnectTimeout):
        return Retriable("The shop's server does not answer; it is tried again by itself.", reason="unreachable")
    if isinstance(problem, httpx2.TimeoutException):
        return Retriable("The shop takes too long to answer; it is tried again by itself.", reason="timeout")
    if isinstance(problem, httpx2.RemoteProtocolError | httpx2.ReadError | httpx2.WriteError | httpx2.DecodingError):
        return Retriable(
            "The connection ended in the middle of an answer; it is tried again by itself.", reason="cut", detail=detail
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


def _causes(problem: BaseException) -> list[BaseException]:
    """The problem and all that led to it: the library wraps the socket's own errors twice."""
    causes: list[BaseException] = []
    cause: BaseException | None = problem
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    return causes
