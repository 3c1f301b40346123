"""Carries webhooks' messages to other people's servers: one POST each, over HTTP.

Path: ``app`` makes one; ``services.webhooks`` hands it messages; ``verbs.webhooks`` asks whether an address will do.
Promise: a message takes ``DEADLINE_SECONDS`` at most, or a little more where the answer trickles; nothing is raised.
Never: follows a redirect, or reads more than ``ANSWER_BYTES``.

An address inside one's own network is possible: an administrator sets it, and may have his stock server there.
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
WORDS_MAX = 300  # characters of an answer that are kept


class HttpMessenger:
    """Sends over HTTP; implements ``services.ports.Messenger``. Safe for use by several threads."""

    def __init__(self, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self._deadline_seconds = deadline_seconds

    def deliver(self, url: str, headers: Mapping[str, str], body: str) -> Answer:
        """One POST on a connection of its own; what was answered, or why nothing was."""
        give_up_at = time.monotonic() + self._deadline_seconds
        sent = {"content-type": "application/json", "user-agent": f"OnHand/{__version__}", **headers}
        try:
            with (
                httpx2.Client(
                    timeout=self._deadline_seconds,
                    follow_redirects=False,
                    trust_env=not is_loopback(
                        httpx2.URL(url).host
                    ),  # a proxy of this machine is no way to this machine
                    headers={"accept-encoding": "identity"},  # so that what is read is what came
                ) as client,
                client.stream("POST", url, content=body.encode(), headers=sent) as answer,
            ):
                return Answer(answer.status_code, _words(answer, give_up_at))
        except httpx2.TimeoutException:
            return Answer(None, f"No answer within {self._deadline_seconds:g} seconds.")
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            return Answer(None, _trouble(error))


def check_address(url: str, allow_http: bool) -> str:
    """The address without outer blanks, if a webhook may be sent there. Raises Refused."""
    url = url.strip()
    try:
        address = httpx2.URL(url)
    except httpx2.InvalidURL:
        address = httpx2.URL("")
    if address.scheme not in {"http", "https"} or not address.host or len(url) > URL_LENGTH_MAX:
        raise Refused("Enter the full address of the receiver, like https://example.com/onhand.", url=url[:100])
    if address.userinfo or address.fragment:
        raise Refused("Leave name, password and # out of the address: messages are signed instead.", url=address.host)
    if address.scheme == "http" and not allow_http and not is_loopback(address.host):
        raise Refused("Enter an https address, or allow plain HTTP for this webhook in writing.", url=url)
    return url


def new_secret() -> str:
    """A fresh secret, in the form receivers of Standard Webhooks expect."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def _words(answer: httpx2.Response, give_up_at: float) -> str:
    """Status and the beginning of an answer, for the person who looks for the fault."""
    said = bytearray()
    with suppress(httpx2.HTTPError):  # the status has come, and that is the answer
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
            return f"Its certificate is not accepted: {cause.verify_message}."
        return f"Nothing answers at this address: {error}."
    return f"The answer broke off: {str(error) or type(error).__name__}."
