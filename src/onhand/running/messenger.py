"""Sends webhook messages to other servers: one POST each, over HTTP.

Path: ``app`` makes one; ``services.webhooks`` gives it messages; ``verbs.webhooks`` checks addresses.
Promise: a message takes ``DEADLINE_SECONDS`` at most, or a little more if the answer is slow; sending raises nothing.
Never: follows a redirect, or reads more than ``ANSWER_BYTES``.

An address inside the local network is allowed: an administrator sets it, and the receiver may be there.
"""

from __future__ import annotations

import base64
import secrets
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress

import httpx2

from onhand import __version__
from onhand.domain.addresses import is_loopback
from onhand.domain.errors import Refused
from onhand.domain.webhooks import SECRET_PREFIX, URL_LENGTH_MAX, Answer

DEADLINE_SECONDS = 10.0
ANSWER_BYTES = 1024
WORDS_MAX = 300  # characters kept of an answer


class HttpMessenger:
    """A messenger over HTTP; implements ``services.ports.Messenger``. Several threads can use it."""

    def __init__(self, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self._deadline_seconds = deadline_seconds

    def deliver(self, url: str, headers: Mapping[str, str], body: str) -> Answer:
        """Send one POST on a new connection. Return the answer, or the reason why there is none."""
        give_up_at = time.monotonic() + self._deadline_seconds
        sent = {"content-type": "application/json", "user-agent": f"OnHand/{__version__}", **headers}
        try:
            with (
                httpx2.Client(
                    timeout=self._deadline_seconds,
                    follow_redirects=False,
                    trust_env=not is_loopback(httpx2.URL(url).host),  # do not reach this machine through a proxy
                    headers={"accept-encoding": "identity"},  # read the answer as it was sent
                ) as client,
                client.stream("POST", url, content=body.encode(), headers=sent) as answer,
            ):
                return Answer(answer.status_code, _words(answer, give_up_at))
        except httpx2.TimeoutException:
            return Answer(None, f"No answer within {self._deadline_seconds:g} seconds.")
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            return Answer(None, _trouble(error))


def check_address(url: str, allow_http: bool) -> str:
    """Return the address without surrounding spaces if a webhook may send to it. Raise Refused."""
    url = url.strip()
    try:
        address = httpx2.URL(url)
    except httpx2.InvalidURL:
        address = httpx2.URL("")
    if address.scheme not in {"http", "https"} or not address.host or len(url) > URL_LENGTH_MAX:
        raise Refused(
            f"{url[:100]!r} is not a full address: enter one such as https://example.com/onhand.", url=url[:100]
        )
    if address.userinfo or address.fragment:
        raise Refused(
            "An address with a name, a password or # cannot be used: leave them out, because messages are signed instead.",
            url=address.host,
        )
    if address.scheme == "http" and not allow_http and not is_loopback(address.host):
        raise Refused(f"{url!r} is not secure: enter an https address, or allow plain HTTP for this webhook.", url=url)
    return url


def new_secret() -> str:
    """Return a new secret, in the form of Standard Webhooks."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def _words(answer: httpx2.Response, give_up_at: float) -> str:
    """Return the status and the beginning of an answer, for troubleshooting."""
    said = bytearray()
    with suppress(httpx2.HTTPError):  # the status arrived, and that is enough
        for part in answer.iter_raw():
            said += part
            if len(said) >= ANSWER_BYTES or time.monotonic() > give_up_at:
                break
    text = " ".join(said[:ANSWER_BYTES].decode(errors="replace").split())
    shown = "".join(letter for letter in text if letter.isprintable())[:WORDS_MAX]
    where = f" to {answer.headers['location'][:WORDS_MAX]}" if answer.is_redirect else ""
    return f"{answer.status_code} {answer.reason_phrase}{where}{': ' + shown if shown else ''}"


def _trouble(error: Exception) -> str:
    if isinstance(error, httpx2.ConnectError):
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, ssl.SSLError):
            cause = cause.__cause__ or cause.__context__
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"Its certificate was not accepted: {cause.verify_message}."
        return f"Nothing answers at this address: {error}."
    return f"The answer was cut off: {str(error) or type(error).__name__}."
