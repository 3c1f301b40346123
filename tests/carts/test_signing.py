"""Compares our signatures with those of an independent implementation of RFC 9421, and our key files with PHP's reading.

Path: pytest.
Promise: the oracle is the library http-message-signatures, which knows nothing of this project.
Never: asks our own code both questions, where the oracle can answer one.
"""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import time
from types import SimpleNamespace

import pytest
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, HTTPSignatureKeyResolver
from http_message_signatures.algorithms import HMAC_SHA256
from http_message_signatures.exceptions import InvalidSignature

from onhand.carts.signing import Key, Wrong, is_signed, key_file, new_key, takes_short

BODY = b'{"verb":"hello"}'
PATH = "/catalog/on%20hand.php"
KEY = Key.of("shop-1", "0f" * 32)
REQUEST_COVERS = ("@method", "@path", "content-digest")
ANSWER_COVERS = ("@status", "content-digest", '"signature";req;key="onhand"')


class Keys(HTTPSignatureKeyResolver):
    def resolve_public_key(self, key_id):
        return {"shop-1": KEY.secret}[key_id]

    resolve_private_key = resolve_public_key


def request(headers):
    return SimpleNamespace(method="POST", url=f"https://shop.example{PATH}?ignored=1", headers=dict(headers))


def answer(headers, status, to):
    return SimpleNamespace(status_code=status, headers=dict(headers), request=to)


def verify(message, body, covers):
    verifier = HTTPMessageVerifier(signature_algorithm=HMAC_SHA256, key_resolver=Keys())
    return verifier.verify(message, body=body, require_components=covers)


def sign(message, covers):
    HTTPMessageSigner(signature_algorithm=HMAC_SHA256, key_resolver=Keys()).sign(
        message,
        key_id=KEY.key_id,
        label="onhand",
        created=dt.datetime.now(dt.UTC),
        covered_component_ids=covers,
        use_existing_digest=True,
    )
    return {name.lower(): value for name, value in message.headers.items()}


@pytest.fixture
def now():
    return int(time.time())


def test_the_library_accepts_our_requests(now):
    signed = KEY.sign_request(PATH, BODY, now)
    (result,) = verify(request(signed), BODY, REQUEST_COVERS)
    assert result.parameters["keyid"] == "shop-1"
    with pytest.raises(InvalidSignature):
        verify(request(signed), BODY + b" ", REQUEST_COVERS)


def test_the_library_accepts_our_answers(now):
    signed = KEY.sign_request(PATH, BODY, now)
    headers = KEY.sign_answer(signed, 409, b'{"ok":false}', now)
    assert verify(answer(headers, 409, request(signed)), b'{"ok":false}', ANSWER_COVERS)
    other = request(KEY.sign_request(PATH, BODY, now - 1))
    with pytest.raises(InvalidSignature):
        verify(answer(headers, 409, other), b'{"ok":false}', ANSWER_COVERS)


def test_we_accept_the_librarys_requests_and_answers(now):
    digest = KEY.sign_request(PATH, BODY, now)["content-digest"]
    asked = request({"content-digest": digest})
    signed = sign(asked, REQUEST_COVERS)
    assert abs(KEY.check_request(PATH, BODY, signed) - now) < 5
    headers = sign(answer({"content-digest": digest}, 200, asked), ANSWER_COVERS)
    KEY.check_answer(signed, 200, BODY, headers)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"path": "/onhand.php"}, "signature"),
        ({"body": b"{}"}, "digest"),
        ({"signature": "onhand=:AAAA:"}, "signature"),
        ({"signature": "other=:AAAA:"}, "malformed"),
        ({"signature": None}, "missing"),
        ({"signature-input": "onhand=nonsense"}, "malformed"),
        ({"content-digest": "sha-256=:AAAA:"}, "signature"),
        ({"content-digest": "sha-256=:ä:"}, "signature"),
    ],
)
def test_whatever_is_changed_is_noticed(now, change, part):
    signed = KEY.sign_request(PATH, BODY, now)
    path, body = change.pop("path", PATH), change.pop("body", BODY)
    headers = {name: value for name, value in {**signed, **change}.items() if value is not None}
    with pytest.raises(Wrong) as wrong:
        KEY.check_request(path, body, headers)
    assert wrong.value.part == part


def test_another_key_id_is_noticed(now):
    with pytest.raises(Wrong) as wrong:
        Key.of("shop-2", "0f" * 32).check_request(PATH, BODY, KEY.sign_request(PATH, BODY, now))
    assert wrong.value.part == "key"


def test_a_request_is_no_answer_to_itself(now):
    signed = KEY.sign_request(PATH, BODY, now)
    with pytest.raises(Wrong):
        KEY.check_answer(signed, 200, BODY, signed)


def test_an_answer_with_another_status_is_not_believed(now):
    signed = KEY.sign_request(PATH, BODY, now)
    with pytest.raises(Wrong):
        KEY.check_answer(signed, 409, BODY, KEY.sign_answer(signed, 200, BODY, now))


def test_a_short_signature_says_what_the_long_one_says(now):
    signed = KEY.sign_request(PATH, BODY, now)
    created, key_id, signature = KEY.short_request(signed, now)["onhand"].split(" ")
    assert signed["signature-input"].endswith(f';created={created};keyid="{key_id}";alg="hmac-sha256"')
    assert signed["signature"] == f"onhand=:{signature}:"
    long = KEY.sign_answer(signed, 200, BODY, now)
    short = {"onhand": f"{now} {long['signature'].removeprefix('onhand=').strip(':')}"}
    KEY.check_answer(signed, 200, BODY, short)
    for request, status, body in ((signed, 409, BODY), (signed, 200, BODY + b" ")):
        with pytest.raises(Wrong):
            KEY.check_answer(request, status, body, short)
    with pytest.raises(Wrong):
        KEY.check_answer(KEY.sign_request(PATH, BODY, now - 1), 200, BODY, short)


@pytest.mark.parametrize(
    ("headers", "signed", "understood"),
    [
        ({}, False, False),
        ({"onhand": "short"}, False, True),
        ({"signature": "x", "onhand": "short"}, True, True),
        ({"signature": "x"}, True, False),
        ({"onhand": "1 AAAA="}, True, True),
        ({"onhand": "1 key AAAA="}, False, False),
    ],
)
def test_an_answer_says_whether_it_is_signed_and_short_signatures_are_understood(headers, signed, understood):
    assert (is_signed(headers), takes_short(headers)) == (signed, understood)


def test_new_keys_are_new_and_well_formed():
    keys = {new_key() for _ in range(20)}
    assert len(keys) == 20
    for key_id, secret_hex in keys:
        assert len(Key.of(key_id, secret_hex).secret) == 32


def test_a_secret_is_never_shown():
    assert "0f0f" not in repr(KEY)
    assert "\\x0f" not in repr(KEY)


@pytest.mark.parametrize(
    ("key_id", "secret_hex"),
    [("", "0f" * 32), ("a b", "0f" * 32), ("a" * 41, "0f" * 32), ("a", "0f" * 31), ("a", "zz" * 32)],
)
def test_malformed_keys_are_refused(key_id, secret_hex):
    with pytest.raises(ValueError):
        Key.of(key_id, secret_hex)
    with pytest.raises(ValueError):
        key_file(key_id, secret_hex, allow_http=False, prefix="")


def test_a_prefix_cannot_smuggle_php_into_a_key_file():
    with pytest.raises(ValueError):
        key_file("a", "0f" * 32, allow_http=False, prefix="'.phpinfo().'")


@pytest.mark.parametrize(
    "hint_url",
    ["https://onhand.example", "https://onhand.example/hint/", "https://on'hand.example/hint/1", "hint/1",
     "https://onhand.example/hint/1'.phpinfo().'", "https://onhand.example/x/hint/1", "file:///hint/1"],
)  # fmt: skip
def test_neither_can_an_address_for_hints(hint_url):
    with pytest.raises(ValueError):
        key_file("a", "0f" * 32, allow_http=False, prefix="", hint_url=hint_url)


@pytest.mark.servers
@pytest.mark.parametrize(("allow_http", "prefix"), [(False, ""), (True, "zen_")])
@pytest.mark.parametrize("hint_url", ["", "https://onhand.example:8443/hint/12", "http://[::1]/hint/3"])
def test_php_reads_a_key_file_as_meant(tmp_path, allow_http, prefix, hint_url):
    key_id, secret_hex = new_key()
    file = tmp_path / "onhand-key.php"
    file.write_text(key_file(key_id, secret_hex, allow_http=allow_http, prefix=prefix, hint_url=hint_url))
    shown = subprocess.run(
        ["php", "-r", f"echo json_encode(include '{file}');"], capture_output=True, check=True
    ).stdout
    meant = {"key_id": key_id, "secret": secret_hex, "allow_http": allow_http, "prefix": prefix}
    assert json.loads(shown) == meant | ({"hint_url": hint_url} if hint_url else {})
