"""The verbs of the house: one function each, plain arguments in, plain data out.

Path: the command line and the local API look a verb up here by name and call it with an open ``App``.
Promise: arguments are checked by type and bounds before anything is done; what comes back is JSON-able.
Never: prints, or knows who asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from inspect import signature
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, validate_call

from onhand import app as app_module
from onhand.app import App
from onhand.domain.carts import Cart, Settings
from onhand.domain.differences import Policy
from onhand.domain.errors import Refused
from onhand.domain.listings import Direction, Plan
from onhand.domain.parameters import PARAMETERS, Parameter, Value
from onhand.domain.stock import QUANTITY_MAX, sku_key
from onhand.services import aligning, bookkeeping, counting, items, probing, receiving, reconciling, selling, settings

from . import csvfiles

Data = dict[str, Any]
Progress = Callable[[str, int, int], None]
Sku = Annotated[str, Field(max_length=300)]
Text = Annotated[str, Field(max_length=500)]
Units = Annotated[int, Field(ge=-QUANTITY_MAX, le=QUANTITY_MAX)]
Limit = Annotated[int, Field(ge=1, le=100_000)]

VERBS: dict[str, Callable[..., Data]] = {}


def verb(function: Callable[..., Data]) -> Callable[..., Data]:
    """Register a verb under its name. All are called alike: the app, where to tell progress, and the arguments, which are
    checked by their types; a verb that is done at once has no use for progress and does not name it."""
    checked = validate_call(config={"arbitrary_types_allowed": True})(function)
    tells_progress = "progress" in signature(function).parameters

    def call(app: App, progress: Progress, /, **arguments: Any) -> Data:
        return checked(app, progress, **arguments) if tells_progress else checked(app, **arguments)

    VERBS[function.__name__] = call
    return function


class Invalid(Refused):
    """A call that does not fit the verb: an argument is missing, unknown, of the wrong type or out of bounds."""

    code = "invalid"


def run(app: App, name: str, arguments: Mapping[str, Any], progress: Progress) -> Data:
    """Do the verb of that name. Raises Invalid if there is none or the arguments do not fit, else what the verb raises."""
    if name not in VERBS:
        raise Invalid(f"There is no verb {name[:100]!r}.", verb=name[:100])
    try:
        return VERBS[name](app, progress, **arguments)
    except ValidationError as error:
        # Only where and what: the value itself may be a secret.
        faults = [{"argument": ".".join(map(str, fault["loc"])), "fault": fault["msg"]} for fault in error.errors()]
        raise Invalid(f"{name}: {faults[0]['argument']}: {faults[0]['fault']}.", arguments=faults[:100]) from None


# Items


@verb
def item_add(app: App, sku: Sku, name: Text = "", on_hand: Units = 0, person: Text = "") -> Data:
    added = items.add(app.house, sku, name, on_hand, person)
    return {"sku": added.sku, "name": added.name, "on_hand": added.on_hand}


@verb
def item_list(app: App, search: Text = "", after: Text = "", limit: Limit = 1000) -> Data:
    rows = app.read(lambda books: books.reports.stock(search, sku_key(after), limit))
    return {"carts": _cart_names(app), "items": rows}


@verb
def item_show(app: App, sku: Sku, limit: Limit = 20) -> Data:
    def read(books: Any) -> Data:
        item = items.find(books, [sku])[0]
        entries = books.ledger.of_item(item.id, limit)
        shown = books.reports.stock(item.sku, "", 1_000)
        return {
            "sku": item.sku,
            "name": item.name,
            "on_hand": item.on_hand,
            "shops": next((row["shops"] for row in shown if row["sku"] == item.sku), {}),
            "movements": [_entry(entry) for entry in entries],
        }

    return {"carts": _cart_names(app), **app.read(read)}


@verb
def item_import(
    app: App,
    text: Annotated[str, Field(max_length=50_000_000)],
    person: Text = "",
    dry_run: bool = False,
) -> Data:
    entries = csvfiles.read_items(text)
    return {"dry_run": dry_run, "lines": len(entries), **items.import_items(app.house, entries, person, dry_run)}


@verb
def item_export(app: App) -> Data:
    found = sorted(app.read(lambda books: books.items.all()).values(), key=lambda item: sku_key(item.sku))
    return {"items": len(found), "text": csvfiles.write_items(found)}


# System parameters


@verb
def param_list(app: App) -> Data:
    values = app.read(settings.values)
    return {"parameters": [_parameter(known, values[known.name]) for known in PARAMETERS.values()]}


@verb
def param_get(app: App, name: Text) -> Data:
    known = settings.parameter(name)
    return _parameter(known, app.read(settings.values)[known.name])


@verb
def param_set(app: App, name: Text, value: Text, person: Text = "") -> Data:
    return _parameter(*settings.set_parameter(app.house, name, value, person))


# Carts


@verb
def cart_add(
    app: App,
    name: Annotated[str, Field(min_length=1, max_length=100)],
    url: Annotated[str, Field(max_length=2000)],
    allow_http: bool = False,
    key_id: Text = "",
    secret: Text = "",
) -> Data:
    settings_ = _checked(
        Settings(name=name.strip(), url=url.strip(), allow_http=allow_http, key_id=key_id, secret=secret)
    )
    cart = app.database.write(lambda books: books.carts.add(settings_, app.clock.now()))
    return _shown(app, app.read(lambda books: books.carts.get(cart)))


@verb
def cart_edit(
    app: App,
    cart: Text,
    name: Text | None = None,
    url: Text | None = None,
    allow_http: bool | None = None,
    active: bool | None = None,
    policy: Policy | Literal["default"] | None = None,
    buffer: Annotated[int, Field(ge=0, le=QUANTITY_MAX)] | None = None,
    batch_size: Annotated[int, Field(ge=0, le=2000)] | None = None,
    tick_seconds: Annotated[float, Field(ge=0, le=3600)] | None = None,
    settle_seconds: Annotated[float, Field(ge=0, le=600)] | None = None,
) -> Data:
    """0 for a number means: as the system parameter says."""
    found = _cart(app, cart)
    given: Data = {
        "name": name,
        "url": url,
        "allow_http": allow_http,
        "active": active,
        "policy": policy,
        "buffer": buffer,
        "batch_size": batch_size,
        "tick_seconds": tick_seconds,
        "settle_seconds": settle_seconds,
    }
    changed = {key: value for key, value in given.items() if value is not None}
    for key in ("batch_size", "tick_seconds", "settle_seconds"):
        if changed.get(key) == 0:
            changed[key] = None
    if changed.get("policy") == "default":
        changed["policy"] = None
    for key, low in (("tick_seconds", 0.05), ("settle_seconds", 0.1)):
        if changed.get(key) is not None and changed[key] < low:
            raise Refused(f"{key} is at least {low}, or 0 for the system's.")
    edited = _checked(replace(found.settings, **changed))

    def write(books: Any) -> None:
        books.carts.edit(found.id, edited)
        if edited.buffer != found.settings.buffer:
            books.listings.announce_listings([x.id for x in books.listings.all(found.id) if x.tracked])

    app.database.write(write)
    return _shown(app, app.read(lambda books: books.carts.get(found.id)))


@verb
def cart_list(app: App) -> Data:
    return {"carts": [_shown(app, cart) for cart in app.read(lambda books: books.carts.all())]}


@verb
def cart_show(app: App, cart: Text) -> Data:
    return _shown(app, _cart(app, cart))


@verb
def cart_remove(app: App, cart: Text, confirm: Text = "") -> Data:
    found = _cart(app, cart)
    if found.synchronize:
        raise Refused(f"{found.name} is synchronized: switch it off first with `onhand sync off`.", cart=found.name)
    if confirm.strip().casefold() != found.name.casefold():
        raise Refused(
            "Removing a cart forgets its listings, posts and differences: repeat its name to confirm.", cart=found.name
        )
    app.database.write(lambda books: books.carts.remove(found.id))
    return {"removed": found.name}


@verb
def cart_key(app: App, cart: Text, prefix: Text = "", renew: bool = False) -> Data:
    """Make the secret, once, and the text of the file to upload. An existing key is shown again unless renewed."""
    found = _cart(app, cart)
    own = found.settings
    if renew or not own.secret:
        key_id, secret = app_module.new_key()
        own = replace(own, key_id=key_id, secret=secret)
        app.database.write(lambda books: books.carts.edit(found.id, own))
    text = app_module.key_file(own, prefix)
    return {"cart": found.name, "url": own.url, "key_id": own.key_id, "file": "onhand-key.php", "text": text}


@verb
def cart_test(app: App, cart: Text, sku: Sku | None = None) -> Data:
    found = _cart(app, cart)
    with app.at_cart(found) as (shop, _):
        hello, warnings, steps = probing.greet(app.house, found, shop)
        if sku:
            steps += probing.round_trip(app.house, found, shop, sku)
    answered = {**asdict(hello), "switches": dict(hello.switches)}
    return {"cart": found.name, "answered": answered, "warnings": warnings, "steps": [asdict(step) for step in steps]}


@verb
def cart_products(
    app: App,
    cart: Text,
    problem: Text | None = None,
    after: Annotated[int, Field(ge=0)] = 0,
    limit: Limit = 1000,
) -> Data:
    found = _cart(app, cart)
    if not found.aligned:
        with app.at_cart(found) as (shop, _):
            plans = aligning.preview(app.house, found, shop, Direction.GET, create=False)
        rows = [
            {
                "product": p.product,
                "model": p.sku,
                "name": p.name,
                "shows": p.there,
                "sku": p.sku if p.item else None,
                "on_hand": p.here,
                "aligned": False,
                "problem": p.problem,
                "held": 0,
                "parked": None,
            }
            for p in plans
            if p.product > after and (problem is None or p.problem == problem or (problem == "any" and p.problem))
        ][:limit]
    else:
        rows = app.read(lambda books: books.reports.products(found.id, problem, after, limit))
    return {"cart": found.name, "products": rows}


# Align and switch


@verb
def get_qoh(app: App, progress: Progress, cart: Text, create: bool = False, dry_run: bool = False) -> Data:
    found = _cart(app, cart)
    with app.at_cart(found) as (shop, memory):
        if dry_run:
            plans = aligning.preview(app.house, found, shop, Direction.GET, create)
        else:
            plans = aligning.get_qoh(app.house, found, shop, memory, create, progress)
    return _planned(found, Direction.GET, dry_run, plans)


@verb
def send_qoh(
    app: App,
    progress: Progress,
    cart: Text,
    dry_run: bool = False,
    batch_size: Annotated[int, Field(ge=1, le=2000)] | None = None,
) -> Data:
    found = _cart(app, cart)
    with app.at_cart(found) as (shop, memory):
        if dry_run:
            plans = aligning.preview(app.house, found, shop, Direction.SEND, create=False)
        else:
            size = batch_size or app.read(lambda books: settings.pace_of(books, found)).batch_size
            plans = aligning.send_qoh(app.house, found, shop, memory, size, progress)
    return _planned(found, Direction.SEND, dry_run, plans)


@verb
def sync_on(app: App, cart: Text, force: Text = "", person: Text = "") -> Data:
    found = _cart(app, cart)
    with app.at_cart(found) as (shop, memory):
        pending = aligning.enable(app.house, found, shop, memory, force, person)
    return {"cart": found.name, "synchronize": True, "posted_at_once": pending}


@verb
def sync_off(app: App, cart: Text, person: Text = "") -> Data:
    found = _cart(app, cart)
    aligning.disable(app.house, found, person)
    return {"cart": found.name, "synchronize": False}


# Stock


@verb
def receive(
    app: App,
    lines: list[tuple[Sku, Units]],
    reference: Text = "",
    person: Text = "",
    note: Text = "",
) -> Data:
    return {"on_hand": receiving.receive(app.house, lines, reference, person, note)}


@verb
def adjust(
    app: App,
    sku: Sku,
    change: Units | None = None,
    counted: Units | None = None,
    reason: Text = "",
    person: Text = "",
    below_zero: bool = False,
) -> Data:
    after = counting.adjust(app.house, sku, change, counted, reason, person, below_zero)
    return {"sku": sku.strip(), "on_hand": after}


@verb
def order_add(
    app: App,
    lines: list[tuple[Sku, Units]],
    number: Text = "",
    person: Text = "",
    note: Text = "",
    oversell: bool = False,
) -> Data:
    chosen, on_hand = selling.take_order(app.house, lines, number, person, note, oversell)
    return {"order": chosen, "on_hand": on_hand}


@verb
def order_list(app: App, limit: Limit = 100) -> Data:
    return {"orders": app.read(lambda books: books.reports.orders(limit))}


@verb
def movements(
    app: App,
    sku: Sku | None = None,
    limit: Limit = 100,
    before: Annotated[int, Field(ge=1)] | None = None,
) -> Data:
    def read(books: Any) -> list[Data]:
        item = items.find(books, [sku])[0].id if sku else None
        return [_entry(entry) for entry in books.ledger.of_item(item, limit, before)]

    return {"carts": _cart_names(app), "movements": app.read(read)}


# Differences and posts


@verb
def differences(app: App, cart: Text | None = None, open_only: bool = False, limit: Limit = 100) -> Data:
    found = _cart(app, cart).id if cart else None
    return {"differences": app.read(lambda books: books.reports.differences(found, open_only, limit))}


@verb
def decide(
    app: App,
    difference: Annotated[int, Field(ge=1)],
    side: Literal["ours", "theirs"],
    person: Text = "",
) -> Data:
    reconciling.decide(app.house, difference, side == "ours", person)
    return {"difference": difference, "decided": side}


@verb
def posts(app: App, cart: Text | None = None, state: Text | None = None, limit: Limit = 100) -> Data:
    found = _cart(app, cart).id if cart else None
    return app.read(
        lambda books: {
            "waiting": books.reports.waiting(found, limit),
            "posts": books.reports.posts(found, state, limit),
        }
    )


@verb
def posts_retry(app: App, cart: Text) -> Data:
    """Take every parked listing of a cart back into delivery."""
    found = _cart(app, cart)

    def write(books: Any) -> int:
        parked = [listing for listing in books.listings.all(found.id) if listing.parked is not None]
        for listing in parked:
            books.listings.park(listing.id, None)
        books.tell([found.id])
        return len(parked)

    return {"cart": found.name, "retried": app.database.write(write)}


# The whole


@verb
def status(app: App) -> Data:
    values = app.read(settings.values)
    return {
        "store": str(app.path),
        "synch_qoh": values["SynchQOH"],
        "controller": app.controller is not None,
        "items": app.read(lambda books: books.reports.item_count()),
        "carts": [_shown(app, cart) for cart in app.read(lambda books: books.carts.all())],
    }


@verb
def prove(app: App) -> Data:
    proof = bookkeeping.prove(app.house)
    wrong = [{"sku": sku, "balance": balance, "movements": total} for sku, balance, total in proof.items]
    return {"holds": proof.holds, "items": wrong, "carts": proof.carts}


# What verbs share


def _cart(app: App, name: str) -> Cart:
    return app.read(lambda books: books.carts.named(name))


def _cart_names(app: App) -> dict[int, str]:
    return {cart.id: cart.name for cart in app.read(lambda books: books.carts.all())}


def _checked(own: Settings) -> Settings:
    app_module.check_address(own)
    if not own.name.strip():
        raise Refused("A cart needs a name.")
    return own


def _shown(app: App, cart: Cart) -> Data:
    """A cart for people and programs. The secret stays inside."""
    own = cart.settings
    pulse = app.controller.pulses().get(cart.id) if app.controller else None
    looked_at = pulse.looked_at if pulse and pulse.looked_at else cart.looked_at
    trouble = pulse.trouble if pulse else cart.trouble
    counts = app.read(lambda books: books.reports.cart_counts(cart.id))
    return {
        "name": cart.name,
        "id": cart.id,
        "url": own.url,
        "key_id": own.key_id,
        "active": own.active,
        "allow_http": own.allow_http,
        "policy": own.policy.value if own.policy else None,
        "buffer": own.buffer,
        "batch_size": own.batch_size,
        "tick_seconds": own.tick_seconds,
        "settle_seconds": own.settle_seconds,
        "family": cart.family,
        "engine": cart.engine,
        "sku_length": cart.sku_length,
        "synchronize": cart.synchronize,
        "aligned": cart.aligned,
        "halted": cart.halted,
        "trouble": trouble,
        "driven": pulse is not None,
        "state": _state(cart, pulse is not None and pulse.in_step, trouble),
        "looked_at": _iso(looked_at) if looked_at else None,
        **counts,
    }


def _state(cart: Cart, in_step: bool, trouble: str | None) -> str:
    """One word for the first page."""
    if not cart.settings.active:
        return "inactive"
    if cart.halted:
        return "stopped"
    if not cart.aligned:
        return "not aligned"
    if not cart.synchronize:
        return "off"
    if trouble:
        return "trouble"
    return "in step" if in_step else "working"


def _parameter(known: Parameter, value: Value) -> Data:
    return {
        "group": known.group,
        "name": known.name,
        "value": value,
        "default": known.default,
        "meaning": known.meaning,
        "possible": known.possible(),
    }


def _entry(entry: Any) -> Data:
    m = entry.movement
    return {
        "id": entry.id,
        "at": _iso(entry.at),
        "sku": entry.sku,
        "kind": m.kind.value,
        "quantity": m.quantity,
        "cart": m.cart,
        "order": m.order,
        "reason": m.reason,
        "person": m.person,
        "origin": m.origin,
    }


def _planned(cart: Cart, direction: Direction, dry_run: bool, plans: list[Plan]) -> Data:
    counts: dict[str, int] = {}
    for line in plans:
        counts[line.result] = counts.get(line.result, 0) + 1
    return {
        "cart": cart.name,
        "direction": direction.value,
        "dry_run": dry_run,
        "counts": counts,
        "lines": [
            {
                "product": p.product,
                "sku": p.sku,
                "name": p.name,
                "here": p.here,
                "there": p.there,
                "change": p.change,
                "result": p.result,
                "failure": p.failure,
            }
            for p in plans
        ],
    }


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
