"""The commands about people: users, their sessions, API tokens, the audit log.

Path: ``program`` adds ``user``, ``token`` and ``audit`` to the program.
Promise: whoever has the store data file can let himself in again: `onhand user link` makes a new one-time link.
Never: takes or shows a password.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from onhand.cli import printing
from onhand.cli.console import EXITS, said
from onhand.cli.deriving import derive, more
from onhand.requests import people as requests

if TYPE_CHECKING:
    from rich.console import Console

    from onhand.wire import Data

user = typer.Typer(help="Users: list, add, edit, link, and their sessions.", no_args_is_help=True, epilog=EXITS)
people = typer.Typer()  # its commands stand on the first level
token = typer.Typer(help="API tokens of programs: add, list, revoke.", no_args_is_help=True, epilog=EXITS)

LINK = "{name} comes in, within a week and once, by the path {link} behind the address that `onhand serve` prints."


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


# Commands of which a declaration says everything

derive(user, "list", requests.UserList, _print_users)
derive(user, "add", requests.UserAdd, said(LINK))
derive(user, "edit", requests.UserEdit, said("{name} is saved: {role}."))
derive(user, "link", requests.UserLink, said(LINK))
derive(user, "sessions", requests.SessionList, _print_sessions)
derive(user, "revoke", requests.SessionRevoke, said("Session {session} is ended."))
derive(token, "add", requests.TokenAdd, said("The token {name}, which is not shown again: {token}"))
derive(token, "list", requests.TokenList, _print_tokens)
derive(token, "revoke", requests.TokenRevoke, said("Token {id} is ended."))
derive(people, "audit", requests.AuditList, _print_audit, more("entries", "id", "--before"))
