"""Carts.

Path: every tick reads one; collecting, delivering and aligning move it along.
Promise: the cursor, the sums and the sequence move in the same commit as the bookings they describe; secrets are sealed.
Never: deletes a movement with a cart.
"""

from __future__ import annotations

import json
from collections import namedtuple
from dataclasses import asdict, fields
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, delete, false, func, insert, select, true, update

from onhand.domain.carts import Cart, Settings
from onhand.domain.differences import Policy
from onhand.domain.errors import Refused
from onhand.domain.listings import Direction
from onhand.domain.numbering import Place
from onhand.domain.shop import Hello
from onhand.domain.sketch import Sums

from .hot import Hot
from .tables import carts, differences, listings, order_lines, posts
from .times import micros, moment
from .vault import Vault

HELLOS_MAX = 16_384  # hellos kept as read, 4 KB each: below the number of carts, every read of one would begin again


class Carts:
    """Connected shops."""

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self._connection, self._vault = connection, vault

    def add(self, settings: Settings, at: datetime) -> int:
        self._check_name(settings.name, None)
        values = {
            **self._settings(settings),
            "synchronize": False,
            "next_seq": 1,
            "unmarked": False,
            "aligned_movement": 0,
            "baseline_line": 0,
            "cursor_line": 0,
            "created_at": micros(at),
            **_sums(Sums()),
        }
        return int(self._connection.execute(insert(carts).values(values).returning(carts.c.id)).scalar_one())

    def all(self) -> list[Cart]:
        return [self._cart(row) for row in self._connection.execute(select(carts).order_by(carts.c.id))]

    def count(self) -> int:
        return self._connection.execute(select(func.count()).select_from(carts)).scalar_one()

    def arrangement(self) -> object:
        return _ARRANGEMENT.rows(self._connection, {})

    def get(self, cart: int) -> Cart:
        for values in _ONE.rows(self._connection, {"cart": cart}):
            return self._cart(_Record(*values))
        raise Refused(f"There is no cart number {cart}: it was removed.", cart=cart)

    def named(self, name: str) -> Cart:
        row = self._connection.execute(select(carts).where(carts.c.name_key == _key(name))).one_or_none()
        if row is None:
            names = ", ".join(cart.name for cart in self.all()) or "none yet, add one with `onhand cart add`"
            raise Refused(f"There is no cart {name!r}. There are: {names}.", cart=name)
        return self._cart(row)

    def edit(self, cart: int, settings: Settings) -> None:
        self._check_name(settings.name, cart)
        self._set(cart, **self._settings(settings))

    def revise(self, cart: int) -> None:
        self._set(cart, revision=carts.c.revision + 1)

    def remove(self, cart: int) -> None:
        for table in (differences, posts, order_lines, listings):
            self._connection.execute(delete(table).where(table.c.cart_id == cart))
        self._connection.execute(delete(carts).where(carts.c.id == cart))

    def greet(self, cart: int, hello: Hello) -> None:
        self._set(cart, hello=json.dumps(asdict(hello)))

    def align(self, cart: int, epoch: str, next_seq: int, place: Place, sums: Sums) -> None:
        # An unanswered batch of the old epoch can no longer be applied, because the shop refuses its epoch.
        self._connection.execute(
            update(posts).where(posts.c.cart_id == cart, posts.c.state == "sent").values(state="unlanded")
        )
        self._set(
            cart,
            epoch=epoch,
            next_seq=next_seq,
            unmarked=False,
            baseline_line=place.baseline,
            cursor_line=place.cursor,
            restart_line=place.restart,
            catalogue=None,
            halted=None,
            **_sums(sums),
        )

    def settle_alignment(self, cart: int, movement: int, by: Direction, at: datetime) -> None:
        self._set(cart, aligned_movement=movement, aligned_by=by.value, aligned_at=micros(at))

    def advance(self, cart: int, line: int) -> None:
        self._set(cart, cursor_line=line)

    def begin_again(self, cart: int, place: Place) -> None:
        self._set(cart, cursor_line=place.cursor, restart_line=place.restart)

    def move_sums(self, cart: int, change: Sums) -> None:
        if change:
            _MOVE_SUMS.run(self._connection, [{"cart": cart, **_sums(self.get(cart).sums + change)}])

    def remember_catalogue(self, cart: int, catalogue: str) -> None:
        self._set(cart, catalogue=catalogue)

    def take_seqs(self, cart: int, count: int) -> None:
        _TAKE_SEQS.run(self._connection, [{"cart": cart, "count": count}])

    def owe_mark(self, cart: int) -> None:
        _OWE_MARK.run(self._connection, [{"cart": cart}])

    def switch(self, cart: int, synchronize: bool) -> None:
        self._set(cart, synchronize=synchronize)

    def halt(self, cart: int, reason: str | None) -> None:
        self._set(cart, halted=reason)

    def report(
        self,
        cart: int,
        looked_at: datetime | None,
        in_step_at: datetime | None,
        trouble: str | None,
        trouble_since: datetime | None,
    ) -> None:
        values = {
            "cart": cart,
            "looked_at": micros(looked_at) if looked_at else None,
            "in_step_at": micros(in_step_at) if in_step_at else None,
            "trouble": trouble,
            "trouble_since": micros(trouble_since) if trouble_since else None,
        }
        _REPORT.run(self._connection, [values])

    def _set(self, cart: int, **values: Any) -> None:
        self._connection.execute(update(carts).where(carts.c.id == cart).values(values))

    def _check_name(self, name: str, but: int | None) -> None:
        taken = self._connection.execute(select(carts.c.id).where(carts.c.name_key == _key(name))).scalar_one_or_none()
        if taken is not None and taken != but:
            raise Refused(f"There is already a cart named {name!r}: choose another name.", cart=name)

    def _settings(self, settings: Settings) -> dict[str, Any]:
        """Return the columns of settings. A secret that no key opens is left unchanged, in case its key file comes back."""
        values = asdict(settings)
        if settings.secret is None:
            del values["secret"]
        else:
            values["secret"] = self._vault.seal(settings.secret)
        policy = settings.policy.value if settings.policy else None
        return {**values, "policy": policy, "name_key": _key(settings.name)}

    def _cart(self, row: Any) -> Cart:
        return _cart(row, self._vault.open(row.secret))


# Hot: every step of every tick reads its cart, every booking moves its sums, and every look is reported now and then.
_ONE = Hot(select(carts).where(carts.c.id == bindparam("cart")))
_Record = namedtuple("_Record", [column.name for column in carts.c])  # type: ignore[misc]  # noqa: PYI024 - its fields are the table's
_ARRANGEMENT = Hot(
    select(
        carts.c.id,
        carts.c.synchronize,
        carts.c.epoch.is_not(None),
        *(carts.c[field.name] for field in fields(Settings)),
    ).order_by(carts.c.id)
)
_REPORT = Hot(
    update(carts)
    .where(carts.c.id == bindparam("cart"))
    .values({name: bindparam(name) for name in ("looked_at", "in_step_at", "trouble", "trouble_since")})
)
_OWE_MARK = Hot(update(carts).where(carts.c.id == bindparam("cart")).values(unmarked=true()))
_TAKE_SEQS = Hot(
    update(carts)
    .where(carts.c.id == bindparam("cart"))
    .values(next_seq=carts.c.next_seq + bindparam("count"), unmarked=false())
)
_MOVE_SUMS = Hot(
    update(carts)
    .where(carts.c.id == bindparam("cart"))
    .values({name: bindparam(name) for name in carts.c.keys() if name.startswith("sum_")})  # noqa: SIM118 - a collection of columns
)


def _key(name: str) -> str:
    return name.strip().casefold()


@lru_cache(maxsize=HELLOS_MAX)  # a hello is read much more often than it changes, and is immutable
def _hello(text: str | None) -> Hello | None:
    """Return the shop's description of itself; None if an older version stored an incomplete one, until the next look."""
    said = json.loads(text) if text else {}
    if said.keys() != {field.name for field in fields(Hello)}:
        return None
    return Hello(**{**said, "stock_elsewhere": tuple(said["stock_elsewhere"])})


def _sums(sums: Sums) -> dict[str, str]:
    return {
        "sum_count": str(sums.count),
        "sum_quantity": str(sums.quantity),
        "sum_ordered": str(sums.ordered),
        "sum_quantity_h": str(sums.quantity_h),
        "sum_ordered_h": str(sums.ordered_h),
    }


def _cart(row: Any, secret: str | None) -> Cart:
    return Cart(
        id=row.id,
        settings=Settings(
            name=row.name,
            url=row.url,
            key_id=row.key_id,
            secret=secret,
            allow_http=bool(row.allow_http),
            active=bool(row.active),
            policy=Policy(row.policy) if row.policy else None,
            buffer=row.buffer,
            batch_size=row.batch_size,
            tick_seconds=row.tick_seconds,
            settle_seconds=row.settle_seconds,
        ),
        synchronize=bool(row.synchronize),
        halted=row.halted,
        epoch=row.epoch,
        next_seq=row.next_seq,
        unmarked=bool(row.unmarked),
        aligned_movement=row.aligned_movement,
        aligned_at=moment(row.aligned_at),
        aligned_by=Direction(row.aligned_by) if row.aligned_by else None,
        baseline_line=row.baseline_line,
        cursor_line=row.cursor_line,
        sums=Sums(
            int(row.sum_count),
            int(row.sum_quantity),
            int(row.sum_ordered),
            int(row.sum_quantity_h),
            int(row.sum_ordered_h),
        ),
        catalogue=row.catalogue,
        hello=_hello(row.hello),
        looked_at=moment(row.looked_at),
        in_step_at=moment(row.in_step_at),
        trouble=row.trouble,
        trouble_since=moment(row.trouble_since),
        revision=row.revision,
        restart_line=row.restart_line,
    )
