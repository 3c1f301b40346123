"""Checks the signatures of requests and signs answers, as section 2 of the protocol has it, on the shop's side.

Path: ``connector`` asks before it reads a request, and again before an answer goes out.
Promise: a wrong key, name, digest or form all end alike and take the same time; an answer is tied to its request.
Never: shares code with the client that signs requests: this is the other reading of the same page.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_INPUT = re.compile(
    r'onhand=(\("@method" "@path" "content-digest"\)'
    r';created=([0-9]{1,12});keyid="([A-Za-z0-9_-]{1,40})";alg="hmac-sha256")'
)
_SIGNATURE = re.compile(r"onhand=(:[A-Za-z0-9+/]{43}=:)")
_DIGEST = re.compile(r"sha-256=:[A-Za-z0-9+/]{43}=:")
_SHORT = re.compile(r"([0-9]{1,12}) ([A-Za-z0-9_-]{1,40}) ([A-Za-z0-9+/]{43}=)")
_SECRET = re.compile(r"[0-9A-Fa-f]{64}")
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")


@dataclass(frozen=True, slots=True)
class Key:
    """A key id and its 32 bytes."""

    key_id: str
    secret: bytes

    @classmethod
    def of(cls, key_id: str, secret_hex: str) -> Key:
        """Return the key. Raise ``ValueError`` if the two do not have the form of the protocol."""
        if not _KEY_ID.fullmatch(key_id):
            raise ValueError("Give a key id of 1 to 40 letters, digits, '_' or '-'.")
        if not _SECRET.fullmatch(secret_hex):
            raise ValueError("Give a secret of 64 hexadecimal digits.")
        return cls(key_id, bytes.fromhex(secret_hex))


@dataclass(frozen=True, slots=True)
class Seal:
    """The verified signature of a request: what its answer has to cover, and when the request was made."""

    signature: str  # with its colons, as in the header
    created: int
    short: bool = False  # whether it came in one header, and is answered in one


@dataclass(frozen=True, slots=True)
class _Claim:
    """What the headers of a request say, before any of it is checked."""

    seal: Seal
    key_id: str
    params: str
    digest: str


def check(key: Key, method: str, path: str, headers: Mapping[str, Sequence[str]], body: bytes | None) -> Seal | None:
    """Return the seal of a request that was signed with ``key``, else None. ``headers`` has lower-case names.

    ``body`` None means one that was too large to keep: its headers are still checked, its digest cannot be.
    """
    claim = _long(headers) or (_short(headers, body) if body is not None else None)
    if claim is None:
        return None
    lines = (
        f'"@method": {method}',
        f'"@path": {path}',
        f'"content-digest": {claim.digest}',
        f'"@signature-params": {claim.params}',
    )
    # All are checked before any is believed, so that the time taken does not show which of them was wrong.
    right = hmac.compare_digest(_mac(key, lines).encode(), claim.seal.signature.encode())
    right &= hmac.compare_digest(claim.key_id.encode(), key.key_id.encode())
    if body is not None:
        right &= hmac.compare_digest(digest_of(body).encode(), claim.digest.encode())
    return claim.seal if right else None


def _long(headers: Mapping[str, Sequence[str]]) -> _Claim | None:
    """Return what the three headers of RFC 9421 say; None if one is missing or has another form."""
    declared = _only(_INPUT, headers.get("signature-input"))
    signed = _only(_SIGNATURE, headers.get("signature"))
    digest = _only(_DIGEST, headers.get("content-digest"))
    if declared is None or signed is None or digest is None:
        return None
    params, created, key_id = declared.groups()
    return _Claim(Seal(signed.group(1), int(created)), key_id, params, digest.group())


def _short(headers: Mapping[str, Sequence[str]], body: bytes) -> _Claim | None:
    """Return what a short signature says: the rest is known, or follows from the body."""
    signed = _only(_SHORT, headers.get("onhand"))
    if signed is None:
        return None
    created, key_id, signature = signed.groups()
    params = f'("@method" "@path" "content-digest");created={created};keyid="{key_id}";alg="hmac-sha256"'
    return _Claim(Seal(f":{signature}:", int(created), short=True), key_id, params, digest_of(body))


def claimed(headers: Mapping[str, Sequence[str]]) -> Seal | None:
    """Return the seal that a request claims to have, unchecked: only good for tying a refusal to it."""
    claim = _long(headers)
    return claim.seal if claim else None


def answer_headers(key: Key, seal: Seal, status: int, body: bytes, now: int) -> dict[str, str]:
    """Return the headers that sign an answer to the request with that seal: one if it was signed in short, else four."""
    digest = digest_of(body)
    params = (
        f'("@status" "content-digest" "signature";req;key="onhand")'
        f';created={now};keyid="{key.key_id}";alg="hmac-sha256"'
    )
    lines = (
        f'"@status": {status}',
        f'"content-digest": {digest}',
        f'"signature";req;key="onhand": {seal.signature}',
        f'"@signature-params": {params}',
    )
    signature = _mac(key, lines)
    if seal.short:
        return {"OnHand": f"{now} {signature.strip(':')}"}
    return {
        "Content-Digest": digest,
        "Signature-Input": f"onhand={params}",
        "Signature": f"onhand={signature}",
        "OnHand": "short",
    }


def digest_of(body: bytes) -> str:
    """Return the value of the Content-Digest header for a body."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def _mac(key: Key, lines: Sequence[str]) -> str:
    # Paths arrive decoded as Latin-1, so this gives back the exact bytes of the request line.
    base = "\n".join(lines).encode("latin-1", "replace")
    return f":{base64.b64encode(hmac.digest(key.secret, base, 'sha256')).decode()}:"


def _only(form: re.Pattern[str], values: Sequence[str] | None) -> re.Match[str] | None:
    """Return the match of a header that came exactly once and has exactly that form."""
    return form.fullmatch(values[0]) if values is not None and len(values) == 1 else None
