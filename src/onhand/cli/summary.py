"""Prints how everything is: the carts, what waits for a person, and what the next command is.

Path: ``onhand status`` shows the answer of the verb of that name with it.
Promise: whatever keeps a cart from being in step has a line that says what to do.
Never: decides a state: the answer names it.
"""

from __future__ import annotations

import shlex

from rich.console import Console

from onhand.cli.printing import BAD, QUIET, ago, say, state_of, table
from onhand.domain.notices import Kind
from onhand.domain.oversell import oversell_in_words
from onhand.wire import Data

# What waits for a person at a cart: for one, for several, and what to do.
OPEN = {
    "to_decide": (
        "difference waits for your decision",
        "differences wait for your decision",
        "See `onhand differences {cart} --open`.",
    ),
    "to_settle": (
        "difference is for you to settle",
        "differences are for you to settle",
        "See `onhand differences {cart} --open`.",
    ),
    "parked": ("post is parked", "posts are parked", "See `onhand posts {cart}`."),
    "not_aligned": (
        "product is not aligned",
        "products are not aligned",
        "Use `onhand send-qoh {cart}` or `onhand get-qoh {cart}`.",
    ),
}
NOTICES = {
    Kind.OVERSOLD: "See `onhand item list --below-zero`.",
    Kind.SWITCHED_OFF: "See `onhand cart products {cart} --problem 'switched off'`, then `onhand listing switch-on`.",
    Kind.UNMATCHED: "`onhand listing create {cart} --dry-run` shows which.",
    Kind.UNCLEAR: "See `onhand cart products {cart} --problem unsettled`.",
    Kind.LOW: "See `onhand item list --reorder`.",
}


def _about(out: Console, cart: Data) -> None:
    """Print what stands in the way of one cart, and what to do about it."""
    name = cart["name"]
    if why := cart["halted"] or cart["trouble"]:
        say(out, f"{name}: {why}", BAD)
    elif cart["unseen_seconds"] is not None:
        say(out, f"{name}: not looked at for {cart['unseen_seconds']} s; its shop does not finish an answer.", BAD)
    for field, (one, several, todo) in OPEN.items() if cart["active"] and cart["aligned"] else ():
        if number := cart[field]:
            what = f"{number:,} {one if number == 1 else several}"
            say(out, f"{name}: {what}. {todo.format(cart=shlex.quote(name))}", "yellow")


def status(out: Console, data: Data) -> None:
    """Print the carts with their states, then what to do about each."""
    driven = "A controller is at work" if data["controller"] else "No controller is at work: start `onhand serve`"
    switch = "" if data["synch_qoh"] else "; SynchQOH is off for the whole program"
    items = f"{data['items']:,} {'item' if data['items'] == 1 else 'items'}"
    say(out, f"{items} in {data['store']}. {driven}{switch}.")
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
    columns = ["Cart", "State", "Looked at", ">Products", ">Kept", ">Not kept", ">Posts", ">Differences"]
    table(out, columns, rows, "No carts yet: add one with `onhand cart add`.")
    for cart in data["carts"]:
        _about(out, cart)
    for notice in data["notices"]:
        todo = NOTICES[Kind(notice["kind"])].format(cart=shlex.quote(notice["cart_name"]))
        say(out, f"{notice['text']} {todo}", QUIET if notice["kind"] == Kind.LOW else "yellow")
    if data["oversell"]:
        say(out, oversell_in_words(**data["oversell"]), QUIET)
