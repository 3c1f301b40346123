"""The commands about webhooks: whom to tell what, and what came of it.

Path: ``program`` adds ``webhook`` to the program.
Promise: a secret is printed once, when its webhook is added.
Never: tells anybody anything, but to test; `onhand serve` and `onhand controller` do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from onhand.cli import printing
from onhand.cli.console import EXITS, said
from onhand.cli.deriving import derive, more
from onhand.requests import webhooks as requests

if TYPE_CHECKING:
    from rich.console import Console

    from onhand.wire import Data

webhook = typer.Typer(
    help="Programs elsewhere that are told what happens: add, list, show, edit, test, retry, remove.",
    no_args_is_help=True,
    epilog=EXITS,
)


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


# Commands of which a declaration says everything

derive(webhook, "add", requests.WebhookAdd, said("Webhook {webhook} is added. Its secret, shown this once: {secret}"))
derive(webhook, "list", requests.WebhookList, _print_webhooks)
derive(webhook, "show", requests.WebhookShow, _print_webhook, more("deliveries", "delivery", "--before"))
derive(webhook, "edit", requests.WebhookEdit, said("Webhook {webhook} is changed."))
derive(webhook, "test", requests.WebhookTest, _print_test)
derive(webhook, "retry", requests.WebhookRetry, said("Delivery {delivery} is tried again now."))
derive(webhook, "remove", requests.WebhookRemove, said("The webhook to {removed} is removed."))
