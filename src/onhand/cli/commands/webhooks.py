"""The commands about webhooks: whom to tell what, and what came of it.

Path: ``program`` adds ``webhook`` to the program.
Promise: a secret is printed once, when its webhook is added.
Never: tells anybody anything, but to test; `onhand serve` and `onhand controller` do.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from onhand.cli import printing
from onhand.cli.console import EXITS, Call, command, said

if TYPE_CHECKING:
    from rich.console import Console

    from onhand.wire import Data

webhook = typer.Typer(
    help="Programs elsewhere that are told what happens: add, list, show, edit, test, retry, remove.",
    no_args_is_help=True,
    epilog=EXITS,
)

Number = Annotated[int, typer.Argument(metavar="NO", min=1, help="The webhook's number.")]


class EventChoice(StrEnum):
    """What can be told."""

    STOCK_CHANGED = "stock.changed"
    DIFFERENCE_OPENED = "difference.opened"
    CART_DOWN = "cart.down"
    CART_UP = "cart.up"


Events = Annotated[
    list[EventChoice] | None, typer.Option("--event", help="Tell it of this; may be given several times.")
]
AllowHttp = typer.Option("--allow-http/--no-allow-http", help="Allow plain HTTP: counts can be read on the way then.")


@command(webhook, "add")
def webhook_add(
    call: Call,
    url: Annotated[str, typer.Argument(metavar="URL", help="Where it listens, as in https://example.com/onhand.")],
    events: Events = None,
    allow_http: Annotated[bool, AllowHttp] = False,
) -> None:
    """Tell an address what happens from now on; of everything, unless events are named."""
    words = "Webhook {webhook} is added. Its secret, shown this once: {secret}"
    call.answer("webhook_add", said(words), url=url, events=list(events or EventChoice), allow_http=allow_http)


@command(webhook, "list")
def webhook_list(call: Call) -> None:
    """List all webhooks."""
    call.answer("webhook_list", _print_webhooks)


@command(webhook, "show")
def webhook_show(
    call: Call,
    number: Number,
    before: Annotated[int | None, typer.Option("--before", min=1, metavar="NO", help="Only older deliveries.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many at most.")] = 20,
) -> None:
    """Show a webhook with its deliveries, the newest first."""
    call.answer("webhook_show", _print_webhook, webhook=number, before=before, limit=limit)


@command(webhook, "edit")
def webhook_edit(
    call: Call,
    number: Number,
    url: Annotated[str | None, typer.Option("--url", help="A new address.")] = None,
    events: Events = None,
    active: Annotated[bool | None, typer.Option("--active/--inactive", help="Whether it is told anything.")] = None,
    allow_http: Annotated[bool | None, AllowHttp] = None,
) -> None:
    """Change a webhook; what is not given stays."""
    chosen = list(events) if events else None
    words = "Webhook {webhook} is changed."
    call.answer(
        "webhook_edit", said(words), webhook=number, url=url, events=chosen, active=active, allow_http=allow_http
    )


@command(webhook, "test")
def webhook_test(call: Call, number: Number) -> None:
    """Send a test message at once and say what was answered."""
    call.answer("webhook_test", _print_test, webhook=number)


@command(webhook, "retry")
def webhook_retry(
    call: Call, number: Annotated[int, typer.Argument(metavar="NO", min=1, help="The delivery's number.")]
) -> None:
    """Try a delivery again now, also one that was given up."""
    call.answer("webhook_retry", said("Delivery {delivery} is tried again now."), delivery=number)


@command(webhook, "remove")
def webhook_remove(call: Call, number: Number) -> None:
    """Remove a webhook with what was not delivered to it yet."""
    call.answer("webhook_remove", said("The webhook to {removed} is removed."), webhook=number)


def _state(row: Data) -> str:
    if not row["active"]:
        return "off"
    return "not taken" if row["failing"] else "on"


def _print_webhooks(console: Console, data: Data) -> None:
    rows = [
        [row["webhook"], row["url"], ", ".join(row["events"]), _state(row), row["waiting"]] for row in data["webhooks"]
    ]
    printing.table(console, [">No", "Address", "Told of", "State", ">Waiting"], rows, "No webhooks yet.")


def _print_webhook(console: Console, data: Data) -> None:
    printing.say(console, f"Webhook {data['webhook']} to {data['url']} is {_state(data)}.")
    rows = [
        [row["delivery"], row["event"], row["state"], row["attempts"], printing.at(row["created_at"]), row["answer"]]
        for row in data["deliveries"]
    ]
    printing.table(console, [">No", "Event", "State", ">Tries", "Made", "Answer"], rows, "Nothing was sent yet.")


def _print_test(console: Console, data: Data) -> None:
    word = "The test was taken" if data["delivered"] else "The test was not taken"
    printing.say(console, f"{word}: {data['answer']}")
