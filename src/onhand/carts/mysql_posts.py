"""Keeps a shop's memory of our posts and applies them: the state table, and the one statement that changes a shop.

Path: ``mysql`` calls it within a verb; the parts "The memory" and ``onhand_write`` of ``connector/onhand.php`` say the same in PHP.
Promise: a batch is applied in one relative statement, together with its note where the engine has transactions, otherwise after it was
noted as begun.
Never: commits a batch that it has not noted.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from onhand.domain.errors import OnHandError
from onhand.domain.shop import Change

from .answers import text as text_of
from .answers import whole
from .mysql_tables import Tables, ids_of, number, text


@dataclass(frozen=True, slots=True)
class Noted:
    """The note in column last_answer about the batch that was settled last. Connectors before 1.2 noted only the results."""

    results: dict[int, str]
    digest: str | None = None  # the digest of its posts
    holder: str | None = None  # the run of OnHand that sent it

    @classmethod
    def of(cls, written: str) -> Noted:
        noted = json.loads(written or "[]")
        members = noted if isinstance(noted, dict) else {"results": noted}
        results = {whole(product): text_of(reason) for product, reason in members["results"]}
        return cls(results, members.get("digest"), members.get("holder"))

    def __str__(self) -> str:
        members = {"results": list(self.results.items()), "digest": self.digest, "holder": self.holder}
        return json.dumps(members, separators=(",", ":"))


def digest_of(changes: Sequence[Change]) -> str:
    """Return the digest that tells a batch from another with the same numbers."""
    written = ";".join(f"{c.product:d}:{c.delta:d}:{c.reactivate:d}" for c in changes)
    return hashlib.sha256(written.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class State:
    """The one row of our own table."""

    epoch: str
    last_seq: int
    begun: tuple[int, int] | None  # the batch that was begun and is not noted as done
    last_first: int | None
    noted: Noted


def state_of(shop: Tables, for_update: str = "") -> State:
    """Return the one row of our own table. Make the table and the row if they are missing."""
    question = (
        "SELECT epoch, last_seq, begun_first, begun_last, last_first, last_answer"
        f" FROM {shop.state} WHERE id = 1 {for_update}"
    )
    try:
        row = shop.server.row(question)
    except OnHandError as problem:
        if problem.facts.get("reason") != "tables":
            raise
        row = None
    if row is None:
        shop.server.run(
            f"CREATE TABLE IF NOT EXISTS {shop.state} (id TINYINT NOT NULL PRIMARY KEY, epoch CHAR(16) NOT NULL,"
            " last_seq BIGINT NOT NULL, begun_first BIGINT NULL, begun_last BIGINT NULL, last_first BIGINT NULL,"
            " last_answer MEDIUMTEXT NULL) ENGINE=InnoDB DEFAULT CHARSET=ascii"
        )
        shop.server.run(
            f"INSERT IGNORE INTO {shop.state} (id, epoch, last_seq) VALUES (1, '{secrets.token_hex(8)}', 0)"
        )
        (row,) = shop.server.rows(question)
    epoch, last_seq, begun_first, begun_last, last_first, last_answer = row
    begun = (int(begun_first), number(begun_last)) if begun_first is not None else None
    first = None if last_first is None else int(last_first)
    return State(text(epoch), number(last_seq), begun, first, Noted.of(text(last_answer)))


def _possible(shop: Tables, changes: Sequence[Change], for_update: str = "") -> tuple[list[Change], dict[int, str]]:
    """Separate the changes that can take effect from those that cannot, with the reason of each."""
    q = shop.quantity()
    ids = ids_of(change.product for change in changes)
    seen = {
        number(product): number(quantity)
        for product, quantity in shop.server.rows(
            f"SELECT p.products_id, {q.value} FROM {shop.products} p FORCE INDEX (PRIMARY) WHERE p.products_id IN ({ids})"
            f" ORDER BY p.products_id {for_update}"
        )
    }
    results: dict[int, str] = {}
    for change in changes:
        if change.product not in seen:
            results[change.product] = "missing"
        elif not q.low <= seen[change.product] + change.delta <= q.high:
            results[change.product] = "range"
    return [change for change in changes if change.product not in results], results


def _write(shop: Tables, changes: Sequence[Change]) -> int:
    """Run the one statement that changes the shop; return how many products it changed. It is always relative: it cannot undo a sale that
    happens at the same time.

    The derived table drives the join, so that only the named rows are locked. Status comes before quantity because MySQL evaluates
    assignments from left to right, and the condition means the old quantity.
    """
    if not changes:
        return 0
    q = shop.quantity()
    # Rows are locked and written in id order.
    first, *others = (f"{c.product:d},{c.delta:d},{c.reactivate:d}" for c in sorted(changes, key=lambda c: c.product))
    product, delta, reactivate = first.split(",")
    posts = f"SELECT {product} AS product, {delta} AS delta, {reactivate} AS reactivate" + "".join(
        f" UNION ALL SELECT {other}" for other in others
    )
    status = f"p.products_status = IF(d.reactivate = 1 AND {q.after} > 0, 1, p.products_status), "
    return shop.server.run(
        f"UPDATE ({posts}) d STRAIGHT_JOIN {shop.products} p ON p.products_id = d.product"
        f" SET {status if any(change.reactivate for change in changes) else ''}p.products_quantity = {q.plain} + d.delta"
        f" WHERE {q.after} BETWEEN {q.low} AND {q.high}"
    )


def write_at_once(shop: Tables, changes: Sequence[Change]) -> dict[int, str]:
    """Apply the changes in a transaction; return the reason for each change that was not applied. Usually all take effect, which the number
    of products shows. Only otherwise is it found out which did not, and the rest is written again."""
    shop.server.run("SAVEPOINT posts")
    if _write(shop, changes) == len(changes):
        return {}
    shop.server.run("ROLLBACK TO SAVEPOINT posts")
    possible, results = _possible(shop, changes, "FOR UPDATE")
    _write(shop, possible)
    return results


def write_noted(shop: Tables, changes: Sequence[Change], first: int, last: int) -> dict[int, str]:
    """Apply the changes on an engine without transactions: first note that the batch has begun, so that a crash shows."""
    possible, results = _possible(shop, changes)
    shop.server.run(f"UPDATE {shop.state} SET begun_first = {first:d}, begun_last = {last:d} WHERE id = 1")
    shop.server.run("COMMIT")
    _write(shop, possible)  # if this fails, it is unknown how far it came: the note stays
    shop.server.run("START TRANSACTION")
    return results
