"""Verbs about people: users, sessions, API tokens, the audit log.

Path: called by name through ``verbs.run``.
Promise: a link or a token is returned once, when it is made; what the store keeps of it never leaves it.
Never: takes a password; pages pass passwords straight to ``services.people``.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, time, timedelta
from typing import Any

from onhand.app import App
from onhand.domain.errors import Refused
from onhand.domain.people import Person, Scope
from onhand.requests import people as requests
from onhand.services import people
from onhand.wire import Data

from .registry import VERBS, iso, verb

YEARS = range(2000, 3000)  # years in which a day can be


@verb(requests.UserList)
def user_list(app: App, _: requests.UserList) -> Data:

    def read(books: Any) -> Data:
        sessions = Counter(session.person for session in people.live_sessions(books, app.clock.now()))
        return {"users": [{**_user(person), "sessions": sessions[person.id]} for person in books.people.all()]}

    return app.read(read)


@verb(requests.UserAdd)
def user_add(app: App, asked: requests.UserAdd) -> Data:
    person, secret = people.invite(app.house, asked.name, asked.role, app.caller)
    return {**_user(person), "link": f"/begin/{secret}"}


@verb(requests.UserEdit)
def user_edit(app: App, asked: requests.UserEdit) -> Data:
    person = app.read(lambda books: people.find(books, asked.name))
    wanted = (asked.role or person.role, person.active if asked.active is None else asked.active)
    return _user(people.edit(app.house, asked.name, *wanted, asked.revision, app.caller))


@verb(requests.UserLink)
def user_link(app: App, asked: requests.UserLink) -> Data:
    secret = people.renew(app.house, asked.name, app.caller, sessions=asked.sessions, tokens=asked.tokens)
    return {"name": asked.name.strip(), "link": f"/begin/{secret}"}


@verb(requests.SessionList)
def session_list(app: App, asked: requests.SessionList) -> Data:

    def read(books: Any) -> Data:
        names = {person.id: person.name for person in books.people.all()}
        one = people.find(books, asked.user).id if asked.user else None
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


@verb(requests.SessionRevoke)
def session_revoke(app: App, asked: requests.SessionRevoke) -> Data:
    return {"session": people.end_session(app.house, asked.session).name, "revoked": True}


@verb(requests.TokenAdd)
def token_add(app: App, asked: requests.TokenAdd) -> Data:
    number, secret = people.add_token(app.house, app.caller, asked.name, asked.scopes, asked.days, asked.user)
    return {"id": number, "name": asked.name.strip(), "scopes": sorted(asked.scopes), "token": secret}


@verb(requests.TokenList)
def token_list(app: App, asked: requests.TokenList) -> Data:

    def read(books: Any) -> Data:
        names = {person.id: person.name for person in books.people.all()}
        one = people.find(books, asked.user).id if asked.user else None
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
                if (asked.ended or token.valid(now)) and one in {None, token.person}
            ]
        }

    return app.read(read)


@verb(requests.TokenRevoke)
def token_revoke(app: App, asked: requests.TokenRevoke) -> Data:
    if not app.house.store.write(lambda books: books.people.revoke_token(asked.token, app.clock.now())):
        raise Refused(f"There is no valid token number {asked.token}: see the list of tokens.", token=asked.token)
    return {"id": asked.token, "revoked": True}


@verb(requests.AuditList)
def audit_list(app: App, asked: requests.AuditList) -> Data:
    if asked.day and asked.day.year not in YEARS:
        raise Refused(
            f"'{asked.day}' is out of range: give a day in the years {YEARS.start} to {YEARS.stop - 1}.",
            day=str(asked.day),
        )
    since = datetime.combine(asked.day, time.min).astimezone() if asked.day else None
    until = datetime.combine(asked.day + timedelta(days=1), time.min).astimezone() if asked.day else None
    wanted = (asked.limit, asked.before, asked.who.strip(), asked.what.strip(), since, until)
    verbs = {people.CHOOSE, people.CHANGE, *(name for name, known in VERBS.items() if known.scope is not Scope.READ)}
    return {"entries": app.read(lambda books: books.audit.latest(*wanted)), "verbs": sorted(verbs)}


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
