"""Login and logout, and the one-time link with which a password is chosen.

Path: every page sends a browser without a session to ``/login``; a link made by an administrator, or at the first start, is a ``/begin``.
Promise: a wrong name and a wrong password get the same answer; a link works once.
Never: shows anything of the store.
"""

from __future__ import annotations

from fastapi.responses import Response

from onhand.domain.errors import OnHandError, Refused
from onhand.domain.people import Scope
from onhand.services import people
from onhand.web.declaring import form, open_form, open_page
from onhand.web.visit import Page, Visit, within


def _login(visit: Visit) -> Page | Response:
    """Return the login page; users who are already logged in are sent on."""
    if visit.visitor:
        return visit.go(within(visit.query.get("next", "/")))
    return _asked(visit)


def _enter(visit: Visit) -> Page | Response:
    name, password = visit.form.get("name", ""), visit.form.get("password", "")
    try:
        secret = people.enter(visit.app.house, visit.app.gate, name, password, visit.address, visit.agent)
    except OnHandError as error:
        return visit.refuse(error, lambda: _asked(visit))
    return visit.enter(secret, within(visit.form.get("next", "/")))


def _leave(visit: Visit) -> Response:
    people.leave(visit.app.house, visit.secret)
    return visit.leave("/login")


def _choose(visit: Visit, link: str) -> Page | Response:
    name, password = visit.form.get("name", ""), visit.form.get("password", "")
    try:
        if password != visit.form.get("again", ""):
            raise Refused("The passwords do not match.", again="")
        tokens = visit.checked("tokens")
        secret = people.begin(visit.app.house, visit.app.gate, link, name, password, visit.agent, tokens)
    except OnHandError as error:
        return visit.refuse(error, lambda: _begin(visit, link))
    return visit.enter(secret, "/")


def _asked(visit: Visit) -> Page:
    """Return the page that asks for name and password."""
    empty = people.nobody_yet(visit.app.house)
    return Page("login.html", {"next": within(visit.query.get("next", "/")), "empty": empty}, "Log in")


def _begin(visit: Visit, link: str) -> Page:
    """Return the page of a one-time link. Raise Refused if the link was used or has ended."""
    holder = people.link_holder(visit.app.house, link)
    return Page("begin.html", {"holder": holder, "action": visit.path}, "Choose a password")


SCREENS = (
    open_page("/login", _login),
    open_form("/login", _enter),
    form("/logout", Scope.READ, _leave),
    open_page("/begin/{link}", _begin),
    open_form("/begin/{link}", _choose),
)
