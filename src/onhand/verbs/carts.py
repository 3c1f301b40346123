"""Verbs about carts: define, test, align, switch on and off.

Path: called by name through ``verbs.run``.
Promise: at most one of these, or the controller, speaks to a shop at any time.
Never: shows a secret, except in the text of the key file that ``cart_key`` is asked for; a password never.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import Field

from onhand.app import ALIGN_SECONDS, App, Books
from onhand.domain import family, states
from onhand.domain.carts import Cart, Settings
from onhand.domain.differences import Policy
from onhand.domain.listings import Direction, Plan
from onhand.domain.people import Scope
from onhand.domain.states import Facts
from onhand.domain.stock import QUANTITY_MAX
from onhand.services import aligning, connecting, probing, settings
from onhand.services.standing import facts_of
from onhand.wire import Data, Progress

from .registry import Invalid, Limit, Revision, Sku, Text, cart_named, iso, verb

# What goes into the key file, which is PHP: checked before a key is changed. The forms are those of docs/protocol.md.
KeyId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,40}$")]
COUNT_REST = 10  # shared counts are taken at most every so many times what they cost
STATE_SECONDS = 0.5  # how often a shared state is decided again although nothing was booked: a cart's last look ages
KEY_SECRET = re.compile(r"([0-9a-fA-F]{64})?")
Password = Annotated[str, Field(min_length=1, max_length=200)]
Prefix = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{0,40}$")]


@verb(Scope.MANAGE)
def cart_add(
    app: App,
    name: Annotated[str, Field(min_length=1, max_length=100)],
    url: Annotated[str, Field(max_length=2000)],
    allow_http: bool = False,
    key_id: KeyId = "",
    secret: Annotated[str, Field(max_length=200)] = "",
) -> Data:
    """Connect a shop: its name and the address of the connector file in it, or of its database, mysql://user@host/database.
    ``secret``: 64 hexadecimal digits, or the password of the database user."""
    wanted = Settings(name=name.strip(), url=url.strip(), allow_http=allow_http, key_id=key_id, secret=secret)
    if not wanted.direct and not KEY_SECRET.fullmatch(secret):
        fault = "A key's secret has 64 hexadecimal digits; leave it out to have one made."
        raise Invalid(f"cart_add: secret: {fault}", arguments=[{"argument": "secret", "fault": fault}])
    return shown(app, connecting.add(app.house, app.connectors, wanted))


@verb(Scope.MANAGE)
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
    revision: Revision | None = None,
) -> Data:
    """Change a cart's settings. 0 for a number means: as the system parameter says."""
    found = cart_named(app, cart)
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
    changes = {key: value for key, value in given.items() if value is not None}
    if policy == "default":
        changes["policy"] = None
    return shown(app, connecting.edit(app.house, app.connectors, found, changes, revision))


@verb(Scope.READ)
def cart_list(app: App, shared: bool = False) -> Data:
    """List all carts with their settings, state and counts.

    ``shared``: with counts that were taken for somebody else a moment ago. Pages that many people watch ask like this: a large store
    is counted once for all of them, and not at every change."""
    return {"carts": shown_all(app, shared)}


@verb(Scope.READ)
def cart_show(app: App, cart: Text) -> Data:
    """Show everything about one cart but its secret. ``texts``: how many products have SKUs or names that are hard to read;
    ``pace``: the numbers in force for it; ``task``: the Send or Get that is at work on it."""
    found = cart_named(app, cart)
    texts, pace = app.read(lambda books: (books.products.texts(found.id), settings.pace_of(books, found)))
    in_force = {
        "batch_size": pace.batch_size,
        "tick_seconds": pace.tick_seconds,
        "settle_seconds": pace.rules.settle_seconds,
    }
    return {**shown(app, found), "texts": texts, "pace": in_force, "task": app.tasks.aligning(found.id)}


@verb(Scope.READ)
def cart_names(app: App) -> Data:
    """List the number and name of each cart, without a look at its listings."""
    carts = app.read(lambda books: books.carts.all())
    return {"carts": [{"id": cart.id, "name": cart.name} for cart in carts]}


@verb(Scope.READ)
def cart_evidence(app: App, cart: Text | None = None) -> Data:
    """Show by what can be seen that carts are kept in step: the newest movement elsewhere that each ``followed``, by which post and
    when, and its newest difference (``differed``), an open one before all others. Of one cart, or of all."""

    def read(books: Books) -> list[Data]:
        wanted = [books.carts.named(cart)] if cart else books.carts.all()
        return [_evidence(books, one) for one in wanted]

    return {"carts": app.read(read)}


@verb(Scope.ADMINISTER)
def cart_remove(app: App, cart: Text, confirm: Text = "") -> Data:
    """Forget a cart with its listings, posts and differences; movements that came from it stay."""
    found = cart_named(app, cart)
    connecting.remove(app.house, found, confirm)
    return {"removed": found.name}


@verb(Scope.ADMINISTER)
def cart_key(app: App, cart: Text, prefix: Prefix = "", renew: bool = False) -> Data:
    """Make the secret, once, and the text of the file to upload. An existing key is shown again unless renewed."""
    found = cart_named(app, cart)
    made = connecting.key_file(app.house, app.connectors, found, prefix, renew)
    return {
        "cart": found.name,
        "url": found.settings.url,
        "key_id": made.key_id,
        "file": "onhand-key.php",
        "text": made.text,
        "hint_url": made.hint_url,
    }


@verb(Scope.MANAGE)
def cart_password(app: App, cart: Text, password: Password) -> Data:
    """Keep the password with which a direct cart's user logs in to the shop's database. It is never shown again."""
    found = cart_named(app, cart)
    connecting.keep_password(app.house, found, password)
    return {"cart": found.name, "url": found.settings.url}


@verb(Scope.READ)
def cart_grants(
    app: App,
    cart: Text,
    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:%/-]{1,255}$")] = "%",
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{0,40}$")] | None = None,
) -> Data:
    """Say which rights a direct cart's user needs on the shop's database server, and no others. ``host``: from where it logs in.
    ``prefix``: of the shop's tables, if the cart's address does not say it; the answer's is null if it is not known."""
    found = cart_named(app, cart)
    needed = connecting.grants(app.connectors, found, host, prefix)
    return {"cart": found.name, "host": host, "prefix": needed.prefix, **needed.statements, "text": needed.text}


@verb(Scope.MANAGE)
def cart_test(app: App, cart: Text, sku: Sku | None = None) -> Data:
    """Try the connection: who answers, how fast, what stands in the way; with a SKU, one unit there and back."""
    found = cart_named(app, cart)
    with app.at_cart(found) as (shop, _):
        hello, warnings, steps = probing.greet(app.house, found, shop)
        if sku:
            steps += probing.round_trip(app.house, found, shop, sku)
    if app.controller is not None:
        app.controller.try_again(found.id)
    answered = {**asdict(hello), "title": family.title(hello.family, hello.version)}
    return {"cart": found.name, "answered": answered, "warnings": warnings, "steps": [asdict(step) for step in steps]}


@verb(Scope.MANAGE)
def get_qoh(
    app: App,
    progress: Progress,
    cart: Text,
    create: bool = False,
    dry_run: bool = False,
    limit: Limit | None = None,
) -> Data:
    """Get QOH: take over what the shop shows. ``limit``: so many lines at most, changes first; the counts are of all."""
    found = cart_named(app, cart)
    with app.at_cart(found, ALIGN_SECONDS) as (shop, memory):
        if dry_run:
            plans = aligning.preview(app.house, found, shop, Direction.GET, create)
        else:
            plans = aligning.get_qoh(app.house, found, shop, memory, create, progress)
    return planned(found, Direction.GET, dry_run, plans, limit)


@verb(Scope.MANAGE)
def send_qoh(
    app: App,
    progress: Progress,
    cart: Text,
    dry_run: bool = False,
    batch_size: Annotated[int, Field(ge=1, le=2000)] | None = None,
    limit: Limit | None = None,
) -> Data:
    """Send QOH: make the shop show what is on hand. ``limit``: as with Get."""
    found = cart_named(app, cart)
    with app.at_cart(found, ALIGN_SECONDS) as (shop, memory):
        if dry_run:
            plans = aligning.preview(app.house, found, shop, Direction.SEND, create=False)
        else:
            size = batch_size or app.read(lambda books: settings.pace_of(books, found)).batch_size
            plans = aligning.send_qoh(app.house, found, shop, memory, size, progress)
    return planned(found, Direction.SEND, dry_run, plans, limit)


@verb(Scope.MANAGE)
def sync_on(app: App, cart: Text, force: Text = "", person: Text = "") -> Data:
    """Switch real-time synchronization of a cart on; where counts differ, only with a reason in ``force``."""
    found = cart_named(app, cart)
    with app.at_cart(found) as (shop, memory):
        pending = aligning.enable(app.house, found, shop, memory, force, person)
    return {"cart": found.name, "synchronize": True, "posted_at_once": pending}


@verb(Scope.MANAGE)
def sync_off(app: App, cart: Text, person: Text = "") -> Data:
    """Switch real-time synchronization of a cart off."""
    found = cart_named(app, cart)
    aligning.disable(app.house, found, person)
    return {"cart": found.name, "synchronize": False}


def _evidence(books: Books, cart: Cart) -> Data:
    followed = books.evidence.followed(cart) if cart.aligned else None
    if followed:
        from_id = followed["cart"]  # None: no shop's, as goods received
        times = {name: iso(followed[name]) for name in ("at", "settled_at")}
        followed = {**followed, **times, "cart_id": from_id, "cart": _name(books, from_id)}
    differed = books.reports.differences(cart.id, open_only=True, limit=1)
    differed = differed or books.reports.differences(cart.id, open_only=False, limit=1)
    return {"id": cart.id, "name": cart.name, "followed": followed, "differed": differed[0] if differed else None}


def _name(books: Books, cart: int | None) -> str | None:
    """A cart's name; None if it was removed, or there is none."""
    return next((one.name for one in books.carts.all() if one.id == cart), None)


def shown_all(app: App, shared: bool) -> list[Data]:
    """Return all carts as `cart_list` does. What is shared is everybody's, and not to be changed."""

    def count(books: Books) -> list[tuple[Cart, dict[str, int]]]:
        return [(cart, books.reports.cart_counts(cart.id)) for cart in books.carts.all()]

    def show(counted: list[tuple[Cart, dict[str, int]]]) -> list[Data]:
        return [shown(app, cart, counts) for cart, counts in counted]

    if not shared:
        return show(app.read(count))
    keep = app.shared.answer
    taken, counted = keep("counts", app.mark, lambda: (app.mark, app.read(count)), rest=COUNT_REST)
    return keep("carts", taken, lambda: show(counted), seconds=STATE_SECONDS)


def shown(app: App, cart: Cart, counts: Mapping[str, int] | None = None) -> Data:
    """Return a cart for people and programs, without its secret. ``counts``: where they were just taken."""
    own, hello, watch = cart.settings, cart.hello, app.watch()
    pulse = watch.pulses.get(cart.id) if watch.pulses else None
    looked_at = pulse.looked_at if pulse and pulse.looked_at else cart.looked_at
    trouble = pulse.trouble if pulse else cart.trouble

    def read(books: Books) -> tuple[Mapping[str, int], Facts]:
        taken = books.reports.cart_counts(cart.id) if counts is None else counts
        return taken, facts_of(books, cart, watch, taken)

    counted, facts = app.read(read)
    return {
        "name": cart.name,
        "id": cart.id,
        "url": own.url,
        "key_id": own.key_id,
        "active": own.active,
        "allow_http": own.allow_http,
        "direct": own.direct,
        "keyed": own.secret != "",
        "policy": own.policy.value if own.policy else None,
        "buffer": own.buffer,
        "batch_size": own.batch_size,
        "tick_seconds": own.tick_seconds,
        "settle_seconds": own.settle_seconds,
        "family": family.title(hello.family, hello.version) if hello else "",
        "engine": hello.engine if hello else "",
        "sku_length": cart.sku_length,
        "prefix": hello.prefix if hello else "",
        "collation": hello.collation if hello else "",
        "columns": dict(hello.columns) if hello else {},
        "switches": dict(hello.switches) if hello else {},
        "concerns": family.concerns(hello) if hello else [],
        "recognised": hello is None or hello.family != family.UNKNOWN,
        "synchronize": cart.synchronize,
        "aligned": cart.aligned,
        "halted": cart.halted,
        "trouble": trouble,
        "driven": pulse is not None,
        "state": states.state(facts).value,
        "unseen_seconds": round(facts.down_seconds) if facts.unseen else None,
        "looked_at": iso(looked_at) if looked_at else None,
        "hinted_at": iso(pulse.hinted_at) if pulse and pulse.hinted_at else None,
        "aligned_at": iso(cart.aligned_at) if cart.aligned_at else None,
        "aligned_by": cart.aligned_by.value if cart.aligned_by else None,
        "revision": cart.revision,
        **counted,
    }


def planned(cart: Cart, direction: Direction, dry_run: bool, plans: list[Plan], limit: int | None) -> Data:
    """Return what Send or Get did, or would do; at most ``limit`` lines, changes first."""
    counts: dict[str, int] = {}
    for line in plans:
        counts[line.result] = counts.get(line.result, 0) + 1
    left = next((line.left for line in plans if line.left), None)
    message = ""
    if left:
        number = counts["cancelled"]
        what = "1 change was not posted" if number == 1 else f"{number:,} changes were not posted"
        message = f"It was cancelled; {what}, what came before stays. For each of these: {left}"
    if limit is not None:
        plans = sorted(plans, key=lambda line: (not line.remark, not line.change, line.result == "equal"))[:limit]
    return {
        "cart": cart.name,
        "direction": direction.value,
        "dry_run": dry_run,
        "counts": counts,
        "cancelled": left is not None,
        "message": message,
        "lines": [
            {
                "product": p.product,
                "sku": p.sku,
                "name": p.name,
                "here": p.here,
                "there": p.there,
                "change": p.change,
                "result": p.result,
                "failure": p.failure or p.left,
                "remark": p.remark,
            }
            for p in plans
        ],
    }
