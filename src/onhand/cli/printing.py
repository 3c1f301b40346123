"""Turns the answers of verbs into text for people: short tables, numbers to the right, causes in words.

Path: ``program`` names one function of this module for each command; ``console`` prints errors and bars with it.
Promise: text that came from a shop is printed as it is: it can neither colour nor move the cursor of a terminal.
Never: leaves out that something was left out.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TextIO

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from onhand.domain.errors import OnHandError
from onhand.domain.states import CartState
from onhand.wire import Data

PIPE_WIDTH = 10_000  # a file has no edge: nothing is cut there
ROWS_SHOWN = 20  # of a list that only gives an impression
BAD, GOOD, QUIET = "red", "green", "dim"

WHAT_TO_DO = {
    "failed": "The shop did not take the change; correct the product there, then `onhand posts CART --retry`.",
    "unmatched": "No item has this SKU: correct it in the shop, `onhand listing choose` its item, or run `onhand get-qoh` with --create.",
    "blank": "The product has no SKU: give it one in the shop, or `onhand listing choose` its item.",
    "duplicate": "Another product of this shop has the same SKU: give each its own in the shop, or `onhand listing choose` one.",
    "looks alike": "Its SKU looks like another one and is written in other characters: correct it in the shop, or `onhand listing choose`.",
    "fraction": "The shop holds part of a unit: make it a whole number there.",
    "download": "Sold as a download: such products are not kept in step.",
    "derived": "The shop works its quantity out from variants or sub-products: those are what it sells.",
    "deleted": "The product is gone from the shop.",
    "set aside": "Its item has Ignore QOH or Drop ship: no quantity goes either way.",
    "ignored": "A person set the product aside: `onhand listing release` undoes it.",
}
COUNTED = ("changed", "created", "equal", *WHAT_TO_DO)
STATE_STYLES = {
    CartState.IN_STEP: GOOD,
    CartState.WORKING: "yellow",
    CartState.WAITS: "yellow",
    CartState.NO_CONTROLLER: "yellow",
    CartState.UNSEEN: BAD,
    CartState.TROUBLE: BAD,
    CartState.STOPPED: BAD,
}


def console(stream: TextIO) -> Console:
    """A console for this stream."""
    return Console(file=stream, width=None if stream.isatty() else PIPE_WIDTH, highlight=False, markup=False)


def plain(value: object) -> str:
    """A value as one harmless line of text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "".join(" " if unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"} else c for c in str(value))


def at(value: str | None) -> str:
    """A time of ours in the reader's own zone."""
    return "" if value is None else datetime.fromisoformat(value).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def ago(value: str | None) -> str:
    """How long ago a time was."""
    if value is None:
        return "never"
    seconds = int((datetime.now(UTC) - datetime.fromisoformat(value)).total_seconds())
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{max(0, seconds)} s ago"


def signed(value: int | None) -> str:
    return "" if value is None else f"{value:+d}"


def table(out: Console, columns: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> None:
    """Print a table; a column named with ``>`` in front holds numbers. Without rows, print a sentence instead."""
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        right = column.startswith(">")
        drawn.add_column(
            plain(column.removeprefix(">")), justify="right" if right else "left", no_wrap=right, overflow="fold"
        )
    for row in rows:
        drawn.add_row(*(cell if isinstance(cell, Text) else Text(plain(cell)) for cell in row))
    if drawn.row_count:
        out.print(drawn)
    else:
        out.print(empty)


def say(out: Console, sentence: str, style: str = "") -> None:
    out.print(Text(plain(sentence), style=style))


def served(out: Console, data: Data) -> None:
    """Where the screens are; and for the first administrator, the way in."""
    say(out, f"OnHand is at {data['url']}")
    if data["first"]:
        say(out, f"The first administrator begins, once and within a day, at {data['first']}")


def text(out: Console, data: Data) -> None:
    """Print the answer's file as it is."""
    out.file.write(data["text"])


def error(out: Console, fault: OnHandError) -> None:
    """One red sentence, and the list that belongs to it."""
    say(out, fault.message, BAD)
    facts = fault.facts
    if isinstance(rows := facts.get("differing"), list):
        table(out, ["SKU", ">On hand", ">Shop", "Why"], [[r["sku"], r["here"], r["there"], r["why"]] for r in rows], "")
        _left_out(out, len(rows), facts.get("count"))
    if isinstance(rows := facts.get("faults"), list):
        table(out, [">Line", "Fault"], [[r["line"], r["fault"]] for r in rows], "")
        _left_out(out, len(rows), facts.get("count"))
    if isinstance(rows := facts.get("unknown"), list) and len(rows) > 1:
        table(out, ["Unknown SKU"], [[sku] for sku in rows], "")


@contextmanager
def bar(out: Console) -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar that goes away when the work is done."""
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeElapsedColumn()
    with Progress(*columns, console=out, transient=True) as shown:
        task = shown.add_task("working", total=None)
        yield lambda phase, done, total: shown.update(task, description=phase, completed=done, total=total or None)


# Items and stock


def items(out: Console, data: Data) -> None:
    carts = data["carts"]
    rows = [
        [row["sku"], row["name"], row["on_hand"], *(_shown(row["shops"].get(cart), row["on_hand"]) for cart in carts)]
        for row in data["items"]
    ]
    columns = ["SKU", "Name", ">On hand", *(f">{name}" for name in carts.values())]
    table(
        out, columns, rows, "No items. Add one with `onhand item add`, or take a shop's with `onhand get-qoh --create`."
    )


def _shown(listing: Data | None, on_hand: int) -> str:
    """What a shop shows for an item, or why it is not kept in step there. Dots: a change is on its way."""
    if listing is None:
        return "–"
    if listing["problem"]:
        return str(listing["problem"])
    if not listing["aligned"]:
        return "not aligned"
    marks = " parked" if listing["parked"] else " …" if listing["news"] and listing["shows"] != on_hand else ""
    return f"{listing['shows']}{marks}"


def movements(out: Console, data: Data) -> None:
    carts = data["carts"]
    rows = [
        [
            row["id"],
            at(row["at"]),
            row["sku"],
            signed(row["quantity"]),
            row["kind"],
            carts.get(str(row["cart"]), "") if row["cart"] else "",
            row["order"],
            row["reason"],
            row["person"],
        ]
        for row in data["movements"]
    ]
    columns = [">No", "When", "SKU", ">Units", "What", "Shop", "Order", "Why", "Who"]
    table(out, columns, rows, "No movements.")


def on_hand(out: Console, data: Data) -> None:
    if "order" in data:
        say(out, f"Order {data['order']} is booked.")
    table(out, ["SKU", ">On hand now"], data["on_hand"].items(), "Nothing.")


def parameters(out: Console, data: Data) -> None:
    rows = [[p["group"], p["name"], p["value"], p["default"], p["meaning"]] for p in data["parameters"]]
    table(out, ["Group", "Name", "Value", "Default", "Meaning"], rows, "")


# Carts


def carts(out: Console, data: Data) -> None:
    rows = [[c["name"], state_of(c), c["family"] or "not tested yet", c["listings"], c["url"]] for c in data["carts"]]
    table(
        out,
        ["Cart", "State", "Family", ">Products", "Connector"],
        rows,
        "No carts yet: add one with `onhand cart add`.",
    )


def state_of(cart: Data) -> Text:
    """A cart's state, in its colour."""
    return Text(plain(cart["state"]), style=STATE_STYLES.get(cart["state"], ""))


TEXTS = {
    "look_alikes": "a SKU that looks like an item's and is written in other characters.",
    "doubtful": "a SKU or name that may be in a broken character set: `onhand cart products CART --problem doubtful`.",
    "mended": "a SKU or name in a broken character set; it is read as meant.",
}
CART_FIELDS = {
    "url": "Connector",
    "family": "Family",
    "engine": "Tables",
    "state": "State",
    "trouble": "Trouble",
    "halted": "Stopped because",
    "active": "Active",
    "synchronize": "Synchronized",
    "aligned": "Aligned",
    "allow_http": "Plain HTTP allowed",
    "policy": "Edit policy",
    "buffer": "Units withheld",
    "batch_size": "Items per send",
    "tick_seconds": "Tick, seconds",
    "settle_seconds": "Settling time, seconds",
    "hinted_at": "Last hint of a sale",
    "listings": "Products",
    "in_step": "… kept in step",
    "not_aligned": "… not aligned",
    "unmatched": "… unmatched SKU",
    "duplicate": "… duplicate SKU",
    "blank": "… blank SKU",
    "untrackable": "… not trackable",
    "waiting": "Waiting posts",
    "in_flight": "Posts in flight",
    "parked": "Parked posts",
    "differences_open": "Open differences",
}
OF_THE_SYSTEM = {"policy", "batch_size", "tick_seconds", "settle_seconds"}  # None: as the system parameter says


def cart(out: Console, data: Data) -> None:
    say(out, data["name"], "bold")
    rows = []
    for field, words in CART_FIELDS.items():
        value = data[field]
        if value is None and field in OF_THE_SYSTEM:
            value = "as the system parameter"
        if value not in {None, ""}:
            rows.append([words, state_of(data) if field == "state" else value])
    table(out, ["", ""], rows, "")
    for concern in data["concerns"]:
        say(out, f"Mind: {concern}", "yellow")
    for kind, words in TEXTS.items():
        if number := data.get("texts", {}).get(kind):
            say(out, f"{number} {'product has' if number == 1 else 'products have'} {words}", "yellow")


def tested(out: Console, data: Data) -> None:
    answered = data["answered"]
    say(
        out,
        f"{data['cart']} answers: {answered['title']}, {answered['products']} products in {answered['engine']} tables, "
        f"{answered['database']}, {answered['runtime']}, connector {answered['connector']}.",
        GOOD,
    )
    table(out, ["Step", ">Milliseconds"], [[step["what"], step["milliseconds"]] for step in data["steps"]], "")
    for warning in data["warnings"]:
        say(out, f"Mind: {warning}", "yellow")


def products(out: Console, data: Data) -> None:
    rows = [
        [p["product"], p["model"], p["name"], p["on_hand"], p["shows"], _product_state(p)] for p in data["products"]
    ]
    table(out, [">Product", "SKU", "Name", ">On hand", ">Shop", "State"], rows, "No such products.")
    for problem in sorted({p["problem"] for p in data["products"] if p["problem"]}):
        say(out, f"{problem}: {WHAT_TO_DO.get(problem, '')}", QUIET)


def _product_state(product: Data) -> str:
    if product["looks_like"]:
        return f"unmatched, only looks like {product['looks_like']}"
    if product["problem"]:
        return str(product["problem"])
    if product["parked"]:
        return f"parked: {product['parked']}"
    if not product["aligned"]:
        return "not aligned"
    if product["switched_off"]:
        return "sold out, switched off"
    return f"{product['held']:+d} waits for a decision" if product["held"] else "in step"


def planned(out: Console, data: Data) -> None:
    """What Send or Get did, or would do."""
    _plan(out, data, "Get QOH from" if data["direction"] == "get" else "Send QOH to")


def created(out: Console, data: Data) -> None:
    """Which items were created for a shop's products, or would be."""
    _plan(out, data, "Create items from")


def _problem(out: Console, found: list[Data], problem: str, advice: str) -> None:
    """Print the products that have one problem, and what to do about it."""
    if not found:
        return
    say(out, f"{len(found)} {problem}. {advice}", "yellow")
    rows = [[line["product"], line["sku"], line["name"], line["failure"] or ""] for line in found[:ROWS_SHOWN]]
    table(out, [">Product", "SKU", "Name", ""], rows, "")
    _left_out(out, ROWS_SHOWN, len(found))


def _plan(out: Console, data: Data, what: str) -> None:
    get = data["direction"] == "get"
    counts = ", ".join(f"{data['counts'][word]} {word}" for word in COUNTED if word in data["counts"]) or "no products"
    say(out, f"{what} {data['cart']}: {counts}.")
    moved = [line for line in data["lines"] if line["change"] and line["result"] in {"changed", "created"}]
    if moved:
        rows = [
            [line["sku"], line["name"], line["here"], line["there"], signed(line["change"])]
            for line in moved[:ROWS_SHOWN]
        ]
        changed = ">Change here" if get else ">Change there"
        table(out, ["SKU", "Name", ">On hand", ">Shop", changed], rows, "")
        _left_out(out, ROWS_SHOWN, len(moved))
    for line in [line for line in data["lines"] if line.get("remark")][:ROWS_SHOWN]:
        say(out, f"{line['sku']}: {line['remark']}", "yellow")
    for problem, advice in WHAT_TO_DO.items():
        _problem(out, [line for line in data["lines"] if line["result"] == problem], problem, advice)
    if data["dry_run"]:
        say(out, "Dry run: nothing was changed on either side.", QUIET)


def _left_out(out: Console, shown: int, total: object) -> None:
    if isinstance(total, int) and total > shown:
        say(out, f"… and {total - shown} more; --json has more of them.", QUIET)


# Differences and posts


def differences(out: Console, data: Data) -> None:
    rows = [
        [
            row["id"],
            row["cart"],
            row["sku"] or (f"product {row['product']}" if row["product"] else "the whole cart"),
            row["cause"],
            signed(row["amount"]),
            row["seen"],
            row["expected"],
            _remedy(row),
            at(row["opened_at"]),
            row["note"],
        ]
        for row in data["differences"]
    ]
    columns = [">ID", "Cart", "SKU", "Cause", ">Units", ">Seen", ">Expected", "Remedy", "Found", "Note"]
    table(out, columns, rows, "No differences.")
    waiting = [row for row in data["differences"] if row["remedy"] == "ask" and row["closed_at"] is None]
    if waiting:
        say(out, f"Decide with `onhand decide {waiting[0]['id']} ours` or `theirs`.", "yellow")


REMEDIES = {
    "post": "our count posted",
    "book": "the shop's count booked",
    "ask": "a person decides",
    "rebase": "only the counter noted",
    "show": "settle it in the shop",
    "stop": "posting stopped; align the cart again",
}


def _remedy(row: Data) -> str:
    return f"{REMEDIES[row['remedy']]}, {'done' if row['closed_at'] else 'open'}"


def posts(out: Console, data: Data) -> None:
    waiting = [[row["cart"], row["product"], row["sku"], row["state"], row["reason"]] for row in data["waiting"]]
    table(out, ["Cart", ">Product", "SKU", "State", "Why"], waiting, "Nothing waits to be posted.")
    rows = [
        [
            row["cart"],
            row["seq"],
            row["sku"],
            signed(row["change"]),
            row["state"],
            at(row["created_at"]),
            row["trouble"],
        ]
        for row in data["posts"]
    ]
    table(out, ["Cart", ">No", "SKU", ">Change", "State", "When", "Trouble"], rows, "No posts yet.")


# The whole


def proof(out: Console, data: Data) -> None:
    if data["holds"]:
        say(out, "Proved: every quantity on hand is the sum of its movements, and every cart's sums are right.", GOOD)
        return
    rows = [[row["sku"], row["balance"], row["movements"]] for row in data["items"]]
    say(out, "Broken: keep a copy of the store data file and report this.", BAD)
    table(out, ["SKU", ">On hand", ">Sum of movements"], rows, "Every item's balance is right.")
    for cart in data["carts"]:
        say(out, f"{cart}: its sums are not those of its listings.", BAD)
