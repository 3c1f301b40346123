"""Lets people and programs in: passwords, sessions, one-time links, API tokens.

Path: the log-in page → ``enter``; every request of a browser → ``visitor``; every request of a program → ``bearer``.
Promise: what is revoked ends at the next request; no caller can grant a right it does not have.
Never: keeps a password, or the secret of a session, link or token: only digests.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from onhand.domain.errors import Conflict, Forbidden, Permanent, Refused, Retriable
from onhand.domain.people import NAME_LENGTH_MAX, Caller, Person, Role, Scope, Session
from onhand.domain.stock import check_text

from .gate import Gate
from .ports import Books, House

IDLE = timedelta(hours=12)  # a session ends after being unused for this long
LONGEST = timedelta(days=14)  # and in any case after this long
SEEN = timedelta(minutes=1)  # how precisely the last use of a session or token is kept
FIRST_LINK = timedelta(hours=24)
LINK = timedelta(days=7)
PASSWORD_LENGTHS = range(10, 201)  # characters
AGENT_LENGTH_MAX = 300
CHOOSE, CHANGE = "password_choose", "password_change"  # their names in the audit log; no verb takes a password
WRONG = "The name or the password is wrong."
LOCAL = Caller.local()

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Visitor:
    """The person behind a session."""

    id: int
    name: str
    role: Role
    session: str  # its digest
    created_at: datetime


def caller_of(visitor: Visitor) -> Caller:
    """Return a visitor as a caller of verbs."""
    return Caller(f"user/{visitor.id}", visitor.name, visitor.role.scopes, "screen")


def enter(house: House, gate: Gate, name: str, password: str, address: str, agent: str) -> str:
    """Log in; return the secret that the browser shows from now on. Raise Refused, or Retriable after too many wrong tries."""
    now = house.clock.now()
    found = house.store.read(lambda books: books.people.named(name[: NAME_LENGTH_MAX + 1]))
    hashed = found[1] if found and found[0].active else None
    right = gate.admit(name, address, hashed, password[: PASSWORD_LENGTHS.stop], house.clock.monotonic())
    if not right or found is None:
        log.warning("login.refused", address=address)
        raise Refused(WRONG)
    log.info("login.done", person=found[0].name, address=address)
    return house.store.write(lambda books: _begin_session(books, found[0].id, agent, now))


def leave(house: House, secret: str) -> None:
    """Log out."""
    house.store.write(lambda books: books.people.end_session(digest_of(secret)))


def visitor(house: House, secret: str) -> Visitor | None:
    """Return whose session it is; None if it is unknown or has ended."""
    now = house.clock.now()
    digest = digest_of(secret)

    def read(books: Books) -> tuple[Session, Person] | None:
        session = books.people.session(digest)
        return None if session is None else (session, books.people.get(session.person))

    found = house.store.read(read)
    if found is None:
        return None
    session, person = found
    if not person.active or not _lives(session, now):
        return None
    if now - session.seen_at >= SEEN:
        _note(house, lambda books: books.people.see_session(digest, now))
    return Visitor(person.id, person.name, person.role, digest, session.created_at)


def bearer(house: House, secret: str) -> Caller | None:
    """Return whose API token it is and what it may do: never more than its person. None if it is unknown or has ended."""
    now = house.clock.now()

    def read(books: Books) -> tuple[int, Caller, bool] | None:
        token = books.people.token(digest_of(secret))
        if token is None or not token.valid(now):
            return None
        person = books.people.get(token.person)
        name = f"{person.name} (token {token.name})"
        fresh = token.used_at is not None and now - token.used_at < SEEN
        caller = Caller(f"token/{token.id}", name, token.scopes & person.role.scopes, "api")
        return (token.id, caller, fresh) if person.active else None

    found = house.store.read(read)
    if found is None:
        return None
    number, caller, fresh = found
    if not fresh:
        _note(house, lambda books: books.people.see_token(number, now))
    return caller


def caller_again(house: House, caller: str, name: str) -> Caller | None:
    """Return the caller of this id, with the rights that it has now; None if it has none any more."""
    kind, _, number = caller.partition("/")

    def read(books: Books) -> Caller | None:
        person, scopes, via = None, None, "screen"
        if kind == "token":
            token = next((one for one in books.people.tokens() if one.id == int(number)), None)
            if token is not None and token.valid(house.clock.now()):
                person, scopes, via = books.people.get(token.person), token.scopes, "api"
        elif kind == "user":
            person = next((one for one in books.people.all() if one.id == int(number)), None)
        if person is None or not person.active:
            return None
        return Caller(caller, name, person.role.scopes if scopes is None else scopes & person.role.scopes, via)

    return Caller.local(name) if kind == "local" else house.store.read(read)


def _note(house: House, unit: Callable[[Books], None]) -> None:
    """Record a last use, if possible: a full disk must not keep people from reading that it is full."""
    try:
        house.store.write(unit)
    except (Retriable, Permanent) as error:
        log.warning("use.not_noted", trouble=error.message)


def first_link(house: House) -> str | None:
    """Return a one-time link for the first administrator, valid for a day; None if there are users already. Earlier ones end."""
    secret = secrets.token_urlsafe(32)
    now = house.clock.now()

    def write(books: Books) -> bool:
        if books.people.count():
            return False
        books.people.add_link(digest_of(secret), None, now + FIRST_LINK)
        return True

    return secret if house.store.write(write) else None


def nobody_yet(house: House) -> bool:
    """Return whether there is no user yet: the first one uses the first link."""
    return house.store.read(lambda books: books.people.count()) == 0


def link_holder(house: House, secret: str) -> Person | None:
    """Return who chooses a password with a one-time link; None: the first administrator, who also chooses a name.

    Raises Refused if the link was used or has ended.
    """
    return house.store.read(lambda books: _holder(books, secret, house.clock.now()))


def begin(
    house: House, gate: Gate, secret: str, name: str, password: str, agent: str = "", tokens: bool = False
) -> str:
    """Use a one-time link: choose a password and, as the first administrator, a name; return the secret of a new session. All older
    sessions end, and with ``tokens`` the API tokens too."""
    now = house.clock.now()
    holder = link_holder(house, secret)
    name = holder.name if holder else check_name(name)
    hashed = gate.hash(check_password(password, name))

    def write(books: Books) -> str:
        found = _holder(books, secret, now)
        person = found.id if found else books.people.add(name, Role.ADMINISTRATOR, now)
        books.people.keep_password(person, hashed)
        books.people.end_sessions(person)
        books.people.end_links(person)
        books.people.end_link(digest_of(secret))  # the first administrator's link belongs to no user yet
        if tokens:
            books.people.end_tokens(person, now)
        caller = Caller(f"user/{person}", name, frozenset(), "screen")
        books.audit.add(caller, CHOOSE, "{}", now)
        return _begin_session(books, person, agent, now)

    session = house.store.write(write)
    log.info("password.chosen", person=name)
    return session


def invite(house: House, name: str, role: Role, caller: Caller = LOCAL) -> tuple[Person, str]:
    """Add a user; return them and the secret of the link with which they choose their password. Raise Forbidden if they could do more than
    the caller."""
    _check_grant(caller, role.scopes)
    now = house.clock.now()
    secret = secrets.token_urlsafe(32)

    def write(books: Books) -> int:
        person = books.people.add(check_name(name), role, now)
        books.people.add_link(digest_of(secret), person, now + LINK)
        return person

    person = house.store.write(write)
    return house.store.read(lambda books: books.people.get(person)), secret


def renew(house: House, name: str, caller: Caller = LOCAL, *, sessions: bool = True, tokens: bool = False) -> str:
    """Make a new one-time link for a user who forgot their password. Older links end and, if asked for, their sessions and API tokens too.

    Raises Forbidden if the user may do more than the caller: opening the link means becoming that user.
    """
    secret = secrets.token_urlsafe(32)
    now = house.clock.now()

    def write(books: Books) -> None:
        person = find(books, name)
        _check_grant(caller, person.role.scopes)
        if not person.active:
            raise Refused(f"{person.name} is kept out: let them in again first.", name=name)
        if sessions:
            books.people.end_sessions(person.id)
        if tokens:
            books.people.end_tokens(person.id, now)
        books.people.add_link(digest_of(secret), person.id, now + LINK)

    house.store.write(write)
    return secret


def edit(house: House, name: str, role: Role, active: bool, revision: int | None, caller: Caller = LOCAL) -> Person:
    """Change what a user may do, or keep them out. Raise Refused for the last administrator, Conflict if the page was stale, Forbidden if
    the user gained a right that the caller does not have."""

    def write(books: Books) -> int:
        person = find(books, name)
        if revision is not None and revision != person.revision:
            raise Conflict(
                f"{person.name} was changed since you opened this page: look at the current values.",
                reason="stale",
                current={"role": person.role.value, "active": "yes" if person.active else "no"},
            )
        had, gets = (who.scopes if may else frozenset() for who, may in ((person.role, person.active), (role, active)))
        _check_grant(caller, gets - had)
        leads = person.role is Role.ADMINISTRATOR and person.active and person.begun
        stays = role is Role.ADMINISTRATOR and active
        if leads and not stays and books.people.administrators() == 1:
            raise Refused(f"{person.name} is the last administrator: make another one first.", role=role.value)
        books.people.edit(person.id, role, active)
        if not active:
            books.people.end_sessions(person.id)
        return person.id

    number = house.store.write(write)
    return house.store.read(lambda books: books.people.get(number))


def change_password(
    house: House, gate: Gate, visitor: Visitor, old: str, new: str, *, sessions: bool = True, tokens: bool = False
) -> None:
    """Change one's own password, given the old one. One-time links end and, if asked for, all other sessions and the API tokens too."""
    now, person = house.clock.now(), visitor.id

    def read(books: Books) -> tuple[str, str | None]:
        name = books.people.get(person).name
        found = books.people.named(name)
        return name, found[1] if found else None

    name, hashed = house.store.read(read)
    checked = check_password(new, name)
    guesser = f"session {visitor.session}"
    if not gate.admit(name, guesser, hashed, old[: PASSWORD_LENGTHS.stop], house.clock.monotonic()):
        raise Refused("This is not your password.", old="")
    fresh = gate.hash(checked)

    def write(books: Books) -> None:
        books.people.keep_password(person, fresh)
        books.people.end_links(person)
        if sessions:
            books.people.end_sessions(person, but=visitor.session)
        if tokens:
            books.people.end_tokens(person, now)

    house.store.write(write)


def live_sessions(books: Books, now: datetime, person: int | None = None) -> list[Session]:
    """Return the active sessions of one user or of all, the one used last first."""
    return [session for session in books.people.sessions(person) if _lives(session, now)]


def sessions_of(house: House, visitor: Visitor) -> list[Session]:
    """Return the active sessions of a visitor, the one used last first."""
    return house.store.read(lambda books: live_sessions(books, house.clock.now(), visitor.id))


def end_session(house: House, name: str, person: int | None = None) -> Session:
    """End a session, of this user if one is given. Raise Refused if there is no such session."""

    def write(books: Books) -> Session:
        for session in live_sessions(books, house.clock.now(), person):
            if session.name == name.strip():
                books.people.end_session(session.digest)
                return session
        raise Refused("There is no such session any more.", session=name)

    return house.store.write(write)


def add_token(
    house: House, caller: Caller, name: str, scopes: Collection[Scope], days: int | None, owner: str = ""
) -> tuple[int, str]:
    """Add an API token for a user, the caller unless named; return its number and its secret, which is shown once.

    Raises Refused, and Forbidden if it could do what the caller or its user may not.
    """
    now = house.clock.now()
    title = check_name(name)
    if not scopes:
        raise Refused("Choose at least one scope.", scopes=[])
    if not owner and not caller.id.startswith("user/"):
        raise Refused("Say whose token it is to be: it may do no more than that user.", owner=owner)
    secret = f"onhand_{secrets.token_urlsafe(32)}"
    until = now + timedelta(days=days) if days else None

    def write(books: Books) -> int:
        person = find(books, owner) if owner else books.people.get(int(caller.id.removeprefix("user/")))
        if not set(scopes) <= caller.scopes & person.role.scopes:
            raise Forbidden(
                f"A token may do what its user and its maker may do, and no more: {person.name} is {person.role.with_article}."
            )
        return books.people.add_token(title, digest_of(secret), scopes, person.id, now, until)

    return house.store.write(write), secret


def _check_grant(caller: Caller, scopes: Collection[Scope]) -> None:
    """Raise Forbidden if a caller would grant what it does not have: a token that may only administer must not gain rights by adding or
    readmitting a user who has more."""
    lacking = [scope.value for scope in Scope if scope in scopes and not caller.may(scope)]
    if lacking:
        raise Forbidden(
            f"No one can grant more rights than they have: this also needs the right to {', '.join(lacking)}.",
            scope=lacking[0],
            lacking=lacking,
        )


def find(books: Books, name: str) -> Person:
    """Return the user of that name. Raise Refused if there is none."""
    found = books.people.named(name)
    if found is None:
        raise Refused(f"There is no user named {name.strip()!r}.", name=name)
    return found[0]


def check_name(name: str) -> str:
    """Return a name as it is kept. Raise Refused if it is invalid."""
    checked = check_text(name, "name")
    if not checked or len(checked) > NAME_LENGTH_MAX or not checked.isprintable():
        raise Refused(f"Give a name of 1 to {NAME_LENGTH_MAX} characters.", name=name)
    return checked


def check_password(password: str, name: str) -> str:
    """Return a password if it is allowed. Raise Refused if it is not."""
    if len(password) not in PASSWORD_LENGTHS:
        shortest, longest = PASSWORD_LENGTHS.start, PASSWORD_LENGTHS.stop - 1
        raise Refused(
            f"A password has {shortest} to {longest} characters; a few words are easy to remember.", password=""
        )
    if len(password.casefold().replace(name.casefold(), "")) not in PASSWORD_LENGTHS:
        raise Refused("Your name is easily guessed: choose a password without it.", password="")
    return password


def digest_of(secret: str) -> str:
    """Return the digest to keep of a secret of 256 bits, which needs no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _holder(books: Books, secret: str, now: datetime) -> Person | None:
    """Return whom a link is for; None: for the first administrator. Raise Refused if it is invalid."""
    found = books.people.link(digest_of(secret), now)
    holder = None if found is None or found[0] is None else books.people.get(found[0])
    if found is None or (holder is None and books.people.count()) or (holder and not holder.active):
        raise Refused("This link was used, or has ended: ask an administrator for a new one.")
    return holder


def _lives(session: Session, now: datetime) -> bool:
    return now < session.expires_at and now - session.seen_at < IDLE


def _begin_session(books: Books, person: int, agent: str, now: datetime) -> str:
    secret = secrets.token_urlsafe(32)
    books.people.forget_sessions(now, now - IDLE)
    books.people.add_session(Session(digest_of(secret), person, now, now, now + LONGEST, agent[:AGENT_LENGTH_MAX]))
    return secret
