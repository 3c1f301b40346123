"""Verbs about people: users, sessions, API tokens, the audit log.

Path: called by name through ``verbs.run``.
Promise: a link or a token is answered once, when it is made; nothing that was kept of it leaves the store.
Never: takes a password; those are typed on pages that hand them straight to ``services.people``.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from onhand.app import App
from onhand.domain.errors import Refused
from onhand.domain.people import Person, Role, Scope
from onhand.services import people

from .registry import Data, Revision, Text, iso, verb

Name = Annotated[str, Field(max_length=people.NAME_LENGTH_MAX)]
Rows = Annotated[int, Field(ge=1, le=1000)]


@verb(Scope.ADMINISTER)
def user_list(app: App) -> Data:
    """Who may log in, and what for."""

    def read(books: Any) -> Data:
        sessions: dict[int, int] = {}
        for session in books.people.sessions():
            sessions[session.person] = sessions.get(session.person, 0) + 1
        return {"users": [{**_user(person), "sessions": sessions.get(person.id, 0)} for person in books.people.all()]}

    return app.read(read)


@verb(Scope.ADMINISTER)
def user_add(app: App, name: Name, role: Role) -> Data:
    """Invite a user: the answer has the one-time link's path with which he chooses his password within a week."""
    person, secret = people.invite(app.house, name, role)
    return {**_user(person), "link": f"/begin/{secret}"}


@verb(Scope.ADMINISTER)
def user_edit(
    app: App, name: Name, role: Role | None = None, active: bool | None = None, revision: Revision | None = None
) -> Data:
    """Change what a user may do, or keep him out."""
    person = app.read(lambda books: people.find(books, name))
    wanted = (role or person.role, person.active if active is None else active)
    return _user(people.edit(app.house, name, *wanted, revision))


@verb(Scope.ADMINISTER)
def user_link(app: App, name: Name) -> Data:
    """A new one-time link for a user who forgot his password. All his sessions end."""
    return {"name": name.strip(), "link": f"/begin/{people.renew(app.house, name)}"}


@verb(Scope.ADMINISTER)
def session_list(app: App) -> Data:
    """Browsers that are logged in. ``session`` names one for `session_revoke`; nobody can log in with it."""

    def read(books: Any) -> Data:
        names = {person.id: person.name for person in books.people.all()}
        return {
            "sessions": [
                {
                    "session": session.digest[:16],
                    "user": names[session.person],
                    "since": iso(session.created_at),
                    "seen_at": iso(session.seen_at),
                    "browser": session.agent,
                }
                for session in books.people.sessions()
            ]
        }

    return app.read(read)


@verb(Scope.ADMINISTER)
def session_revoke(app: App, session: Text) -> Data:
    """End a session: its browser has to log in again."""

    def write(books: Any) -> bool:
        named = [found.digest for found in books.people.sessions() if found.digest[:16] == session.strip()]
        return any(books.people.end_session(digest) for digest in named)

    if not app.house.store.write(write):
        raise Refused("There is no such session any more.", session=session)
    return {"session": session.strip(), "revoked": True}


@verb(Scope.ADMINISTER)
def token_add(
    app: App,
    name: Name,
    scopes: Annotated[list[Scope], Field(max_length=len(Scope))],
    days: Annotated[int, Field(ge=1, le=3650)] | None = None,
) -> Data:
    """Make an API token of one's own, with some of one's own scopes. The answer is the only place that ever shows it."""
    number, secret = people.add_token(app.house, app.caller, name, scopes, days)
    return {"id": number, "name": name.strip(), "scopes": sorted(scopes), "token": secret}


@verb(Scope.ADMINISTER)
def token_list(app: App) -> Data:
    """API tokens, the newest first."""

    def read(books: Any) -> Data:
        names = {person.id: person.name for person in books.people.all()}
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
                    "valid": token.valid(app.clock.now()),
                }
                for token in books.people.tokens()
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
    person: Text = "",
    what: Text = "",
) -> Data:
    """Who had what done, the newest first."""
    return {"entries": app.read(lambda books: books.audit.latest(limit, before, person.strip(), what.strip()))}


def _user(person: Person) -> Data:
    return {
        "name": person.name,
        "role": person.role.value,
        "active": person.active,
        "begun": person.begun,
        "since": iso(person.created_at),
        "revision": person.revision,
    }
