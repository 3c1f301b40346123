"""Users and tokens: who may come in, by what, and what for; and one's own account.

Path: ``/people`` for administrators, ``/account`` for everybody.
Promise: a link and a token are shown once, on the page that made them.
Never: shows a password, or sends one anywhere but to ``services.people``.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastapi.responses import Response

from onhand.domain.errors import OnHandError, Refused
from onhand.domain.people import Role, Scope
from onhand.services import people
from onhand.web.site import Site
from onhand.web.visit import Page, Visit

ROLES = (
    (Role.VIEWER.value, "viewer: sees everything but secrets and people"),
    (Role.CLERK.value, "clerk: receives, counts, adjusts, takes orders"),
    (Role.MANAGER.value, "manager: also carts, Send and Get, differences, purchase orders, parameters"),
    (Role.ADMINISTRATOR.value, "administrator: also users, tokens, keys, webhooks, the audit log"),
)
SCOPES = (
    (Scope.READ.value, "read: see everything but secrets and people"),
    (Scope.STOCK.value, "stock: receive, count, adjust, take orders"),
    (Scope.MANAGE.value, "manage: carts, Send and Get, differences, purchase orders, parameters"),
    (Scope.ADMINISTER.value, "administer: users, tokens, keys, webhooks, the audit log"),
)


def attach(site: Site) -> None:
    """Declare the pages and forms about people."""

    @site.page("/people", Scope.ADMINISTER)
    def users(visit: Visit) -> Page:
        return _users(visit)

    @site.form("/people/invite", Scope.ADMINISTER)
    def invite(visit: Visit) -> Page:
        return _made(visit, "user_add", visit.given("name", "role"))

    @site.form("/people/link", Scope.ADMINISTER)
    def link(visit: Visit) -> Page:
        return _made(visit, "user_link", visit.given("name"))

    @site.form("/people/edit", Scope.ADMINISTER)
    def edit(visit: Visit) -> Page | Response:
        return visit.submit(
            "user_edit",
            {**visit.given("name", "role", "revision"), "active": visit.checked("active")},
            again=lambda: _users(visit),
            then="/people",
            said="{name} is saved.",
        )

    @site.form("/people/session", Scope.ADMINISTER)
    def revoke(visit: Visit) -> Page | Response:
        return visit.submit(
            "session_revoke",
            visit.given("session"),
            again=lambda: _users(visit),
            then="/people",
            said="The session is ended.",
        )

    @site.form("/people/token", Scope.ADMINISTER)
    def token(visit: Visit) -> Page:
        chosen = visit.form_lists.get("scopes", [])
        return _made(visit, "token_add", {**visit.given("name", "days"), "scopes": chosen})

    @site.form("/people/token/revoke", Scope.ADMINISTER)
    def end(visit: Visit) -> Page | Response:
        return visit.submit(
            "token_revoke",
            visit.given("token"),
            again=lambda: _users(visit),
            then="/people",
            said="The token is ended.",
        )

    @site.page("/account", Scope.READ)
    def account(visit: Visit) -> Page:
        return _account(visit)

    @site.form("/account", Scope.READ)
    def change(visit: Visit) -> Page | Response:
        form, visitor = visit.form, visit.visitor
        if visitor is None:  # the site lets nobody in here
            raise Refused("Log in first.")
        try:
            if form.get("password", "") != form.get("again", ""):
                raise Refused("The two passwords differ: type the same twice.", again="")
            given = (form.get("old", ""), form.get("password", ""))
            people.change_password(visit.app.house, visit.app.gate, visitor.id, *given, visitor.session)
        except OnHandError as error:
            return visit.refuse(error, lambda: _account(visit))
        return visit.go("/account", "Your password is changed; your other sessions are ended.")


def _users(visit: Visit, made: dict[str, str] | None = None) -> Page:
    origin = f"{'https' if visit.https else 'http'}://{visit.host}"
    data = {
        "users": visit.do("user_list")["users"],
        "sessions": visit.do("session_list")["sessions"],
        "tokens": visit.do("token_list")["tokens"],
        "made": made,
        "origin": origin,
        "roles": ROLES,
        "scopes": SCOPES,
    }
    return Page("people.html", data, "Users and tokens")


def _made(visit: Visit, verb: str, arguments: Mapping[str, object]) -> Page:
    """The page with what was just made: a link or a token, which no later page shows."""
    try:
        made = visit.do(verb, **arguments)
    except OnHandError as error:
        return visit.refuse(error, lambda: _users(visit))
    visit.form = {}
    return _users(visit, made)


def _account(visit: Visit) -> Page:
    visitor = visit.visitor
    own = visit.app.read(lambda books: books.people.sessions(visitor.id)) if visitor else []
    return Page("account.html", {"roles": dict(ROLES), "sessions": own}, "Your account")
