"""Lets people and programs in: passwords, sessions, one-time links, API tokens.

Path: the log-in page → ``enter``; every request of a browser → ``visitor``; every request of a program → ``bearer``.
Promise: who guesses is slowed down and cannot keep others out; what is revoked ends at the next request.
Never: keeps a password, or anything that a browser or a program shows to be let in: only digests.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Protocol

import structlog

from onhand.domain.errors import Conflict, Forbidden, Refused, Retriable
from onhand.domain.people import Caller, Person, Role, Scope, Session
from onhand.domain.stock import check_text

from .ports import Books, House

IDLE = timedelta(hours=12)  # a session ends when it was not used for so long
LONGEST = timedelta(days=14)  # and at last after so long
SEEN = timedelta(minutes=1)  # how exactly the last use of a session or token is kept
FIRST_LINK = timedelta(hours=24)
LINK = timedelta(days=7)
PASSWORD_LENGTHS = range(10, 201)  # characters
NAME_LENGTH_MAX = 60
AGENT_LENGTH_MAX = 300
TRIES = 5  # wrong tries before the first pause
PAUSE = timedelta(seconds=10)  # the first pause; it doubles
PAUSE_MAX = timedelta(minutes=15)
ADDRESS_TRIES = 20  # the same for an address, whatever names it tries
ADDRESS_PAUSE_MAX = timedelta(minutes=1)
GUESSERS_MAX = 10_000  # of whom wrong tries are remembered
HASHES_MAX = 4  # at once: each takes 64 MB
HASH_SECONDS = 5.0  # how long a log-in waits for its turn
CHOOSE, CHANGE = "password_choose", "password_change"  # what the audit log calls them; no verb takes a password
WRONG = "The name or the password is wrong."

log = structlog.get_logger()


class Hasher(Protocol):
    """Makes guessing of passwords costly."""

    def hash(self, password: str) -> str: ...
    def verify(self, hashed: str, password: str) -> bool: ...


@dataclass(slots=True)
class _Tries:
    wrong: int = 0
    until: datetime | None = None  # no try is looked at before


@dataclass(slots=True)
class Gate:
    """Checks passwords, and makes who is wrong too often wait.

    Tries are counted by the pair of name and address: whoever guesses a name from somewhere else does not lock its owner out. An address
    that is wrong for many names waits too, but shortly, since behind a proxy all people have the same one. Guesses from many addresses at
    once are held off by the cost of the hash and the length of passwords; with so many guessers that the oldest are forgotten, likewise.
    """

    hasher: Hasher
    _tries: OrderedDict[tuple[str, str], _Tries] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _turns: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(HASHES_MAX))
    _nobody: str = ""

    def hash(self, password: str) -> str:
        """What is kept of a new password."""
        with self._turn():
            return self.hasher.hash(password)

    def admit(self, name: str, address: str, hashed: str | None, password: str, now: datetime) -> bool:
        """Whether it is the password. It takes as long for a user who does not exist. Raises Retriable while a pause lasts.

        A try counts as wrong from its beginning, so that many at the same moment are no more than many one after the other.
        """
        self._begin_try(name, address, now)
        with self._turn():
            self._nobody = self._nobody or self.hasher.hash(secrets.token_urlsafe(16))
            right = self.hasher.verify(hashed or self._nobody, password) and hashed is not None
        if right:
            self._forgive(name, address)
        return right

    def _begin_try(self, name: str, address: str, now: datetime) -> None:
        limits = ((TRIES, PAUSE_MAX), (ADDRESS_TRIES, ADDRESS_PAUSE_MAX))
        with self._lock:
            # Who is not looked at is not remembered either, or he could push out of memory what keeps him waiting.
            found = [self._tries.get(who) or _Tries() for who in _guessers(name, address)]
            wait = max((tries.until - now for tries in found if tries.until), default=timedelta())
            if wait > timedelta():
                seconds = ceil(wait.total_seconds())
                raise Retriable(
                    f"Too many wrong tries: try again in {seconds} seconds.", reason="throttled", seconds=seconds
                )
            for tries, (allowed, longest) in zip(found, limits, strict=True):
                tries.wrong += 1
                if tries.wrong >= allowed:
                    tries.until = now + min(longest, PAUSE * 2 ** min(tries.wrong - allowed, 10))
            for who, tries in zip(_guessers(name, address), found, strict=True):
                self._tries[who] = tries
                self._tries.move_to_end(who)
            while len(self._tries) > GUESSERS_MAX:
                self._tries.popitem(last=False)

    def _forgive(self, name: str, address: str) -> None:
        """The try was right: the pair starts anew; the address may have been wrong for other names."""
        mine, other = _guessers(name, address)
        with self._lock:
            self._tries.pop(mine, None)
            if (tries := self._tries.get(other)) is not None:
                tries.wrong, tries.until = tries.wrong - 1, None

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=HASH_SECONDS):
            raise Retriable("Too many people log in at this moment: try again.", reason="busy")
        try:
            yield
        finally:
            self._turns.release()


def _guessers(name: str, address: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (name.strip().casefold()[:NAME_LENGTH_MAX], address), ("", address)


@dataclass(frozen=True, slots=True)
class Visitor:
    """The person of a session."""

    id: int
    name: str
    role: Role
    session: str  # its digest
    created_at: datetime


def caller_of(visitor: Visitor) -> Caller:
    """A visitor, as verbs know callers."""
    return Caller(f"user/{visitor.id}", visitor.name, visitor.role.scopes, "screen")


def enter(house: House, gate: Gate, name: str, password: str, address: str, agent: str) -> str:
    """Log in; returns what the browser shows from now on. Raises Refused, or Retriable after too many wrong tries."""
    now = house.clock.now()
    found = house.store.read(lambda books: books.people.named(name[: NAME_LENGTH_MAX + 1]))
    hashed = found[1] if found and found[0].active else None
    right = gate.admit(name, address, hashed, password[: PASSWORD_LENGTHS.stop], now)
    if not right or found is None:
        log.warning("login.refused", address=address)
        raise Refused(WRONG)
    log.info("login.done", person=found[0].name, address=address)
    return house.store.write(lambda books: _begin_session(books, found[0].id, agent, now))


def leave(house: House, secret: str) -> None:
    """Log out."""
    house.store.write(lambda books: books.people.end_session(digest_of(secret)))


def visitor(house: House, secret: str) -> Visitor | None:
    """Whose session it is; None if it is none, or has ended."""
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
        house.store.write(lambda books: books.people.see_session(digest, now))
    return Visitor(person.id, person.name, person.role, digest, session.created_at)


def bearer(house: House, secret: str) -> Caller | None:
    """Whose API token it is, with what it may do: never more than its person. None if it is none, or has ended."""
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
        house.store.write(lambda books: books.people.see_token(number, now))
    return caller


def first_link(house: House) -> str | None:
    """What lets the first administrator in, once, within a day; None if there are users already. Earlier ones end."""
    secret = secrets.token_urlsafe(32)
    now = house.clock.now()

    def write(books: Books) -> bool:
        if books.people.count():
            return False
        books.people.add_link(digest_of(secret), None, now + FIRST_LINK)
        return True

    return secret if house.store.write(write) else None


def link_holder(house: House, secret: str) -> Person | None:
    """Who chooses a password with a one-time link; None: the first administrator, who also chooses a name.

    Raises Refused if the link was used or has ended.
    """
    return house.store.read(lambda books: _holder(books, secret, house.clock.now()))


def begin(house: House, gate: Gate, secret: str, name: str, password: str, agent: str = "") -> str:
    """Use a one-time link: choose a password, and as the first administrator a name; returns the secret of a new session."""
    now = house.clock.now()
    holder = link_holder(house, secret)
    name = holder.name if holder else check_name(name)
    hashed = gate.hash(check_password(password, name))

    def write(books: Books) -> str:
        found = _holder(books, secret, now)
        person = found.id if found else books.people.add(name, Role.ADMINISTRATOR, now)
        books.people.keep_password(person, hashed)
        books.people.end_sessions(person)
        books.people.end_link(digest_of(secret))
        caller = Caller(f"user/{person}", name, frozenset(), "screen")
        books.audit.add(caller, CHOOSE, "{}", now)
        return _begin_session(books, person, agent, now)

    session = house.store.write(write)
    log.info("password.chosen", person=name)
    return session


def invite(house: House, name: str, role: Role) -> tuple[Person, str]:
    """A new user, and the secret of the link with which he chooses his password."""
    now = house.clock.now()
    secret = secrets.token_urlsafe(32)

    def write(books: Books) -> int:
        person = books.people.add(check_name(name), role, now)
        books.people.add_link(digest_of(secret), person, now + LINK)
        return person

    person = house.store.write(write)
    return house.store.read(lambda books: books.people.get(person)), secret


def renew(house: House, name: str) -> str:
    """A new one-time link for a user who forgot his password. All his sessions end."""
    secret = secrets.token_urlsafe(32)
    until = house.clock.now() + LINK

    def write(books: Books) -> None:
        person = find(books, name)
        if not person.active:
            raise Refused(f"{person.name} is kept out: let him in again first.", name=name)
        books.people.end_sessions(person.id)
        books.people.add_link(digest_of(secret), person.id, until)

    house.store.write(write)
    return secret


def edit(house: House, name: str, role: Role, active: bool, revision: int | None) -> Person:
    """Change what a user may do, or keep him out. Raises Refused for the last administrator, Conflict if the page was stale."""

    def write(books: Books) -> int:
        person = find(books, name)
        if revision is not None and revision != person.revision:
            raise Conflict(
                f"{person.name} was changed since you opened this page: look at the current values.",
                reason="stale",
                current={"role": person.role.value, "active": "yes" if person.active else "no"},
            )
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


def change_password(house: House, gate: Gate, person: int, old: str, new: str, session: str) -> None:
    """One's own password, with the old one. All other sessions end."""
    now = house.clock.now()

    def read(books: Books) -> tuple[str, str | None]:
        name = books.people.get(person).name
        found = books.people.named(name)
        return name, found[1] if found else None

    name, hashed = house.store.read(read)
    checked = check_password(new, name)
    if not gate.admit(name, f"session {session}", hashed, old[: PASSWORD_LENGTHS.stop], now):
        raise Refused("This is not your password.", old="")
    fresh = gate.hash(checked)

    def write(books: Books) -> None:
        books.people.keep_password(person, fresh)
        books.people.end_sessions(person, but=session)

    house.store.write(write)


def live_sessions(books: Books, now: datetime, person: int | None = None) -> list[Session]:
    """The sessions that still let in, of one user or of all, the one used last first."""
    return [session for session in books.people.sessions(person) if _lives(session, now)]


def end_session(house: House, name: str, person: int | None = None) -> Session:
    """End a session, of this user if one is given. Raises Refused if there is none of that name."""

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
    """A new API token of a user, the caller unless named; returns its number and itself, which is shown once.

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
            raise Forbidden(f"A token may do what its user may do, and no more: {person.name} is a {person.role}.")
        return books.people.add_token(title, digest_of(secret), scopes, person.id, now, until)

    return house.store.write(write), secret


def find(books: Books, name: str) -> Person:
    """The user of that name. Raises Refused."""
    found = books.people.named(name)
    if found is None:
        raise Refused(f"There is no user named {name.strip()!r}.", name=name)
    return found[0]


def check_name(name: str) -> str:
    """A name as it is kept. Raises Refused."""
    checked = check_text(name, "name")
    if not checked or len(checked) > NAME_LENGTH_MAX or not checked.isprintable():
        raise Refused(f"Give a name of 1 to {NAME_LENGTH_MAX} characters.", name=name)
    return checked


def check_password(password: str, name: str) -> str:
    """A password that may be one. Raises Refused."""
    if len(password) not in PASSWORD_LENGTHS:
        shortest, longest = PASSWORD_LENGTHS.start, PASSWORD_LENGTHS.stop - 1
        raise Refused(
            f"A password has {shortest} to {longest} characters; a few words are easy to remember.", password=""
        )
    if len(password.casefold().replace(name.casefold(), "")) not in PASSWORD_LENGTHS:
        raise Refused("Your name is easily guessed: choose a password without it.", password="")
    return password


def digest_of(secret: str) -> str:
    """What is kept of a secret that has 256 bits: it needs no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _holder(books: Books, secret: str, now: datetime) -> Person | None:
    """For whom a link is; None: for the first administrator. Raises Refused."""
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
