"""One person's visit to one page: who they are, what they asked and typed, and the result.

Path: ``site`` makes a ``Visit`` of each request and hands it to the screen's function, which returns a ``Page`` or a ``Response``.
Promise: typed text is shown again with each error by its field; a form that is sent twice is carried out once.
Never: decides what a person may do; verbs do, and the ``site`` before them.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit

from fastapi.responses import RedirectResponse, Response

from onhand.app import App
from onhand.domain.errors import OnHandError
from onhand.domain.people import Caller
from onhand.services.people import Visitor
from onhand.verbs import VERBS, run
from onhand.wire import Data, kind_of, status_of

SESSION_COOKIE = "onhand_session"
SAID_COOKIE = "onhand_said"  # the sentence that the next page shows, once
SAID_LENGTH_MAX = 300  # characters; each may be nine bytes in the cookie, which has 4 KB
SAID_SECONDS = 60
# The meaning of an error for a browser.


@dataclass(frozen=True, slots=True)
class Page:
    """The answer of a screen: a template with its data. ``live`` names the blocks that are redrawn when something changed."""

    template: str
    data: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    live: tuple[str, ...] = ()
    ages: bool = False  # it shows how long ago something was, so it is redrawn every second too
    status: int = 200


@dataclass(frozen=True, slots=True)
class Form:
    """One form on a page, as the macros draw it: the typed values, and their errors."""

    action: str
    csrf: str
    key: str  # names the form's next submission, so that it is carried out once
    typed: Mapping[str, str]
    lists: Mapping[str, list[str]]
    faults: Mapping[str, str]


@dataclass(slots=True)
class Visit:
    """One request of a browser."""

    app: App
    path: str
    query: dict[str, str]
    caller: Caller
    visitor: Visitor | None = None  # None on the few pages that need no login
    secret: str = ""  # the browser's session secret
    https: bool = False
    host: str = ""  # the browser's address for OnHand
    address: str = ""  # the browser's address
    agent: str = ""
    said: str = ""  # the sentence about what was done just before
    form: dict[str, str] = field(default_factory=dict)
    form_lists: dict[str, list[str]] = field(default_factory=dict)
    uploads: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    message: str = ""  # why the request was not carried out
    current: Mapping[str, Any] = field(default_factory=dict)  # for a stale page: the present values
    key: str = field(default_factory=lambda: secrets.token_urlsafe(16))  # begins the keys of this page's forms

    @property
    def csrf(self) -> str:
        """Return what a form must contain to prove that it comes from our own page."""
        return hmac.new(self.secret.encode(), b"form", hashlib.sha256).hexdigest() if self.secret else ""

    @property
    def typed(self) -> Mapping[str, str]:
        """Return the typed values; a visit is the form of a page that has only one."""
        return self.form

    @property
    def lists(self) -> Mapping[str, list[str]]:
        return self.form_lists

    @property
    def here(self) -> str:
        """Return this page's address, with its query."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path

    def link(self, **changes: str | int | None) -> str:
        """Return this page's address with some of its query changed; None and blanks leave it out."""
        wanted = {name: str(value) for name, value in {**self.query, **changes}.items() if value not in (None, "")}
        return f"{self.path}?{urlencode(wanted)}" if wanted else self.path

    def at(self, action: str) -> Form:
        """Return the form of this page that is sent to ``action``. It has typed values and errors only if it comes back."""
        mine = action == self.path
        typed, lists, faults = (self.form, self.form_lists, self.faults) if mine else ({}, {}, {})
        return Form(action, self.csrf, self.key, typed, lists, faults)

    def given(self, *names: str) -> dict[str, str]:
        """Return the fields of the form that were filled in, as arguments of a verb."""
        return {name: value for name in names if (value := self.form.get(name, "").strip())}

    def checked(self, name: str) -> bool:
        """Return whether a check box of the form was checked."""
        return bool(self.form.get(name))

    def upload(self, name: str) -> tuple[str, bytes] | None:
        """Return the name and content of a file that came with the form; None if none was chosen."""
        return self.uploads.get(name)

    def do(self, verb: str, /, **arguments: Any) -> Data:
        """Run a verb as the person of this visit. Raise what the verb raises."""
        key = self.form.get("key") if VERBS[verb].books else None
        return run(self.app, verb, arguments, _silent, self.caller, key or None)

    def submit(
        self,
        verb: str,
        arguments: Mapping[str, Any],
        *,
        again: Callable[[], Page],
        then: str | Callable[[Data], str],
        said: str | Callable[[Data], str] = "",
    ) -> Page | Response:
        """Carry out a form. On success: go to ``then`` with the sentence ``said``, both made from the answer. On an error: return the page
        from ``again``, with all typed values and each error by its field."""
        try:
            answer = self.do(verb, **arguments)
        except OnHandError as error:
            return self.refuse(error, again)
        sentence = said(answer) if callable(said) else said.format(**answer)
        return self.go(then(answer) if callable(then) else then, sentence)

    def refuse(self, error: OnHandError, again: Callable[[], Page]) -> Page:
        """Return the same page with its errors. Raise the error itself if a person cannot correct it here."""
        status = kind_of(error).form
        if status is None:
            raise error
        wrong = error.facts.get("arguments")
        if isinstance(wrong, list):
            self.faults |= {str(fault["argument"]): str(fault["fault"]) for fault in wrong}
        else:
            self.faults |= dict.fromkeys(error.facts.keys() & self.form.keys() - {"key", "csrf"}, error.message)
        unplaced = [text for name, text in self.faults.items() if name not in self.form and name not in self.uploads]
        hint = f" ({'; '.join(unplaced)})" if unplaced else ""
        self.message = (
            f"Nothing was saved. Correct the fields below.{hint}" if isinstance(wrong, list) else error.message
        )
        current = error.facts.get("current")
        self.current = current if isinstance(current, Mapping) else {}
        # Typed text must not be redrawn, and a form's address has no page: this page is not live.
        return replace(again(), status=status_of(error, status), live=(), ages=False)

    def go(self, then: str, said: str = "") -> Response:
        """Redirect the browser, with a sentence for the next page."""
        response = RedirectResponse(then, status_code=303)
        if said:
            response.set_cookie(
                SAID_COOKIE,
                quote(said[:SAID_LENGTH_MAX]),
                max_age=SAID_SECONDS,
                httponly=True,
                samesite="lax",
                secure=self.https,
            )
        return response

    def enter(self, secret: str, then: str) -> Response:
        """Let the browser keep the secret of its new session."""
        response = self.go(then)
        response.set_cookie(SESSION_COOKIE, secret, httponly=True, samesite="lax", secure=self.https)
        return response

    def leave(self, then: str) -> Response:
        """Let the browser delete its session."""
        response = self.go(then)
        response.delete_cookie(SESSION_COOKIE)
        return response


def said_in(cookie: str) -> str:
    """Return the sentence in the browser's cookie."""
    return unquote(cookie)[:SAID_LENGTH_MAX]


def within(address: str) -> str:
    """Return an address to go to next, if it is on this server; else the first page."""
    try:
        split = urlsplit(address)
    except ValueError:  # not an address
        return "/"
    ours = address.startswith("/") and not address.startswith(("//", "/\\")) and not split.scheme and not split.netloc
    return address if ours and "\\" not in address and address.isprintable() else "/"


def _silent(what: str, done: int, of: int) -> None:
    """Ignore progress: a verb that a page waits for is quick; long ones run as tasks and report progress there."""
