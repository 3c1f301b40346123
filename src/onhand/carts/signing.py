"""Signs and checks the messages of the connector's protocol in both directions, and writes the key file for a shop.

Path: ``endpoint`` signs requests and checks answers; a connector written in Python checks requests and signs answers.
Promise: an answer is accepted only for the very request it answers; secrets are compared in constant time.
Never: reads a clock or a socket; never logs or prints a secret.

The shape is that of RFC 9421 with fixed components, so there is nothing to negotiate and no parser to fool: a header is
either exactly as expected or wrong.

A short signature is the same signature in one header, ``OnHand``, without what the other side can work out: the digest of the
body and the fixed parts of ``Signature-Input``. It is spelled out again before it is checked.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

SKEW_SECONDS = 300  # how far the two clocks may differ
REQUEST_COVERS = '("@method" "@path" "content-digest")'
ANSWER_COVERS = '("@status" "content-digest" "signature";req;key="onhand")'

KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
SECRET = re.compile(r"[0-9a-fA-F]{64}")
PREFIX = re.compile(r"[A-Za-z0-9_]{0,40}")
HINT = re.compile(r"https?://[A-Za-z0-9.:\[\]-]{1,210}/hint/[0-9]{1,9}")
SIGNATURE = re.compile(r"onhand=(:[A-Za-z0-9+/=]{1,100}:)")
SHORT_ANSWER = re.compile(r"([0-9]{1,12}) ([A-Za-z0-9+/=]{1,100})")


class Wrong(Exception):
    """A signature that cannot be believed. ``part`` says which part: ``missing``, ``malformed``, ``key``, ``digest`` or ``signature``."""

    def __init__(self, part: str) -> None:
        super().__init__(part)
        self.part = part


def new_key() -> tuple[str, str]:
    """Return a new (key id, secret as 64 hexadecimal digits)."""
    return f"onhand-{secrets.token_hex(4)}", secrets.token_hex(32)


def key_file(key_id: str, secret_hex: str, allow_http: bool, prefix: str, hint_url: str = "") -> str:
    """Return the text of ``onhand-key.php``; ``hint_url`` is where the shop may report a sale. Raise ValueError if a part does not have its
    form: it becomes PHP source."""
    for value, form in ((key_id, KEY_ID), (secret_hex, SECRET), (prefix, PREFIX)):
        if not form.fullmatch(value):
            raise ValueError(
                "A key file needs a key id of 1 to 40 letters, digits, _ or -, 64 hexadecimal digits, and a plain prefix."
            )
    if hint_url and not HINT.fullmatch(hint_url):
        raise ValueError("A hint goes to http:// or https://, a host, and /hint/ with the cart's number.")
    hint = f"    'hint_url' => '{hint_url}',\n" if hint_url else ""
    return (
        "<?php\n"
        "// The key of this shop's OnHand connector. Anyone who has it can change stock: keep it secret.\n"
        "return array(\n"
        f"    'key_id' => '{key_id}',\n"
        f"    'secret' => '{secret_hex}',\n"
        f"    'allow_http' => {'true' if allow_http else 'false'},\n"
        f"    'prefix' => '{prefix}',\n"
        f"{hint}"
        ");\n"
    )


def digest(body: bytes) -> str:
    """Return the value of a Content-Digest header."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


@dataclass(frozen=True, slots=True)
class Key:
    """One shop's key. Header names are lower case in every mapping, given or returned."""

    key_id: str
    secret: bytes = field(repr=False)

    @classmethod
    def of(cls, key_id: str, secret_hex: str) -> Key:
        """Return the key. Raise ValueError if either part does not have its form."""
        if not KEY_ID.fullmatch(key_id) or not SECRET.fullmatch(secret_hex):
            raise ValueError(
                "A key needs an id of 1 to 40 letters, digits, _ or -, and a secret of 64 hexadecimal digits."
            )
        return cls(key_id, bytes.fromhex(secret_hex))

    def sign_request(self, path: str, body: bytes, created: int) -> dict[str, str]:
        """Return the headers that make a POST of ``body`` to ``path`` authentic. ``created`` in unix seconds."""
        body_digest = digest(body)
        parameters = self._parameters(REQUEST_COVERS, created)
        signature = self._sign(f'"@method": POST\n"@path": {path}\n"content-digest": {body_digest}\n', parameters)
        return _headers(body_digest, parameters, signature)

    def short_request(self, signed: Mapping[str, str], created: int) -> dict[str, str]:
        """Return the one header that says what these headers of ``sign_request`` say."""
        return {"onhand": f"{created} {self.key_id} {_bare_signature(signed).strip(':')}"}

    def check_request(self, path: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Return when the request was made, in unix seconds. Raise Wrong; the caller judges the age."""
        body_digest, parameters, signature, created = self._read(REQUEST_COVERS, headers)
        expected = self._sign(f'"@method": POST\n"@path": {path}\n"content-digest": {body_digest}\n', parameters)
        self._compare(expected, signature, body, body_digest)
        return created

    def sign_answer(self, request: Mapping[str, str], status: int, body: bytes, created: int) -> dict[str, str]:
        """Return the headers that make an answer authentic for the request with the given headers."""
        body_digest = digest(body)
        parameters = self._parameters(ANSWER_COVERS, created)
        signature = self._sign(_answer_base(status, body_digest, _bare_signature(request)), parameters)
        return _headers(body_digest, parameters, signature)

    def check_answer(self, request: Mapping[str, str], status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """Raise Wrong unless the answer was made with this key for the request with the given headers, spelled out."""
        if short := SHORT_ANSWER.fullmatch(headers.get("onhand", "")):
            headers = _headers(digest(body), self._parameters(ANSWER_COVERS, int(short[1])), f":{short[2]}:")
        body_digest, parameters, signature, _ = self._read(ANSWER_COVERS, headers)
        expected = self._sign(_answer_base(status, body_digest, _bare_signature(request)), parameters)
        self._compare(expected, signature, body, body_digest)

    def _parameters(self, covers: str, created: int) -> str:
        return f'{covers};created={created};keyid="{self.key_id}";alg="hmac-sha256"'

    def _sign(self, base: str, parameters: str) -> str:
        text = f'{base}"@signature-params": {parameters}'
        return f":{base64.b64encode(hmac.digest(self.secret, text.encode(), 'sha256')).decode()}:"

    def _read(self, covers: str, headers: Mapping[str, str]) -> tuple[str, str, str, int]:
        """Return digest, parameters, signature and time from the three headers."""
        if any(name not in headers for name in ("content-digest", "signature-input", "signature")):
            raise Wrong("missing")
        label, _, parameters = headers["signature-input"].partition("=")
        form = re.escape(covers) + r';created=([0-9]{1,12});keyid="([A-Za-z0-9_-]{1,40})";alg="hmac-sha256"'
        match = re.fullmatch(form, parameters)
        if label != "onhand" or match is None:
            raise Wrong("malformed")
        if match[2] != self.key_id:
            raise Wrong("key")
        return headers["content-digest"], parameters, _bare_signature(headers), int(match[1])

    @staticmethod
    def _compare(expected: str, signature: str, body: bytes, body_digest: str) -> None:
        if not hmac.compare_digest(expected, signature):
            raise Wrong("signature")
        if not hmac.compare_digest(digest(body).encode(), body_digest.encode()):
            raise Wrong("digest")


def is_signed(headers: Mapping[str, str]) -> bool:
    """Return whether an answer has a signature, right or wrong."""
    return "signature" in headers or SHORT_ANSWER.fullmatch(headers.get("onhand", "")) is not None


def takes_short(headers: Mapping[str, str]) -> bool:
    """Return whether an answer says that its connector understands short signatures."""
    return headers.get("onhand") == "short" or SHORT_ANSWER.fullmatch(headers.get("onhand", "")) is not None


def _bare_signature(headers: Mapping[str, str]) -> str:
    match = SIGNATURE.fullmatch(headers.get("signature", ""))
    if match is None:
        raise Wrong("malformed")
    return match[1]


def _headers(body_digest: str, parameters: str, signature: str) -> dict[str, str]:
    return {
        "content-digest": body_digest,
        "signature-input": f"onhand={parameters}",
        "signature": f"onhand={signature}",
    }


def _answer_base(status: int, body_digest: str, request_signature: str) -> str:
    return f'"@status": {status}\n"content-digest": {body_digest}\n"signature";req;key="onhand": {request_signature}\n'
