"""Prints the status: the carts, what needs attention, and the next command to run.

Path: ``onhand status`` prints the answer of the verb ``status`` with it.
Promise: everything that keeps a cart from being in sync has a line that says what to do.
Never: decides a state; the answer has it.
"""

from __future__ import annotations

import shlex

from rich.console import Console

from onhand.cli.printing import BAD, QUIET, ago, say, state_of, table
from onhand.domain.notices import Kind
from onhand.domain.oversell import oversell_in_words
from onhand.wire import Data
from onhand.words import counted

# What waits for a person at a cart: one, several, and what to do.
OPEN = {
    "to_decide": (
        "difference waits for your decision",
        "differences wait for your decision",
        "See `onhand differences {cart} --open`.",
    ),
    "to_settle": (
        "difference must be fixed by hand",
        "differences must be fixed by hand",
        "See `onhand differences {cart} --open`.",
    ),
    "parked": ("post is parked", "posts are parked", "See `onhand posts {cart}`."),
    "not_aligned": (
        "product is not aligned",
        "products are not aligned",
        "Run `onhand send-qoh {cart}` or `onhand get-qoh {cart}`.",
    ),
}
NOTICES = {
    Kind.OVERSOLD: "See `onhand item list --below-zero`.",
    Kind.SWITCHED_OFF: "List them with `onhand cart products {cart} --problem 'switched off'`, then run `onhand listing switch-on`.",
    Kind.UNMATCHED: "Preview them with `onhand listing create {cart} --dry-run`.",
    Kind.UNCLEAR: "See `onhand cart products {cart} --problem unsettled`.",
    Kind.LOW: "See `onhand item list --reorder`.",
}


def _about(out: Console, cart: Data) -> None:
    """Print what keeps one cart from being in sync, and what to do about it."""
    name = cart["name"]
    if why := cart["halted"] or cart["trouble"]:
        say(out, f"{name}: {why}", BAD)
    elif cart["unseen_seconds"] is not None:
        silence = counted(cart["unseen_seconds"], "second")
        say(out, f"{name}: not checked for {silence}, because its shop does not finish an answer.", BAD)
    for field, (one, several, todo) in OPEN.items() if cart["active"] and cart["aligned"] else ():
        if number := cart[field]:
            what = counted(number, one, several)
            say(out, f"{name}: {what}. {todo.format(cart=shlex.quote(name))}", "yellow")


def status(out: Console, data: Data) -> None:
    """Print the carts with their states, then what needs attention."""
    running = "Sync is running" if data["controller"] else "Sync is not running: start `onhand serve`"
    switch = "" if data["synch_qoh"] else " SynchQOH is off, so no cart is synchronized."
    say(out, f"{counted(data['items'], 'item')} in {data['store']}. {running}.{switch}")
    rows = [
        [
            cart["name"],
            state_of(cart),
            ago(cart["looked_at"]),
            cart["listings"],
            cart["in_step"],
            cart["listings"] - cart["in_step"],
            cart["waiting"] + cart["in_flight"],
            cart["differences_open"],
        ]
        for cart in data["carts"]
    ]
    columns = ["Cart", "State", "Last checked", ">Products", ">In sync", ">Not in sync", ">Posts", ">Differences"]
    table(out, columns, rows, "No carts yet: add one with `onhand cart add`.")
    if data["processes"]:
        columns = ["Machine", "Process", ">Number", "Running since", "Carts"]
        keeps = [", ".join(process["carts"]) for process in data["processes"]]
        rows = [
            [process["machine"], f"onhand {process['role']}", process["pid"], ago(process["since"]), carts]
            for process, carts in zip(data["processes"], keeps, strict=True)
        ]
        table(out, columns, rows, "")
    for cart in data["carts"]:
        _about(out, cart)
    for notice in data["notices"]:
        todo = NOTICES[Kind(notice["kind"])].format(cart=shlex.quote(notice["cart_name"]))
        say(out, f"{notice['text']} {todo}", QUIET if notice["kind"] == Kind.LOW else "yellow")
    if data["oversell"]:
        say(out, oversell_in_words(**data["oversell"]), QUIET)
