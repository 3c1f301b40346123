"""Verbs about people: users, sessions, API tokens, the audit log.

Path: called by name through ``verbs.run``.
Promise: a link or a token is answered once, when it is made; nothing that was kept of it leaves the store.
Never: takes a password; those are typed on pages that hand them straight to ``services.people``.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any

from pydantic import Field

from onhand.app import App
from onhand.domain.errors import Refused
from onhand.domain.people import Person, Role, Scope
from onhand.services import people
from onhand.wire import Data

from .registry import VERBS, Revision, Text, iso, verb

Name = Annotated[str, Field(max_length=people.NAME_LENGTH_MAX)]
Rows = Annotated[int, Field(ge=1, le=1000)]
YEARS = range(2000, 3000)  # of days that can be asked for


@verb(Scope.ADMINISTER)
def user_list(app: App) -> Data:
    """Who may log in, and what for."""

    def read(books: Any) -> Data:
        sessions = Counter(session.person for session in people.live_sessions(books, app.clock.now()))
        return {"users": [{**_user(person), "sessions": sessions[person.id]} for person in books.people.all()]}

    return app.read(read)


@verb(Scope.ADMINISTER)
def user_add(app: App, name: Name, role: Role) -> Data:
    """Invite a user: the answer has the one-time link's path with which they choose their password within a week."""
    person, secret = people.invite(app.house, name, role, app.caller)
    return {**_user(person), "link": f"/begin/{secret}"}


@verb(Scope.ADMINISTER)
def user_edit(
    app: App, name: Name, role: Role | None = None, active: bool | None = None, revision: Revision | None = None
) -> Data:
    """Change what a user may do, or keep them out. No caller gives a right that it does not have."""
    person = app.read(lambda books: people.find(books, name))
    wanted = (role or person.role, person.active if active is None else active)
    return _user(people.edit(app.house, name, *wanted, revision, app.caller))


@verb(Scope.ADMINISTER)
def user_link(app: App, name: Name, sessions: bool = True, tokens: bool = False) -> Data:
    """Make a new one-time link for a user who forgot their password. Older links end, so do all sessions unless told otherwise, and with
    ``tokens`` the user's API tokens."""
    secret = people.renew(app.house, name, app.caller, sessions=sessions, tokens=tokens)
    return {"name": name.strip(), "link": f"/begin/{secret}"}


@verb(Scope.ADMINISTER)
def session_list(app: App, user: Name = "") -> Data:
    """Browsers that are logged in, of all users or of one. ``session`` names one for `session_revoke`; it lets nobody in."""

    def read(books: Any) -> Data:
        names = {person.id: person.name for person in books.people.all()}
        one = people.find(books, user).id if user else None
        return {
            "sessions": [
                {
                    "session": session.name,
                    "user": names[session.person],
                    "since": iso(session.created_at),
                    "seen_at": iso(session.seen_at),
                    "browser": session.agent,
                }
                for session in people.live_sessions(books, app.clock.now(), one)
            ]
        }

    return app.read(read)


@verb(Scope.ADMINISTER)
def session_revoke(app: App, session: Text) -> Data:
    """End a session: its browser has to log in again."""
    return {"session": people.end_session(app.house, session).name, "revoked": True}


@verb(Scope.ADMINISTER)
def token_add(
    app: App,
    name: Name,
    scopes: Annotated[list[Scope], Field(max_length=len(Scope))],
    days: Annotated[int, Field(ge=1, le=3650)] | None = None,
    user: Name = "",
) -> Data:
    """Make an API token of a user, of one's own unless named, that may do no more than he. Only this answer ever shows it."""
    number, secret = people.add_token(app.house, app.caller, name, scopes, days, user)
    return {"id": number, "name": name.strip(), "scopes": sorted(scopes), "token": secret}


@verb(Scope.ADMINISTER)
def token_list(app: App, user: Name = "", ended: bool = False) -> Data:
    """API tokens, the newest first: those that are valid, or with ``ended`` all that ever were."""

    def read(books: Any) -> Data:
        names = {person.id: person.name for person in books.people.all()}
        one = people.find(books, user).id if user else None
        now = app.clock.now()
        return {
            "tokens": [
                {
                    "id": token.id,
                    "name": token.name,
                    "user": names[token.person],
                    "scopes": sorted(scope.value for scope in token.scopes),
                    "created_at": iso(token.created_at),
                    "expires_at": iso(token.expires_at) if token.expires_at else None,
                    "used_at": iso(token.used_at) if token.used_at else None,
                    "revoked_at": iso(token.revoked_at) if token.revoked_at else None,
                    "valid": token.valid(now),
                }
                for token in books.people.tokens()
                if (ended or token.valid(now)) and one in {None, token.person}
            ]
        }

    return app.read(read)


@verb(Scope.ADMINISTER)
def token_revoke(app: App, token: Annotated[int, Field(ge=1)]) -> Data:
    """End an API token."""
    if not app.house.store.write(lambda books: books.people.revoke_token(token, app.clock.now())):
        raise Refused("There is no such token, or it ended before.", token=token)
    return {"id": token, "revoked": True}


@verb(Scope.ADMINISTER)
def audit_list(
    app: App,
    limit: Rows = 100,
    before: Annotated[int, Field(ge=1)] | None = None,
    who: Text = "",
    what: Text = "",
    day: date | None = None,
) -> Data:
    """Who had what done, the newest first: all, or of one person, one verb, one day on the clock of this machine. ``verbs``: all that
    the log tells of."""
    if day and day.year not in YEARS:
        raise Refused(f"Give a day of the years {YEARS.start} to {YEARS.stop - 1}.", day=str(day))
    since = datetime.combine(day, time.min).astimezone() if day else None
    until = datetime.combine(day + timedelta(days=1), time.min).astimezone() if day else None
    asked = (limit, before, who.strip(), what.strip(), since, until)
    verbs = {people.CHOOSE, people.CHANGE, *(name for name, known in VERBS.items() if known.scope is not Scope.READ)}
    return {"entries": app.read(lambda books: books.audit.latest(*asked)), "verbs": sorted(verbs)}


def _user(person: Person) -> Data:
    return {
        "id": person.id,
        "name": person.name,
        "role": person.role.value,
        "active": person.active,
        "begun": person.begun,
        "since": iso(person.created_at),
        "revision": person.revision,
    }
