"""Processes that share a store on a server, and the lease of each duty.

Path: ``running.duties`` claims and releases; ``services.fencing`` asks ``holds`` in each transaction; ``storage.processes`` renews.
Promise: at most one process has a lease: these statements run one transaction at a time, and a claim begins a new epoch.
Never: compares the clocks of two machines; decides who should have what.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, delete, select, update

from onhand.domain.duties import Lease, Process

from .dialects import clock, upsert
from .office_tables import leases, processes
from .times import moment

STORE = "store"  # the row that every writing transaction on a server holds until it ends


class Leases:
    """The living processes and their leases."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def processes(self) -> list[Process]:
        held = defaultdict(list)
        for lease in self.all():
            held[lease.holder].append(lease.duty)
        living = select(processes, clock().label("now")).where(processes.c.until > clock())
        return [
            Process(
                holder=row.holder,
                machine=row.machine,
                role=row.role,
                pid=row.pid,
                drives=row.drives,
                since=moment(row.since),
                duties=tuple(held[row.holder]),
                report=_report(row.report),
                age=max(0, row.now - row.reported) / 1_000_000,
            )
            for row in self._connection.execute(living.order_by(processes.c.since, processes.c.holder))
        ]

    def all(self) -> list[Lease]:
        query = select(processes.c.holder).where(processes.c.until > clock())
        living = set(self._connection.execute(query).scalars())
        rows = self._connection.execute(select(leases).where(leases.c.name != STORE).order_by(leases.c.name))
        return [
            Lease(
                row.name,
                row.holder if row.holder in living else "",
                row.epoch,
                row.wanted if row.wanted in living else "",
            )
            for row in rows
        ]

    def get(self, duty: str) -> Lease:
        return next((lease for lease in self.all() if lease.duty == duty), Lease(duty))

    def claim(self, duties: Collection[str], holder: str) -> None:
        self._connection.execute(delete(processes).where(processes.c.until <= clock(), processes.c.holder != holder))
        rows = [{"name": duty, "holder": holder, "epoch": 1, "wanted": "", "hints": 0} for duty in duties]
        if rows:
            insert = upsert(self._connection, leases)
            taken = {"holder": holder, "epoch": leases.c.epoch + 1, "wanted": ""}
            self._connection.execute(insert.values(rows).on_conflict_do_update(index_elements=["name"], set_=taken))

    def release(self, duties: Collection[str], holder: str) -> None:
        mine = leases.c.name.in_(list(duties)), leases.c.holder == holder
        self._connection.execute(update(leases).where(*mine).values(holder=""))

    def holds(self, lease: Lease) -> bool:
        found = select(leases.c.epoch).where(leases.c.name == lease.duty, leases.c.holder == lease.holder)
        return self._connection.execute(found).scalar() == lease.epoch

    def want(self, duty: str, holder: str) -> None:
        insert = upsert(self._connection, leases).values(name=duty, holder="", epoch=0, wanted=holder, hints=0)
        self._connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_={"wanted": holder}))

    def waive(self, duty: str, holder: str) -> None:
        mine = leases.c.name == duty, leases.c.wanted == holder
        self._connection.execute(update(leases).where(*mine).values(wanted=""))

    def hint(self, duty: str) -> None:
        self._connection.execute(update(leases).where(leases.c.name == duty).values(hints=leases.c.hints + 1))

    def hints(self) -> dict[str, int]:
        query = select(leases.c.name, leases.c.hints).where(leases.c.hints > 0)
        return {row.name: row.hints for row in self._connection.execute(query)}


def commits(connection: Connection) -> int:
    """Return how often a store on a server was written to, this transaction included if it writes; 0 for a store data file."""
    return connection.execute(select(leases.c.epoch).where(leases.c.name == STORE)).scalar() or 0


def turn_out(connection: Connection, holder: str) -> None:
    """Forget all processes but this one. They cannot write before they have registered again, which takes an open store."""
    connection.execute(delete(processes).where(processes.c.holder != holder))


def _report(said: str) -> Any:
    try:
        return json.loads(said)
    except ValueError:
        return None
