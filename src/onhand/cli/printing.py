"""Turns the answers of verbs into text for people: short tables, numbers aligned right, states and causes in words.

Path: ``program`` and ``commands`` give each command a function of this module; ``console`` prints errors and progress bars with it.
Promise: text from a shop cannot colour a terminal or move its cursor.
Never: leaves something out without saying so.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TextIO

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from onhand.domain import posts as domain_posts
from onhand.domain import stock
from onhand.domain.differences import Cause, Remedy
from onhand.domain.errors import OnHandError
from onhand.domain.listings import Problem
from onhand.domain.states import CartState
from onhand.wire import Data
from onhand.words import RESULT_LABELS, counted, label_of, number
from onhand.words import signed as with_sign

PIPE_WIDTH = 10_000  # columns of a file or pipe, so that nothing is cut there
ROWS_SHOWN = 20  # rows of a preview
BAD, GOOD, QUIET = "red", "green", "dim"

CHOOSE = "choose the item with `onhand listing choose`"
WHAT_TO_DO = {
    "failed": "The shop refused the change: correct the product there, then run `onhand posts CART --retry`.",
    "unmatched": f"No item has this SKU: correct it in the shop, {CHOOSE}, or run `onhand get-qoh` with --create.",
    "blank": f"The product has no SKU: add one in the shop, or {CHOOSE}.",
    "duplicate": f"Another product in this shop has the same SKU: give each its own in the shop, or {CHOOSE}.",
    "looks alike": f"The SKU looks like another one but is written with other characters: correct it in the shop, or {CHOOSE}.",
    "fraction": "The shop has a fractional quantity: change it to a whole number there.",
    "download": "The product is sold as a download, so it is not kept in sync.",
    "derived": "The shop calculates this quantity from variants or sub-products, so it is not kept in sync.",
    "deleted": "The product was deleted in the shop.",
    "set aside": "The item has Ignore QOH or Drop ship, so its quantity is not synchronized.",
    "ignored": "A person ignored the product: undo it with `onhand listing release`.",
}
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
    """Return a console for this stream."""
    return Console(file=stream, width=None if stream.isatty() else PIPE_WIDTH, highlight=False, markup=False)


def plain(value: object) -> str:
    """Return a value as one line of text without control characters."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "".join(" " if unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"} else c for c in str(value))


def at(value: str | None) -> str:
    """Return a time in the reader's time zone, with the zone's name."""
    return "" if value is None else datetime.fromisoformat(value).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def ago(value: str | None) -> str:
    """Return how long ago a time was, such as "5 minutes ago"."""
    if value is None:
        return "Never"
    seconds = int((datetime.now(UTC) - datetime.fromisoformat(value)).total_seconds())
    for size, unit in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * size:
            return f"{counted(seconds // size, unit)} ago"
    return f"{counted(max(0, seconds), 'second')} ago"


def change(value: int | None) -> str:
    """Return a change with its sign; blank if there is none."""
    return "" if value is None else with_sign(value)


def within(label: str) -> str:
    """Return a label as it is written within a sentence: "Unmatched SKU" is "unmatched SKU"."""
    return label if label[:2].isupper() else label[:1].lower() + label[1:]


def result(word: str) -> str:
    """Return the label of the result of one SKU of a Send or Get."""
    return RESULT_LABELS.get(word, word)


def results(counts: Mapping[str, int]) -> str:
    """Return how many SKUs had which result, such as "3 changed, 1 unmatched SKU"."""
    order = list(RESULT_LABELS)
    known = sorted(counts, key=lambda word: order.index(word) if word in RESULT_LABELS else len(order))
    return ", ".join(f"{number(counts[word])} {within(result(word))}" for word in known) or "no products"


def table(out: Console, columns: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> None:
    """Print a table, or a sentence if there are no rows. A column whose name begins with ``>`` holds numbers."""
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
    """Print the address of the screens, and the first administrator's link if there is none yet."""
    say(out, f"OnHand is at {data['url']}")
    if data["first"]:
        say(out, f"Create the first administrator with this one-time link (valid for 1 day): {data['first']}")


def text(out: Console, data: Data) -> None:
    """Print the answer's text unchanged."""
    out.file.write(data["text"])


def error(out: Console, fault: OnHandError) -> None:
    """Print an error in red, with the list that belongs to it."""
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
    """Show a progress bar, and remove it when the work is done."""
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeElapsedColumn()
    with Progress(*columns, console=out, transient=True) as shown:
        task = shown.add_task("Working", total=None)
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
        out,
        columns,
        rows,
        "No items yet: add one with `onhand item add`, or get a shop's with `onhand get-qoh --create`.",
    )


def _shown(listing: Data | None, on_hand: int) -> str:
    """Return the quantity a shop shows, or why it is not in sync there. Dots: a change is on its way."""
    if listing is None:
        return "–"
    if listing["problem"]:
        return label_of(Problem, listing["problem"])
    if not listing["aligned"]:
        return "Not aligned"
    marks = " (parked)" if listing["parked"] else " …" if listing["news"] and listing["shows"] != on_hand else ""
    return f"{listing['shows']}{marks}"


def movements(out: Console, data: Data) -> None:
    carts = data["carts"]
    rows = [
        [
            row["id"],
            at(row["at"]),
            row["sku"],
            change(row["quantity"]),
            label_of(stock.Kind, row["kind"]),
            carts.get(str(row["cart"]), "") if row["cart"] else "",
            row["order"],
            row["reason"],
            row["person"],
        ]
        for row in data["movements"]
    ]
    columns = [">No.", "When", "SKU", ">Units", "Kind", "Shop", "Order", "Reason", "By"]
    table(out, columns, rows, "No movements.")


def on_hand(out: Console, data: Data) -> None:
    if "order" in data:
        say(out, f"Order {data['order']} was booked.")
    table(out, ["SKU", ">On hand now"], data["on_hand"].items(), "No items.")


def parameters(out: Console, data: Data) -> None:
    rows = [[p["group"], p["name"], p["value"], p["default"], p["meaning"]] for p in data["parameters"]]
    table(out, ["Group", "Name", "Value", "Default", "Meaning"], rows, "")


# Carts


def carts(out: Console, data: Data) -> None:
    rows = [[c["name"], state_of(c), c["family"] or "Not tested yet", c["listings"], c["url"]] for c in data["carts"]]
    table(
        out,
        ["Cart", "State", "Family", ">Products", "Connector"],
        rows,
        "No carts yet: add one with `onhand cart add`.",
    )


def state_of(cart: Data) -> Text:
    """Return a cart's state in its colour."""
    return Text(label_of(CartState, cart["state"]), style=STATE_STYLES.get(cart["state"], ""))


TEXTS = {
    "look_alikes": "a SKU that looks like an item's but is written with other characters.",
    "doubtful": "a SKU or name in a character set that may be broken: see `onhand cart products CART --problem doubtful`.",
    "mended": "a SKU or name in a broken character set, which was repaired.",
}
CART_FIELDS = {
    "url": "Connector",
    "family": "Family",
    "engine": "Tables",
    "state": "State",
    "trouble": "Problem",
    "halted": "Stopped because",
    "active": "Active",
    "synchronize": "Synchronized",
    "aligned": "Aligned",
    "allow_http": "Plain HTTP allowed",
    "policy": "Edit policy",
    "buffer": "Units withheld",
    "batch_size": "Items per send",
    "tick_seconds": "Tick (seconds)",
    "settle_seconds": "Settling time (seconds)",
    "hinted_at": "Last sale hint",
    "listings": "Products",
    "in_step": "… in sync",
    "not_aligned": "… not aligned",
    "unmatched": "… with unmatched SKU",
    "duplicate": "… with duplicate SKU",
    "blank": "… without SKU",
    "untrackable": "… that cannot be kept in sync",
    "waiting": "Waiting posts",
    "in_flight": "Posts in flight",
    "parked": "Parked posts",
    "differences_open": "Open differences",
}
OF_THE_SYSTEM = {"policy", "batch_size", "tick_seconds", "settle_seconds"}  # None: the system parameter applies


def cart(out: Console, data: Data) -> None:
    say(out, data["name"], "bold")
    rows = []
    for field, words in CART_FIELDS.items():
        value = data[field]
        if value is None and field in OF_THE_SYSTEM:
            value = "System parameter"
        if value not in {None, ""}:
            rows.append([words, state_of(data) if field == "state" else value])
    table(out, ["", ""], rows, "")
    for concern in data["concerns"]:
        say(out, f"Note: {concern}", "yellow")
    for kind, words in TEXTS.items():
        if found := (data.get("texts") or {}).get(kind):
            say(out, f"{counted(found, 'product has', 'products have')} {words}", "yellow")


def tested(out: Console, data: Data) -> None:
    answered = data["answered"]
    say(
        out,
        f"{data['cart']} answers: {answered['title']}, {counted(answered['products'], 'product')} in {answered['engine']} tables, "
        f"{answered['database']}, {answered['runtime']}, connector {answered['connector']}.",
        GOOD,
    )
    table(out, ["Step", ">Milliseconds"], [[step["what"], step["milliseconds"]] for step in data["steps"]], "")
    for warning in data["warnings"]:
        say(out, f"Warning: {warning}", "yellow")


def products(out: Console, data: Data) -> None:
    rows = [
        [p["product"], p["model"], p["name"], p["on_hand"], p["shows"], _product_state(p)] for p in data["products"]
    ]
    table(out, [">Product", "SKU", "Name", ">On hand", ">Shop", "State"], rows, "No such products.")
    for problem in sorted({p["problem"] for p in data["products"] if p["problem"]}):
        say(out, f"{label_of(Problem, problem)}: {WHAT_TO_DO.get(problem, '')}", QUIET)


def _product_state(product: Data) -> str:
    if product["looks_like"]:
        return f"{label_of(Problem, Problem.UNMATCHED)}, only looks like {product['looks_like']}"
    if product["problem"]:
        return label_of(Problem, product["problem"])
    if product["parked"]:
        return f"Parked: {product['parked']}"
    if not product["aligned"]:
        return "Not aligned"
    if product["switched_off"]:
        return "Sold out, switched off"
    return f"Needs a decision: {change(product['held'])}" if product["held"] else "In sync"


def planned(out: Console, data: Data) -> None:
    """Print what Send or Get did, or would do."""
    _plan(out, data, "Get QOH from" if data["direction"] == "get" else "Send QOH to")


def created(out: Console, data: Data) -> None:
    """Print the items that were created for a shop's products, or would be."""
    _plan(out, data, "Create items from")


def _problem(out: Console, found: list[Data], problem: str, advice: str) -> None:
    """Print the products with one problem, and what to do about it."""
    if not found:
        return
    say(out, f"{result(problem)} ({number(len(found))}): {advice}", "yellow")
    rows = [[line["product"], line["sku"], line["name"], line["failure"] or ""] for line in found[:ROWS_SHOWN]]
    table(out, [">Product", "SKU", "Name", ""], rows, "")
    _left_out(out, ROWS_SHOWN, len(found))


def _plan(out: Console, data: Data, what: str) -> None:
    get = data["direction"] == "get"
    say(out, f"{what} {data['cart']}: {results(data['counts'])}.")
    moved = [line for line in data["lines"] if line["change"] and line["result"] in {"changed", "created"}]
    if moved:
        rows = [
            [line["sku"], line["name"], line["here"], line["there"], change(line["change"])]
            for line in moved[:ROWS_SHOWN]
        ]
        changed = ">Change in OnHand" if get else ">Change in the shop"
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
        say(out, f"… and {number(total - shown)} more: use --json to see more of them.", QUIET)


# Differences and posts


def differences(out: Console, data: Data) -> None:
    rows = [
        [
            row["id"],
            row["cart"],
            row["sku"] or (f"Product {row['product']}" if row["product"] else "The whole cart"),
            label_of(Cause, row["cause"]),
            change(row["amount"]),
            row["seen"],
            row["expected"],
            label_of(Remedy, row["remedy"]),
            "Closed" if row["closed_at"] else "Open",
            at(row["opened_at"]),
            row["note"],
        ]
        for row in data["differences"]
    ]
    columns = [">ID", "Cart", "SKU", "Cause", ">Units", ">Seen", ">Expected", "Remedy", "State", "Found", "Note"]
    table(out, columns, rows, "No differences.")
    waiting = [row for row in data["differences"] if row["remedy"] == "ask" and row["closed_at"] is None]
    if waiting:
        command = f"onhand decide {waiting[0]['id']}"
        say(out, f"To keep OnHand's count: `{command} ours`. To use the shop's count: `{command} theirs`.", "yellow")


def posts(out: Console, data: Data) -> None:
    waiting = [
        [row["cart"], row["product"], row["sku"], row["state"].capitalize(), row["reason"]] for row in data["waiting"]
    ]
    table(out, ["Cart", ">Product", "SKU", "State", "Reason"], waiting, "No waiting or parked changes.")
    rows = [
        [
            row["cart"],
            row["seq"],
            row["sku"],
            change(row["change"]),
            label_of(domain_posts.State, row["state"]),
            at(row["created_at"]),
            row["trouble"],
        ]
        for row in data["posts"]
    ]
    table(out, ["Cart", ">No.", "SKU", ">Change", "State", "When", "Problem"], rows, "No posts yet.")


# The whole


def proof(out: Console, data: Data) -> None:
    if data["holds"]:
        say(out, "Proved: every quantity on hand is the sum of its movements, and every cart's sums are right.", GOOD)
        return
    rows = [[row["sku"], row["balance"], row["movements"]] for row in data["items"]]
    say(out, "Broken: keep a copy of the store data file and report this.", BAD)
    table(out, ["SKU", ">On hand", ">Sum of movements"], rows, "Every item's balance is right.")
    for cart in data["carts"]:
        say(out, f"{cart}: its sums do not match its listings.", BAD)
