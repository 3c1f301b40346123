"""Verbs about carts: add, edit, test, align, switch on and off.

Path: called by name through ``verbs.run``.
Promise: at most one of these, or the controller, uses a shop at any time.
Never: shows a secret, except in the text of the key file from ``cart_key``; never shows a password.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from onhand.app import ALIGN_SECONDS, App, Books
from onhand.domain import duties, family, states
from onhand.domain.carts import Cart, Settings
from onhand.domain.differences import Policy
from onhand.domain.listings import Direction, Plan
from onhand.domain.shop import Hello
from onhand.domain.states import Facts, Watch
from onhand.requests import carts as requests
from onhand.services import aligning, connecting, probing, settings
from onhand.services.standing import facts_of
from onhand.wire import Data, Progress
from onhand.words import counted

from .registry import cart_named, iso, verb

COUNT_REST = 10  # after shared counts are taken, pause this many times as long as they took
STATE_SECONDS = 0.5  # how often a shared state is decided again without a commit, because a cart's last look gets older


@verb(requests.CartAdd)
def cart_add(app: App, asked: requests.CartAdd) -> Data:
    wanted = Settings(
        name=asked.name.strip(),
        url=asked.url.strip(),
        allow_http=asked.allow_http,
        key_id=asked.key_id,
        secret=asked.secret,
    )
    return shown(app, connecting.add(app.house, app.connectors, wanted))


@verb(requests.CartEdit)
def cart_edit(app: App, asked: requests.CartEdit) -> Data:
    found = cart_named(app, asked.cart)
    given: Data = {
        "name": asked.name,
        "url": asked.url,
        "allow_http": asked.allow_http,
        "active": asked.active,
        "policy": asked.policy,
        "buffer": asked.buffer,
        "batch_size": asked.batch_size,
        "tick_seconds": asked.tick_seconds,
        "settle_seconds": asked.settle_seconds,
    }
    changes = {key: value for key, value in given.items() if value is not None}
    if asked.policy is not None:
        changes["policy"] = None if asked.policy == "default" else Policy(asked.policy)
    return shown(app, connecting.edit(app.house, app.connectors, found, changes, asked.revision))


@verb(requests.CartList)
def cart_list(app: App, asked: requests.CartList) -> Data:
    carts = shown_all(app, asked.shared)
    return {"carts": carts, "processes": processes_shown(app, carts)}


@verb(requests.CartShow)
def cart_show(app: App, asked: requests.CartShow) -> Data:
    found = cart_named(app, asked.cart)

    def read(books: Books) -> tuple[dict[str, int] | None, settings.Pace]:
        return books.products.texts(found.id) if asked.texts else None, settings.pace_of(books, found)

    texts, pace = app.read(read)
    in_force = {
        "batch_size": pace.batch_size,
        "tick_seconds": pace.tick_seconds,
        "settle_seconds": pace.rules.settle_seconds,
    }
    return {**shown(app, found), "texts": texts, "pace": in_force, "task": app.aligning(found)}


@verb(requests.CartNames)
def cart_names(app: App, _: requests.CartNames) -> Data:
    carts = app.read(lambda books: books.carts.all())
    return {"carts": [{"id": cart.id, "name": cart.name} for cart in carts]}


@verb(requests.CartEvidence)
def cart_evidence(app: App, asked: requests.CartEvidence) -> Data:

    def read(books: Books) -> list[Data]:
        wanted = [books.carts.named(asked.cart)] if asked.cart else books.carts.all()
        return [_evidence(books, one) for one in wanted]

    return {"carts": app.read(read)}


@verb(requests.CartRemove)
def cart_remove(app: App, asked: requests.CartRemove) -> Data:
    found = cart_named(app, asked.cart)
    connecting.remove(app.house, found, asked.confirm)
    return {"removed": found.name}


@verb(requests.CartKey)
def cart_key(app: App, asked: requests.CartKey) -> Data:
    found = cart_named(app, asked.cart)
    made = connecting.key_file(app.house, app.connectors, found, asked.prefix, asked.renew)
    return {
        "cart": found.name,
        "url": found.settings.url,
        "key_id": made.key_id,
        "file": "onhand-key.php",
        "text": made.text,
        "hint_url": made.hint_url,
    }


@verb(requests.CartPassword)
def cart_password(app: App, asked: requests.CartPassword) -> Data:
    found = cart_named(app, asked.cart)
    connecting.keep_password(app.house, found, asked.password)
    return {"cart": found.name, "url": found.settings.url}


@verb(requests.CartGrants)
def cart_grants(app: App, asked: requests.CartGrants) -> Data:
    found = cart_named(app, asked.cart)
    needed = connecting.grants(app.connectors, found, asked.host, asked.prefix)
    return {"cart": found.name, "host": asked.host, "prefix": needed.prefix, **needed.statements, "text": needed.text}


@verb(requests.CartTest)
def cart_test(app: App, asked: requests.CartTest) -> Data:
    found = cart_named(app, asked.cart)
    with app.at_cart(found) as (house, shop, _):
        hello, warnings, steps = probing.greet(house, found, shop)
        if asked.sku:
            steps += probing.round_trip(house, found, shop, asked.sku)
    app.try_again(found)
    answered = {**asdict(hello), "title": family.title(hello.family, hello.version)}
    return {"cart": found.name, "answered": answered, "warnings": warnings, "steps": [asdict(step) for step in steps]}


@verb(requests.GetQoh)
def get_qoh(app: App, progress: Progress, asked: requests.GetQoh) -> Data:
    found = cart_named(app, asked.cart)
    with app.at_cart(found, ALIGN_SECONDS) as (house, shop, memory):
        if asked.dry_run:
            plans = aligning.preview(house, found, shop, Direction.GET, asked.create)
        else:
            plans = aligning.get_qoh(house, found, shop, memory, asked.create, progress)
    return planned(found, Direction.GET, asked.dry_run, plans, asked.limit)


@verb(requests.SendQoh)
def send_qoh(app: App, progress: Progress, asked: requests.SendQoh) -> Data:
    found = cart_named(app, asked.cart)
    with app.at_cart(found, ALIGN_SECONDS) as (house, shop, memory):
        if asked.dry_run:
            plans = aligning.preview(house, found, shop, Direction.SEND, create=False)
        else:
            size = asked.batch_size or app.read(lambda books: settings.pace_of(books, found)).batch_size
            plans = aligning.send_qoh(house, found, shop, memory, size, progress)
    return planned(found, Direction.SEND, asked.dry_run, plans, asked.limit)


@verb(requests.SyncOn)
def sync_on(app: App, asked: requests.SyncOn) -> Data:
    found = cart_named(app, asked.cart)
    with app.at_cart(found) as (house, shop, memory):
        pending = aligning.enable(house, found, shop, memory, asked.force, asked.person)
    return {"cart": found.name, "synchronize": True, "posted_at_once": pending}


@verb(requests.SyncOff)
def sync_off(app: App, asked: requests.SyncOff) -> Data:
    found = cart_named(app, asked.cart)
    aligning.disable(app.house, found, asked.person)
    return {"cart": found.name, "synchronize": False}


def _evidence(books: Books, cart: Cart) -> Data:
    followed = books.evidence.followed(cart) if cart.aligned else None
    if followed:
        from_id = followed["cart"]  # None: not from a shop, such as a receipt
        times = {name: iso(followed[name]) for name in ("at", "settled_at")}
        followed = {**followed, **times, "cart_id": from_id, "cart": _name(books, from_id)}
    differed = books.reports.differences(cart.id, open_only=True, limit=1)
    differed = differed or books.reports.differences(cart.id, open_only=False, limit=1)
    return {"id": cart.id, "name": cart.name, "followed": followed, "differed": differed[0] if differed else None}


def _name(books: Books, cart: int | None) -> str | None:
    """Return a cart's name; None if it was removed or there is no cart."""
    return next((one.name for one in books.carts.all() if one.id == cart), None)


def shown_all(app: App, shared: bool) -> list[Data]:
    """Return all carts as `cart_list` does. Callers must not change a shared answer."""

    def count(books: Books) -> list[tuple[Cart, dict[str, int]]]:
        return [(cart, books.reports.cart_counts(cart.id)) for cart in books.carts.all()]

    def show(counted: list[tuple[Cart, dict[str, int]]]) -> list[Data]:
        # All at one moment: to ask for each cart who watches it would take a time that grows with the square of their number.
        watch = app.watch()
        facts = app.read(lambda books: [facts_of(books, cart, watch, counts) for cart, counts in counted])
        return [_shown(cart, watch, counts, fact) for (cart, counts), fact in zip(counted, facts, strict=True)]

    if not shared:
        return show(app.read(count))
    keep = app.shared.answer
    taken, counted = keep("counts", app.mark, lambda: (app.mark, app.read(count)), rest=COUNT_REST)
    return keep("carts", taken, lambda: show(counted), seconds=STATE_SECONDS)


def processes_shown(app: App, carts: Sequence[Data]) -> list[Data]:
    """Return the processes that share a store on a server, each with the carts that it keeps in sync; none for a store data file."""
    names = {duties.of_cart(cart["id"]): cart["name"] for cart in carts}
    return [
        {
            "machine": process.machine,
            "role": process.role,
            "pid": process.pid,
            "since": iso(process.since),
            "carts": [name for duty, name in names.items() if duty in held],
            "webhooks": duties.WEBHOOKS in held,
        }
        for process in app.processes()
        for held in (frozenset(process.duties),)
    ]


def _of_shop(hello: Hello | None) -> Data:
    """Return a shop's description of itself; blanks if it was never asked."""
    if hello is None:
        blank = dict.fromkeys(("family", "engine", "prefix", "collation"), "")
        return {**blank, "columns": {}, "switches": {}, "concerns": [], "recognised": True}
    return {
        "family": family.title(hello.family, hello.version),
        "engine": hello.engine,
        "prefix": hello.prefix,
        "collation": hello.collation,
        "columns": dict(hello.columns),
        "switches": dict(hello.switches),
        "concerns": family.concerns(hello),
        "recognised": family.is_known(hello),
    }


def shown(app: App, cart: Cart) -> Data:
    """Return a cart for people and programs, without its secret."""
    watch = app.watch()

    def read(books: Books) -> tuple[Mapping[str, int], Facts]:
        counts = books.reports.cart_counts(cart.id)
        return counts, facts_of(books, cart, watch, counts)

    return _shown(cart, watch, *app.read(read))


def _shown(cart: Cart, watch: Watch, counts: Mapping[str, int], facts: Facts) -> Data:
    own, hello = cart.settings, cart.hello
    pulse = watch.pulses.get(cart.id) if watch.pulses else None
    looked_at = pulse.looked_at if pulse and pulse.looked_at else cart.looked_at
    trouble = pulse.trouble if pulse else cart.trouble
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
        "sku_length": cart.sku_length,
        **_of_shop(hello),
        "synchronize": cart.synchronize,
        "aligned": cart.aligned,
        "halted": cart.halted,
        "trouble": trouble,
        "driven": pulse is not None,
        "state": states.state(facts).value,
        "unseen_seconds": round(facts.down_seconds) if facts.unseen else None,
        "late_seconds": round(pulse.late_seconds, 3) if pulse else None,
        "looked_at": iso(looked_at) if looked_at else None,
        "hinted_at": iso(pulse.hinted_at) if pulse and pulse.hinted_at else None,
        "aligned_at": iso(cart.aligned_at) if cart.aligned_at else None,
        "aligned_by": cart.aligned_by.value if cart.aligned_by else None,
        "revision": cart.revision,
        **counts,
    }


def planned(cart: Cart, direction: Direction, dry_run: bool, plans: list[Plan], limit: int | None) -> Data:
    """Return what Send or Get did, or would do; at most ``limit`` lines, changes first."""
    counts: dict[str, int] = {}
    for line in plans:
        counts[line.result] = counts.get(line.result, 0) + 1
    left = next((line.left for line in plans if line.left), None)
    message = ""
    if left:
        unposted = counted(counts["cancelled"], "change was", "changes were")
        message = f"Cancelled: {unposted} not posted, earlier changes stay. For each of these: {left}"
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
