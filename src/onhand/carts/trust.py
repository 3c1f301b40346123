"""Keeps the certificates that this machine trusts, read once for all shops.

Path: ``endpoint`` asks for it when it opens a client.
Promise: a change of the machine's certificates is noticed within ``TRUST_SECONDS``.
Never: weakens a check: it is the HTTP library's own default.

Reading them takes 20 ms and a megabyte. A thousand carts that each read their own would need a minute and a gigabyte to begin.
"""

from __future__ import annotations

import ssl
import threading
import time

import httpx2

TRUST_SECONDS = 3600.0

_lock = threading.Lock()
_known: dict[bool, tuple[float, ssl.SSLContext]] = {}  # when it was read, monotonic; by whether the environment counts


def context(trust_env: bool) -> ssl.SSLContext:
    """Return the TLS context for connections to shops. ``trust_env``: whether variables such as SSL_CERT_FILE count."""
    now = time.monotonic()
    with _lock:
        read_at, known = _known.get(trust_env, (now, None))
        if known is None or now - read_at >= TRUST_SECONDS:
            known = httpx2.create_ssl_context(trust_env=trust_env)
            _known[trust_env] = now, known
        return known
