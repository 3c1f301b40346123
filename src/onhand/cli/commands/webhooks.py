"""The commands about webhooks: their addresses, events and deliveries.

Path: ``program`` adds ``webhook`` to the program.
Promise: a secret is printed once, when its webhook is added.
Never: sends a message, except a test; `onhand serve` and `onhand controller` send them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from onhand.cli import printing
from onhand.cli.console import EXITS, said
from onhand.cli.deriving import derive, more
from onhand.domain.webhooks import DeliveryState
from onhand.requests import webhooks as requests
from onhand.words import label_of

if TYPE_CHECKING:
    from rich.console import Console

    from onhand.wire import Data

webhook = typer.Typer(
    help="Webhooks, which tell other programs what happens: add, list, show, edit, test, retry, remove.",
    no_args_is_help=True,
    epilog=EXITS,
)


def _state(row: Data) -> str:
    if not row["active"]:
        return "Off"
    return "Failing" if row["failing"] else "On"


def _print_webhooks(console: Console, data: Data) -> None:
    rows = [
        [row["webhook"], row["url"], ", ".join(row["events"]), _state(row), row["waiting"]] for row in data["webhooks"]
    ]
    printing.table(console, [">No.", "Address", "Events", "State", ">Waiting"], rows, "No webhooks yet.")


def _print_webhook(console: Console, data: Data) -> None:
    printing.say(console, f"Webhook {data['webhook']} to {data['url']}: {_state(data)}.")
    rows = [
        [
            row["delivery"],
            row["event"],
            label_of(DeliveryState, row["state"]),
            row["attempts"],
            printing.at(row["created_at"]),
            row["answer"],
        ]
        for row in data["deliveries"]
    ]
    printing.table(console, [">No.", "Event", "State", ">Attempts", "Created", "Answer"], rows, "No deliveries yet.")


def _print_test(console: Console, data: Data) -> None:
    word = "The test was delivered" if data["delivered"] else "The test failed"
    printing.say(console, f"{word}: {data['answer']}")


# Commands derived from their requests

derive(
    webhook,
    "add",
    requests.WebhookAdd,
    said("Webhook {webhook} was added. Copy its secret now, it is not shown again: {secret}"),
)
derive(webhook, "list", requests.WebhookList, _print_webhooks)
derive(webhook, "show", requests.WebhookShow, _print_webhook, more("deliveries", "delivery", "--before"))
derive(webhook, "edit", requests.WebhookEdit, said("Webhook {webhook} was saved."))
derive(webhook, "test", requests.WebhookTest, _print_test)
derive(webhook, "retry", requests.WebhookRetry, said("Delivery {delivery} is retried now."))
derive(webhook, "remove", requests.WebhookRemove, said("The webhook to {removed} was removed."))
