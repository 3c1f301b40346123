"""Holds one person's visit to one page: who it is, what was asked and typed, and what came of it.

Path: ``site`` makes a ``Visit`` of each request and hands it to the screen's function, which answers a ``Page`` or a ``Response``.
Promise: what was typed is shown again with each fault by its field; a form that is sent twice is done once.
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
# What a refusal means to a browser.


@dataclass(frozen=True, slots=True)
class Page:
    """What a screen answers: a template with its data. ``live`` names the blocks that are drawn anew when something changed."""

    template: str
    data: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    live: tuple[str, ...] = ()
    ages: bool = False  # it shows how long ago something was, so it is drawn anew every second too
    status: int = 200


@dataclass(frozen=True, slots=True)
class Form:
    """One form on a page, as the macros draw it: what was typed into it, and what is wrong with that."""

    action: str
    csrf: str
    key: str  # names the form's next sending, so that it is done once
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
    visitor: Visitor | None = None  # None on the few pages that need no log-in
    secret: str = ""  # what the browser holds of its session
    https: bool = False
    host: str = ""  # what the browser calls us
    address: str = ""  # where the browser is
    agent: str = ""
    said: str = ""  # the sentence that goes with what was done just before
    form: dict[str, str] = field(default_factory=dict)
    form_lists: dict[str, list[str]] = field(default_factory=dict)
    uploads: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    message: str = ""  # why what was asked was not done
    current: Mapping[str, Any] = field(default_factory=dict)  # of a stale page: what is there now
    key: str = field(default_factory=lambda: secrets.token_urlsafe(16))  # of what this page's forms send next

    @property
    def csrf(self) -> str:
        """What a form must bring along to prove that a page of ours holds it."""
        return hmac.new(self.secret.encode(), b"form", hashlib.sha256).hexdigest() if self.secret else ""

    @property
    def typed(self) -> Mapping[str, str]:
        """A visit is the form of a page that has but one."""
        return self.form

    @property
    def lists(self) -> Mapping[str, list[str]]:
        return self.form_lists

    @property
    def here(self) -> str:
        """This page's address, with its query."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path

    def link(self, **changes: str | int | None) -> str:
        """This page's address with some of its query changed; None and blanks leave it out."""
        wanted = {name: str(value) for name, value in {**self.query, **changes}.items() if value not in (None, "")}
        return f"{self.path}?{urlencode(wanted)}" if wanted else self.path

    def at(self, action: str) -> Form:
        """The form of this page that is sent to ``action``. It has typed values and faults only if it comes back."""
        mine = action == self.path
        typed, lists, faults = (self.form, self.form_lists, self.faults) if mine else ({}, {}, {})
        return Form(action, self.csrf, self.key, typed, lists, faults)

    def given(self, *names: str) -> dict[str, str]:
        """The fields of the form that were filled in, as arguments of a verb."""
        return {name: value for name in names if (value := self.form.get(name, "").strip())}

    def checked(self, name: str) -> bool:
        """Whether a check box of the form was checked."""
        return bool(self.form.get(name))

    def upload(self, name: str) -> tuple[str, bytes] | None:
        """The name and content of a file that came with the form; None if none was chosen."""
        return self.uploads.get(name)

    def do(self, verb: str, /, **arguments: Any) -> Data:
        """Have a verb done as the person whose visit it is. Raises what the verb raises."""
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
        """Do what a form asks. Done: on to ``then`` with the sentence ``said``, both made from the answer. Refused: the page
        ``again`` gives, with everything typed and each fault by its field."""
        try:
            answer = self.do(verb, **arguments)
        except OnHandError as error:
            return self.refuse(error, again)
        sentence = said(answer) if callable(said) else said.format(**answer)
        return self.go(then(answer) if callable(then) else then, sentence)

    def refuse(self, error: OnHandError, again: Callable[[], Page]) -> Page:
        """The same page once more, saying what is wrong. Raises the error itself if it is nothing a person can put right here."""
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
        # What was typed must not be drawn over, and the address of a form is none to listen at: this page is not live.
        return replace(again(), status=status_of(error, status), live=(), ages=False)

    def go(self, then: str, said: str = "") -> Response:
        """Send the browser on, with a sentence for the page it comes to."""
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
        """Let the browser forget its session."""
        response = self.go(then)
        response.delete_cookie(SESSION_COOKIE)
        return response


def said_in(cookie: str) -> str:
    """The sentence in its cookie."""
    return unquote(cookie)[:SAID_LENGTH_MAX]


def within(address: str) -> str:
    """An address to go on to, if it is one of ours; else the first page."""
    try:
        split = urlsplit(address)
    except ValueError:  # it is no address
        return "/"
    ours = address.startswith("/") and not address.startswith(("//", "/\\")) and not split.scheme and not split.netloc
    return address if ours and "\\" not in address and address.isprintable() else "/"


def _silent(what: str, done: int, of: int) -> None:
    """A verb that a page waits for is quick; long ones run as tasks and tell there how far they are."""
