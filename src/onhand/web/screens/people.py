"""Users and tokens: who can log in, with what rights; and one's own account.

Path: ``/people`` and ``/people/NO`` for administrators, ``/account`` for everybody.
Promise: a link and a token are shown once, on the page that made them.
Never: shows a password, or sends one anywhere but to ``services.people``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi.responses import Response

from onhand.domain.errors import OnHandError, Refused
from onhand.domain.people import Role, Scope
from onhand.services import people
from onhand.web.declaring import form, page
from onhand.web.visit import Page, Visit
from onhand.wire import Data

ROLES = (
    (Role.VIEWER.value, "Viewer: see everything except secrets and users"),
    (Role.CLERK.value, "Clerk: also receive, count, adjust, enter orders"),
    (Role.MANAGER.value, "Manager: also carts, Send and Get, differences, purchase orders, parameters"),
    (Role.ADMINISTRATOR.value, "Administrator: also users, tokens, keys, webhooks, audit log"),
)
SCOPES = (
    (Scope.READ.value, "read: see everything except secrets and users"),
    (Scope.STOCK.value, "stock: receive, count, adjust, enter orders"),
    (Scope.MANAGE.value, "manage: carts, Send and Get, differences, purchase orders, parameters"),
    (Scope.ADMINISTER.value, "administer: users, tokens, keys, webhooks, audit log"),
)
ENDED = "The session was ended. That browser has to log in again."


# All users, and the tokens of programs


def _users(visit: Visit, made: Data | None = None) -> Page:
    ended = bool(visit.query.get("ended"))
    data = {
        "users": visit.do("user_list")["users"],
        "tokens": visit.do("token_list", ended=ended)["tokens"],
        "ended": ended,
        "made": made,
        "origin": _origin(visit),
        "roles": ROLES,
        "scopes": SCOPES,
    }
    return Page("people.html", data, "Users and tokens")


def _invite(visit: Visit) -> Page:
    return _made(visit, "user_add", visit.given("name", "role"), lambda made: _users(visit, made))


def _make_token(visit: Visit) -> Page:
    chosen = visit.form_lists.get("scopes", [])
    wanted = {**visit.given("name", "days", "user"), "scopes": chosen}
    return _made(visit, "token_add", wanted, lambda made: _users(visit, made))


def _revoke_token(visit: Visit) -> Page | Response:
    return visit.submit(
        "token_revoke",
        visit.given("token"),
        again=lambda: _users(visit),
        then="/people#tokens",
        said="The token was revoked. Programs can no longer use it.",
    )


# One user


def _user(visit: Visit, user: str, made: Data | None = None) -> Page:
    """Return a user. Raise Refused if there is none of that number."""
    found = _numbered(visit, user)
    data = {
        "user": found,
        "sessions": visit.do("session_list", user=found["name"])["sessions"],
        "tokens": visit.do("token_list", user=found["name"])["tokens"],
        "made": made,
        "origin": _origin(visit),
        "roles": ROLES,
        "address": f"/people/{found['id']}",
    }
    return Page("person.html", data, found["name"])


def _edit(visit: Visit, user: str) -> Page | Response:
    wanted = {**visit.given("role", "revision"), "active": visit.checked("active")}
    return visit.submit(
        "user_edit",
        {"name": _numbered(visit, user)["name"], **wanted},
        again=lambda: _user(visit, user),
        then=f"/people/{user}",
        said="{name} was saved.",
    )


def _link(visit: Visit, user: str) -> Page:
    ending = {"sessions": visit.checked("sessions"), "tokens": visit.checked("tokens")}
    wanted = {"name": _numbered(visit, user)["name"], **ending}
    return _made(visit, "user_link", wanted, lambda made: _user(visit, user, made))


def _revoke_session(visit: Visit, user: str) -> Page | Response:
    return visit.submit(
        "session_revoke",
        {"session": visit.form.get("session", "")},
        again=lambda: _user(visit, user),
        then=f"/people/{user}",
        said=ENDED,
    )


# One's own account


def _account(visit: Visit) -> Page:
    own = people.sessions_of(visit.app.house, _own(visit))
    return Page("account.html", {"roles": dict(ROLES), "sessions": own}, "Your account")


def _change(visit: Visit) -> Page | Response:
    form, mine = visit.form, _own(visit)
    house = visit.app.acting(visit.caller, people.CHANGE, {}, None).house
    try:
        if form.get("password", "") != form.get("again", ""):
            raise Refused("The passwords do not match.", again="")
        old, new = form.get("old", ""), form.get("password", "")
        sessions, tokens = visit.checked("sessions"), visit.checked("tokens")
        people.change_password(house, visit.app.gate, mine, old, new, sessions=sessions, tokens=tokens)
    except OnHandError as error:
        return visit.refuse(error, lambda: _account(visit))
    ended = [words for words, ends in (("other sessions", sessions), ("API tokens", tokens)) if ends]
    also = f" Your {' and '.join(ended)} were ended." if ended else ""
    return visit.go("/account", f"Your password was changed.{also}")


def _leave_elsewhere(visit: Visit) -> Page | Response:
    """End one of the person's other sessions, for example on a machine that was left logged in."""
    session = visit.form.get("session", "")
    house = visit.app.acting(visit.caller, "session_revoke", {"session": session}, None).house
    try:
        people.end_session(house, session, _own(visit).id)
    except OnHandError as error:
        return visit.refuse(error, lambda: _account(visit))
    return visit.go("/account", ENDED)


# Shared by these screens


def _made(visit: Visit, verb: str, arguments: dict[str, Any], shown: Callable[[Data | None], Page]) -> Page:
    """Return the page with a new link or token, which no later page shows."""
    try:
        made = visit.do(verb, **arguments)
    except OnHandError as error:
        return visit.refuse(error, lambda: shown(None))
    visit.form = {}
    return shown(made)


def _numbered(visit: Visit, user: str) -> Data:
    found = [known for known in visit.do("user_list")["users"] if str(known["id"]) == user]
    if not found:
        raise Refused("This user does not exist. See Users and tokens.")
    return dict(found[0])


def _own(visit: Visit) -> people.Visitor:
    if visit.visitor is None:
        raise Refused("Log in first.")  # the site lets no one in here
    return visit.visitor


def _origin(visit: Visit) -> str:
    """Return the browser's address for OnHand, for links that are passed on."""
    return f"{'https' if visit.https else 'http'}://{visit.host}"


SCREENS = (
    page("/people", Scope.ADMINISTER, _users),
    form("/people/invite", Scope.ADMINISTER, _invite),
    form("/people/token", Scope.ADMINISTER, _make_token),
    form("/people/token/revoke", Scope.ADMINISTER, _revoke_token),
    page("/people/{user}", Scope.ADMINISTER, _user),
    form("/people/{user}", Scope.ADMINISTER, _edit),
    form("/people/{user}/link", Scope.ADMINISTER, _link),
    form("/people/{user}/session", Scope.ADMINISTER, _revoke_session),
    page("/account", Scope.READ, _account),
    form("/account", Scope.READ, _change),
    form("/account/session", Scope.READ, _leave_elsewhere),
)
