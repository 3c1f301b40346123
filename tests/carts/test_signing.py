"""Compares our signatures with those of an independent implementation of RFC 9421, and our key files with PHP.

Path: pytest.
Promise: the oracle is the library http-message-signatures, which knows nothing of this project.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import subprocess

import http_sf
import pytest
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, HTTPSignatureKeyResolver
from http_message_signatures.algorithms import HMAC_SHA256

from onhand.carts.signing import Key, Wrong, digest, key_file, new_key

NOW = 1_790_000_000
BODY = b'{"verb":"hello"}'
PATH = "/catalog/on%20hand.php"
KEY = Key.of("shop-1", "0f" * 32)


class Resolver(HTTPSignatureKeyResolver):
    def resolve_public_key(self, key_id):
        return KEY.secret

    resolve_private_key = resolve_public_key


class Message:
    """The little of a request or an answer that the library reads."""

    def __init__(self, headers, *, request=None, status_code=None):
        self.headers, self.request = headers, request
        self.method, self.url, self.body = "POST", f"https://shop.example{PATH}", BODY
        if status_code is not None:
            self.status_code = status_code
            del self.method


def sign_by_library(covers, headers, **more):
    message = Message(dict(headers), **more)
    HTTPMessageSigner(signature_algorithm=HMAC_SHA256, key_resolver=Resolver()).sign(
        message,
        key_id=KEY.key_id,
        label="onhand",
        created=datetime.datetime.fromtimestamp(NOW, datetime.UTC),
        covered_component_ids=covers,
    )
    return {name.lower(): value for name, value in message.headers.items()}


def same_members(ours, theirs):
    return http_sf.parse(ours.encode(), tltype="dictionary") == http_sf.parse(theirs.encode(), tltype="dictionary")
