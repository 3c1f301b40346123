"""The way in and out: log-in, log-out, and the one-time link with which a password is chosen.

Path: every page sends a browser without a session to ``/login``; a link made by an administrator, or at the first start, is a ``/begin``.
Promise: a wrong name and a wrong password are told alike; a link works once.
Never: shows anything of the store.
"""

from __future__ import annotations

from fastapi.responses import Response

from onhand.domain.errors import OnHandError, Refused
from onhand.domain.people import Scope
from onhand.services import people
from onhand.web.site import Site
from onhand.web.visit import Page, Visit, within


def attach(site: Site) -> None:
    """Declare log-in, log-out and the one-time link."""
    app = site.app

    @site.open_page("/login")
    def login(visit: Visit) -> Page | Response:
        if visit.visitor:
            return visit.go(within(visit.query.get("next", "/")))
        return _login(visit)

    @site.open_form("/login")
    def enter(visit: Visit) -> Page | Response:
        name, password = visit.form.get("name", ""), visit.form.get("password", "")
        try:
            secret = people.enter(app.house, app.gate, name, password, visit.address, visit.agent)
        except OnHandError as error:
            return visit.refuse(error, lambda: _login(visit))
        return visit.enter(secret, within(visit.form.get("next", "/")))

    @site.form("/logout", Scope.READ)
    def leave(visit: Visit) -> Response:
        people.leave(app.house, visit.secret)
        return visit.leave("/login")

    @site.open_page("/begin/{link}")
    def begin(visit: Visit, link: str) -> Page:
        return _begin(visit, link)

    @site.open_form("/begin/{link}")
    def choose(visit: Visit, link: str) -> Page | Response:
        name, password = visit.form.get("name", ""), visit.form.get("password", "")
        try:
            if password != visit.form.get("again", ""):
                raise Refused("The two passwords differ: type the same twice.", again="")
            tokens = visit.checked("tokens")
            secret = people.begin(app.house, app.gate, link, name, password, visit.agent, tokens)
        except OnHandError as error:
            return visit.refuse(error, lambda: _begin(visit, link))
        return visit.enter(secret, "/")

    def _login(visit: Visit) -> Page:
        empty = app.read(lambda books: books.people.count()) == 0
        return Page("login.html", {"next": within(visit.query.get("next", "/")), "empty": empty}, "Log in")

    def _begin(visit: Visit, link: str) -> Page:
        """Raises Refused if the link was used or has ended."""
        holder = people.link_holder(app.house, link)
        return Page("begin.html", {"holder": holder, "action": visit.path}, "Choose a password")
