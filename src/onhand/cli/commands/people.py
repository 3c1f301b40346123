"""The commands about people: users, their sessions, API tokens, the audit log.

Path: ``program`` adds ``user``, ``token`` and ``audit`` to the program.
Promise: whoever has the store data file can let himself in again: `onhand user link` makes a new one-time link.
Never: takes or shows a password.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from onhand.cli import printing
from onhand.cli.console import EXITS, Call, command, said, say_more
from onhand.domain.people import Role, Scope

if TYPE_CHECKING:
    from rich.console import Console

    from onhand.wire import Data

user = typer.Typer(help="Users: list, add, edit, link, and their sessions.", no_args_is_help=True, epilog=EXITS)
token = typer.Typer(help="API tokens of programs: add, list, revoke.", no_args_is_help=True, epilog=EXITS)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.")]
LINK = "{name} comes in, within a week and once, by the path {link} behind the address that `onhand serve` prints."


@command(user, "list")
def user_list(call: Call) -> None:
    """List users and what they may do."""
    call.answer("user_list", _print_users)


@command(user, "add")
def user_add(
    call: Call,
    name: Name,
    role: Annotated[Role, typer.Option("--role", help="What the user may do.")] = Role.CLERK,
) -> None:
    """Invite a user; the answer has the one-time link with which he chooses his password."""
    call.answer("user_add", said(LINK), name=name, role=role.value)


@command(user, "edit")
def user_edit(
    call: Call,
    name: Name,
    role: Annotated[Role | None, typer.Option("--role", help="What the user may do from now on.")] = None,
    active: Annotated[bool | None, typer.Option("--active/--inactive", help="Let in, or keep out.")] = None,
) -> None:
    """Change what a user may do, or keep him out."""
    call.answer("user_edit", said("{name} is saved: {role}."), name=name, role=role and role.value, active=active)


@command(user, "link")
def user_link(
    call: Call,
    name: Name,
    sessions: Annotated[
        bool, typer.Option("--end-sessions/--keep-sessions", help="End the user's sessions, or keep them.")
    ] = True,
    tokens: Annotated[bool, typer.Option("--end-tokens", help="End the user's API tokens too.")] = False,
) -> None:
    """Make a new one-time link for a user who forgot their password. Older links end."""
    call.answer("user_link", said(LINK), name=name, sessions=sessions, tokens=tokens)


@command(user, "sessions")
def sessions(call: Call, name: Annotated[str, typer.Argument(metavar="NAME", help="Only this user's.")] = "") -> None:
    """List the browsers that are logged in."""
    call.answer("session_list", _print_sessions, user=name)


@command(user, "revoke")
def revoke(
    call: Call, session: Annotated[str, typer.Argument(metavar="SESSION", help="As `onhand user sessions` names it.")]
) -> None:
    """End a session."""
    call.answer("session_revoke", said("Session {session} is ended."), session=session)


@command(token, "add")
def token_add(
    call: Call,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the program is called.")],
    owner: Annotated[str, typer.Option("--user", metavar="NAME", help="Whose token it is: it may do no more.")],
    scope: Annotated[list[Scope], typer.Option("--scope", help="What it may do; give it several times.")],
    days: Annotated[
        int | None, typer.Option("--days", min=1, max=3650, help="How long it is valid; for ever if left out.")
    ] = None,
) -> None:
    """Make an API token; it is shown this once."""
    asked = {"name": name, "user": owner, "scopes": [one.value for one in scope], "days": days}
    call.answer("token_add", said("The token {name}, which is not shown again: {token}"), **asked)


@command(token, "list")
def token_list(
    call: Call,
    ended: Annotated[bool, typer.Option("--ended", help="Those that ended as well.")] = False,
) -> None:
    """List API tokens and what they may do."""
    call.answer("token_list", _print_tokens, ended=ended)


@command(token, "revoke")
def token_revoke(call: Call, number: Annotated[int, typer.Argument(metavar="NO", min=1, help="Its number.")]) -> None:
    """End an API token."""
    call.answer("token_revoke", said("Token {id} is ended."), token=number)


def audit(
    call: Call,
    who: Annotated[str, typer.Option("--who", metavar="NAME", help="Only what this person had done.")] = "",
    what: Annotated[str, typer.Option("--what", metavar="VERB", help="Only this verb, such as adjust.")] = "",
    day: Annotated[
        datetime | None, typer.Option("--day", formats=["%Y-%m-%d"], help="Only this day, as in 2026-11-25.")
    ] = None,
    before: Annotated[int | None, typer.Option("--before", min=1, metavar="NO", help="Only older entries.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many at most.")] = 50,
) -> None:
    """List who had what done, the newest first."""
    asked = {"who": who, "what": what, "day": day and day.date().isoformat(), "before": before, "limit": limit}
    found = call.answer("audit_list", _print_audit, **asked)
    say_more(call, found["entries"], limit, "id", "--before")


def _print_users(console: Console, data: Data) -> None:
    rows = [
        [row["name"], row["role"], _state(row), row["sessions"], printing.at(row["since"])] for row in data["users"]
    ]
    nobody = "No users yet: `onhand serve` prints the link for the first administrator."
    printing.table(console, ["Name", "Role", "State", ">Sessions", "Since"], rows, nobody)


def _state(row: Data) -> str:
    if not row["active"]:
        return "kept out"
    return "may log in" if row["begun"] else "invited"


def _print_sessions(console: Console, data: Data) -> None:
    rows = [
        [row["session"], row["user"], printing.at(row["since"]), printing.at(row["seen_at"]), row["browser"][:60]]
        for row in data["sessions"]
    ]
    printing.table(console, ["Session", "User", "Since", "Last seen", "Browser"], rows, "Nobody is logged in.")


def _print_tokens(console: Console, data: Data) -> None:
    rows = [
        [
            row["id"],
            row["name"],
            row["user"],
            ", ".join(row["scopes"]),
            printing.at(row["used_at"]) if row["used_at"] else "never",
            "valid" if row["valid"] else "ended",
        ]
        for row in data["tokens"]
    ]
    printing.table(console, [">No", "Name", "Of", "May", "Last used", "State"], rows, "No tokens yet.")


def _print_audit(console: Console, data: Data) -> None:
    rows = [
        [row["id"], printing.at(row["at"]), row["person"], row["via"], row["verb"], row["arguments"][:100]]
        for row in data["entries"]
    ]
    printing.table(console, [">No", "When", "Who", "Way", "What", "With"], rows, "Nothing was done yet.")
