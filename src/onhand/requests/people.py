"""The arguments of the verbs in ``verbs.people``: users, sessions, API tokens and the audit log.

Path: bound by ``verbs.people``; the API and the command line are derived from it.
Promise: each argument has its type, bounds, default and one sentence here.
Never: checks anything itself.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from annotated_doc import Doc
from annotated_types import Interval, MaxLen

from onhand.domain.people import NAME_LENGTH_MAX, Role, Scope

from .declaring import Argument, Option, request
from .kinds import NUMBER_MAX, PageLimit, Revision, Text

Name = Annotated[str, MaxLen(NAME_LENGTH_MAX)]
User = Annotated[Name, Doc("The user's name."), Argument("NAME")]
DAYS_MAX = 3650


@request(Scope.ADMINISTER)
class UserList:
    """List users and their roles."""


@request(Scope.ADMINISTER)
class UserAdd:
    """Invite a user.

    The answer has the path of a one-time link. With it, the user chooses a password within a week.
    """

    name: User
    role: Annotated[Role, Doc("The user's role.")] = Role.CLERK


@request(Scope.ADMINISTER)
class UserEdit:
    """Change a user's role, or block the user. You can only give rights that you have."""

    name: User
    role: Annotated[Role | None, Doc("The new role.")] = None
    active: Annotated[bool | None, Doc("Let the user log in, or block them."), Option("--active/--inactive")] = None
    revision: Revision = None


@request(Scope.ADMINISTER)
class UserLink:
    """Make a new one-time link for a user who forgot their password. Older links stop working."""

    name: User
    sessions: Annotated[
        bool, Doc("End the user's sessions, or keep them."), Option("--end-sessions/--keep-sessions")
    ] = True
    tokens: Annotated[bool, Doc("End the user's API tokens too."), Option("--end-tokens")] = False


@request(Scope.ADMINISTER)
class SessionList:
    """List the browsers that are logged in.

    ``session`` names a session for `session_revoke`. It cannot be used to log in.
    """

    user: Annotated[Name, Doc("Only this user."), Argument("NAME")] = ""


@request(Scope.ADMINISTER)
class SessionRevoke:
    """End a session: its browser has to log in again."""

    session: Annotated[Text, Doc("The session's name, as in the list of sessions."), Argument("SESSION")]


@request(Scope.ADMINISTER)
class TokenAdd:
    """Make an API token for a user. It has no more rights than its owner, and is shown only once."""

    name: Annotated[Name, Doc("The name of the program that uses it."), Argument("NAME")]
    scopes: Annotated[
        list[Scope], MaxLen(len(Scope)), Doc("What the token may do. One for each scope."), Option("--scope")
    ]
    days: Annotated[
        Annotated[int, Interval(ge=1, le=DAYS_MAX)] | None, Doc("Days until it expires; it never expires if left out.")
    ] = None
    user: Annotated[Name, Doc("The token's owner; you if left out."), Option(metavar="NAME")] = ""


@request(Scope.ADMINISTER)
class TokenList:
    """List API tokens and their scopes, newest first."""

    user: Annotated[Name, Doc("Only this user."), Option(metavar="NAME")] = ""
    ended: Annotated[bool, Doc("Include tokens that have ended.")] = False


@request(Scope.ADMINISTER)
class TokenRevoke:
    """End an API token."""

    token: Annotated[int, Interval(ge=1, le=NUMBER_MAX), Doc("The token's number."), Argument("NO")]


@request(Scope.ADMINISTER)
class AuditList:
    """List who did what, newest first.

    ``verbs``: every verb that the audit log records.
    """

    limit: PageLimit = 100
    before: Annotated[
        Annotated[int, Interval(ge=1, le=NUMBER_MAX)] | None,
        Doc("Only entries before this number."),
        Option(metavar="NO"),
    ] = None
    who: Annotated[Text, Doc("Only entries by this person."), Option(metavar="NAME")] = ""
    what: Annotated[Text, Doc("Only entries of this verb, such as adjust."), Option(metavar="VERB")] = ""
    day: Annotated[
        date | None,
        Doc("Only this day, in the time zone of OnHand's machine, such as 2026-11-25."),
        Option(metavar="DAY"),
    ] = None
