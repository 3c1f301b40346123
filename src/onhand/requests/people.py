"""What the verbs of ``verbs.people`` take: users, sessions, API tokens and the audit log.

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
    """List users and what they may do."""


@request(Scope.ADMINISTER)
class UserAdd:
    """Invite a user.

    The answer has the path of the one-time link with which they choose their password within a week.
    """

    name: User
    role: Annotated[Role, Doc("What the user may do.")] = Role.CLERK


@request(Scope.ADMINISTER)
class UserEdit:
    """Change what a user may do, or keep them out. No caller gives a right that it does not have."""

    name: User
    role: Annotated[Role | None, Doc("What the user may do from now on.")] = None
    active: Annotated[bool | None, Doc("Let in, or keep out."), Option("--active/--inactive")] = None
    revision: Revision = None


@request(Scope.ADMINISTER)
class UserLink:
    """Make a new one-time link for a user who forgot their password. Older links end."""

    name: User
    sessions: Annotated[
        bool, Doc("End the user's sessions, or keep them."), Option("--end-sessions/--keep-sessions")
    ] = True
    tokens: Annotated[bool, Doc("End the user's API tokens too."), Option("--end-tokens")] = False


@request(Scope.ADMINISTER)
class SessionList:
    """List the browsers that are logged in.

    ``session`` names one for `session_revoke`; it lets nobody in.
    """

    user: Annotated[Name, Doc("Only this user's."), Argument("NAME")] = ""


@request(Scope.ADMINISTER)
class SessionRevoke:
    """End a session: its browser has to log in again."""

    session: Annotated[Text, Doc("As `onhand user sessions` names it."), Argument("SESSION")]


@request(Scope.ADMINISTER)
class TokenAdd:
    """Make an API token of a user, that may do no more than its owner; it is shown this once."""

    name: Annotated[Name, Doc("What the program is called."), Argument("NAME")]
    scopes: Annotated[list[Scope], MaxLen(len(Scope)), Doc("What it may do; give it several times."), Option("--scope")]
    days: Annotated[
        Annotated[int, Interval(ge=1, le=DAYS_MAX)] | None, Doc("How long it is valid; for ever if left out.")
    ] = None
    user: Annotated[Name, Doc("Whose token it is; your own if left out."), Option(metavar="NAME")] = ""


@request(Scope.ADMINISTER)
class TokenList:
    """List API tokens and what they may do, the newest first."""

    user: Annotated[Name, Doc("Only this user's."), Option(metavar="NAME")] = ""
    ended: Annotated[bool, Doc("Those that ended as well.")] = False


@request(Scope.ADMINISTER)
class TokenRevoke:
    """End an API token."""

    token: Annotated[int, Interval(ge=1, le=NUMBER_MAX), Doc("Its number."), Argument("NO")]


@request(Scope.ADMINISTER)
class AuditList:
    """List who had what done, the newest first.

    ``verbs``: all that the log tells of.
    """

    limit: PageLimit = 100
    before: Annotated[
        Annotated[int, Interval(ge=1, le=NUMBER_MAX)] | None, Doc("Only older entries."), Option(metavar="NO")
    ] = None
    who: Annotated[Text, Doc("Only what this person had done."), Option(metavar="NAME")] = ""
    what: Annotated[Text, Doc("Only this verb, such as adjust."), Option(metavar="VERB")] = ""
    day: Annotated[
        date | None, Doc("Only this day on the clock of this machine, as in 2026-11-25."), Option(metavar="DAY")
    ] = None
