"""The commands about people: users, their sessions, API tokens, the audit log.

Path: ``program`` adds ``user``, ``token`` and ``audit`` to the program.
Promise: anyone with the store data file can get back in: `onhand user link` makes a new one-time link.
Never: takes or shows a password.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from onhand.cli import printing
from onhand.cli.console import EXITS, said
from onhand.cli.deriving import derive, more
from onhand.domain.people import Role
from onhand.requests import people as requests
from onhand.words import label_of

if TYPE_CHECKING:
    from rich.console import Console

    from onhand.wire import Data

user = typer.Typer(help="Users: list, add, edit, link, and their sessions.", no_args_is_help=True, epilog=EXITS)
people = typer.Typer()  # its commands are top-level
token = typer.Typer(help="API tokens of programs: add, list, revoke.", no_args_is_help=True, epilog=EXITS)

LINK = "Send {name} this one-time link (valid for 7 days): the address that `onhand serve` prints, followed by {link}"


def _print_users(console: Console, data: Data) -> None:
    rows = [
        [row["name"], label_of(Role, row["role"]), _state(row), row["sessions"], printing.at(row["since"])]
        for row in data["users"]
    ]
    empty = "No users yet: `onhand serve` prints a link for the first administrator."
    printing.table(console, ["Name", "Role", "State", ">Sessions", "Added"], rows, empty)


def _state(row: Data) -> str:
    if not row["active"]:
        return "Blocked"
    return "Can log in" if row["begun"] else "Invited"


def _print_saved(console: Console, data: Data) -> None:
    printing.say(console, f"{data['name']} was saved: {label_of(Role, data['role'])}, {_state(data).lower()}.")


def _print_sessions(console: Console, data: Data) -> None:
    rows = [
        [row["session"], row["user"], printing.at(row["since"]), printing.at(row["seen_at"]), row["browser"][:60]]
        for row in data["sessions"]
    ]
    printing.table(console, ["Session", "User", "Logged in", "Last active", "Browser"], rows, "No one is logged in.")


def _print_tokens(console: Console, data: Data) -> None:
    rows = [
        [
            row["id"],
            row["name"],
            row["user"],
            ", ".join(row["scopes"]),
            printing.at(row["used_at"]) if row["used_at"] else "Never",
            "Valid" if row["valid"] else "Ended",
        ]
        for row in data["tokens"]
    ]
    printing.table(console, [">No.", "Name", "User", "Scopes", "Last used", "State"], rows, "No tokens yet.")


def _print_audit(console: Console, data: Data) -> None:
    rows = [
        [row["id"], printing.at(row["at"]), row["person"], row["via"], row["verb"], row["arguments"][:100]]
        for row in data["entries"]
    ]
    printing.table(console, [">No.", "When", "Who", "Via", "Action", "Arguments"], rows, "The audit log is empty.")


# Commands derived from their requests

derive(user, "list", requests.UserList, _print_users)
derive(user, "add", requests.UserAdd, said(LINK))
derive(user, "edit", requests.UserEdit, _print_saved)
derive(user, "link", requests.UserLink, said(LINK))
derive(user, "sessions", requests.SessionList, _print_sessions)
derive(user, "revoke", requests.SessionRevoke, said("Session {session} was ended."))
derive(token, "add", requests.TokenAdd, said("Copy the token for {name} now, it is not shown again: {token}"))
derive(token, "list", requests.TokenList, _print_tokens)
derive(token, "revoke", requests.TokenRevoke, said("Token {id} was revoked."))
derive(people, "audit", requests.AuditList, _print_audit, more("entries", "id", "--before"))
