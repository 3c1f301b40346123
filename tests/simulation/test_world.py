"""Shows that the simulation's own parts do what they say: the people of a shop, the witness, the network and a kill.

What the simulation proves is worth as much as these: a witness that overlooks a lost sale would prove anything.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from random import Random

import pytest

from onhand.domain.differences import Policy
from onhand.domain.errors import Permanent, Retriable
from onhand.domain.shop import Change, Outcome
from onhand.simulation import editors, people
from onhand.simulation.acts import perform
from onhand.simulation.checks import check
from onhand.simulation.editors import Editor
from onhand.simulation.lies import LIES
from onhand.simulation.people import REORDER_LEVEL, Family
from onhand.simulation.plan import Act, Plan, ShopPlan
from onhand.simulation.program import Disk, Killed, Program
from onhand.simulation.shop import Drift, SimShop, Writer
from onhand.simulation.timeline import SimClock, Timeline
from onhand.simulation.wire import Fault, Network, Wire
from onhand.simulation.world import World

STATEMENTS_BEFORE_UPDATE = 3  # of an osCommerce checkout: its order, its history, its SELECT of the quantity
STATEMENTS_BEFORE_COUNTER = 3  # of an editor that writes it as a literal: the line, its own reading, the quantity
LATE_SECONDS = 60.0  # by then the latest request has arrived


class Immortal:
    """A process that nobody kills."""

    def boundary(self):
        pass

    def survive(self):
        pass


class Street:
    """One shop on a timeline, with one product of which there are ten."""

    def __init__(self, transactional=False, allow_checkout=True):
        self.time = Timeline()
        self.shop = SimShop("shop", transactional, allow_checkout)
        self.product = self.shop.add_product("A", 10)
        self.row = self.shop.tables.products[self.product]
        self.network = Network(self.time, self.shop, Random(3))
        self.wire = Wire(self.network, Immortal())

    @property
    def counts(self):
        return self.row.quantity, self.row.ordered

    @property
    def drifted(self):
        return [(drift.amount, drift.writer, drift.destroyed) for drift in self.shop.drifts]

    def checkout(self, *units, family=Family.OSCOMMERCE, chance=None):
        wanted = [(self.product, n) for n in units]
        return people.sale(self.time, self.shop, family, wanted, chance or Random(4))

    def buy(self, *units, family=Family.OSCOMMERCE):
        """A checkout of that many lines of the one product, to its end; answers its order."""
        order = self.shop.tables.next_order
        to_the_end(self.checkout(*units, family=family))
        return order


@pytest.fixture
def street():
    return Street()


def to_the_end(process):
    for _ in process:
        pass


def statements(process, number):
    """Take only so many."""
    for _ in islice(process, number):
        pass


# The witness


def test_a_sale_by_itself_is_conserved_and_no_drift(street):
    street.buy(3)
    assert street.counts == (7, 3)
    assert street.shop.drifts == []
    assert street.shop.traded == {street.product: 3}


def test_of_two_checkouts_at_once_the_witness_notes_what_the_second_write_undid(street):
    slow = street.checkout(2)
    statements(slow, STATEMENTS_BEFORE_UPDATE)
    street.buy(3)
    to_the_end(slow)
    assert street.counts == (8, 5)  # three were sold and never subtracted
    assert street.drifted == [(3, Writer.SALE, frozenset({Writer.SALE}))]


def test_a_post_between_a_checkouts_two_statements_is_noted_as_undone(street):
    slow = street.checkout(2)
    statements(slow, STATEMENTS_BEFORE_UPDATE)
    epoch = street.wire.hello().epoch
    street.wire.apply(epoch, 1, [Change(street.product, 5)])
    assert street.row.quantity == 15
    to_the_end(slow)
    assert street.counts == (8, 2)
    assert street.drifted == [(-5, Writer.SALE, frozenset({Writer.POST}))]


@pytest.mark.parametrize("family", Family)
def test_whatever_races_and_dies_the_drifts_add_up_to_what_the_sum_moved(family):
    destroyed = 0
    for seed in range(60):
        street, chance = Street(), Random(seed)
        for _ in range(6):
            left = chance.randrange(1, 25)
            dies = iter(range(left)) if chance.random() < 0.3 else None
            street.time.start(
                street.checkout(*chance.choice(((1,), (5,), (2, 1))), family=family, chance=Random(chance.random())),
                lambda dies=dies: dies is not None and next(dies, None) is None,
            )
        street.time.run_until(30.0)
        assert street.time.processes == 0
        assert sum(street.counts) - 10 == sum(drift.amount for drift in street.shop.drifts)
        assert street.shop.traded[street.product] == street.row.ordered
        destroyed += any(drift.writer is Writer.SALE for drift in street.shop.drifts)
    assert destroyed > 10


# A checkout that dies


def test_a_checkout_that_dies_between_quantity_and_counter_leaves_a_drift_that_is_noted(street):
    dying = street.checkout(2)
    while street.row.quantity == 10:
        next(dying)
    dying.close()
    assert street.counts == (8, 0)
    assert street.shop.drifts == [Drift(0.0, street.product, -2, Writer.CRASH)]
    assert street.shop.sales == 0


def test_a_checkout_that_dies_before_it_wrote_the_quantity_leaves_none(street):
    dying = street.checkout(2)
    statements(dying, STATEMENTS_BEFORE_UPDATE)
    dying.close()
    assert street.counts == (10, 0)
    assert street.shop.drifts == []


# POSM and Phoenix


def test_posm_jumps_through_a_meaningless_value_and_leaves_nothing_behind(street):
    quantities = [street.row.quantity for _ in street.checkout(2, family=Family.POSM)]
    assert REORDER_LEVEL + 1 in quantities
    assert street.counts == (8, 2)
    assert street.row.jumping == 0
    assert street.shop.drifts == []


def test_who_buys_during_the_jump_waits_for_its_end(street):
    jumping, waiting = street.checkout(2, family=Family.POSM), street.checkout(3, family=Family.POSM)
    while street.row.quantity != REORDER_LEVEL + 1:
        next(jumping)
    statements(waiting, 20)
    assert street.row.quantity == REORDER_LEVEL + 1
    to_the_end(jumping)
    to_the_end(waiting)
    assert street.counts == (5, 5)
    assert street.shop.drifts == []


@pytest.mark.parametrize(("family", "given_back"), [(Family.PHOENIX, 2), (Family.OSCOMMERCE, 5)])
def test_phoenix_gives_back_one_line_only_of_a_product_on_two_lines(street, family, given_back):
    order = street.buy(2, 3, family=family)
    assert street.counts == (5, 5)
    to_the_end(people.deletion(street.shop, family, order, restock=True, chance=Random(5)))
    assert street.counts == (5 + given_back, 5 - given_back)
    assert street.shop.tables.lines == {}
    assert street.shop.traded == {street.product: 5 - given_back}
    assert street.shop.drifts == []  # a defect of the shop, and yet conserved: the counter says the same


# The network


@pytest.mark.parametrize("transactional", [True, False])
@pytest.mark.parametrize("faults", [[Fault.LATE, Fault.LATE], [Fault.LATE, Fault.TWICE], [Fault.ANSWER_LOST] * 2])
def test_a_request_that_arrives_several_times_takes_effect_once(transactional, faults):
    street = Street(transactional)
    epoch, batch = street.wire.hello().epoch, [Change(street.product, 5)]
    street.network.faults.extend(faults)
    for fault in faults:
        if fault is Fault.TWICE:
            street.wire.apply(epoch, 1, batch)
        else:
            with pytest.raises(Retriable) as failure:
                street.wire.apply(epoch, 1, batch)
            assert failure.value.facts["reason"] == "timeout"
    street.time.run_until(street.time.now + LATE_SECONDS)
    assert street.counts == (15, 0)
    assert street.shop.taken == {(epoch, 1): 1}
    assert street.wire.apply(epoch, 1, batch).outcome is Outcome.ALREADY


def test_a_connector_that_is_killed_leaves_part_of_a_batch_on_an_engine_without_transactions_only():
    left = set()
    for seed in range(30):
        for transactional in (True, False):
            street = Street(transactional)
            others = [street.shop.add_product(sku, 10) for sku in "BC"]
            epoch = street.wire.hello().epoch
            street.network.chance.seed(seed)
            street.network.faults.append(Fault.CRASH)
            try:
                street.wire.apply(epoch, 1, [Change(product, 1) for product in (street.product, *others)])
            except Retriable:
                assert street.shop.tables.memory.last_seq == 0
                left.add((transactional, len(street.shop.taken), street.shop.tables.memory.begun))
    assert left == {
        (True, 0, None),
        (False, 0, None),
        *((False, written, (1, 3)) for written in range(4)),
    }


# A kill


def test_a_connector_ends_the_batch_it_is_at_although_its_caller_is_killed(street):
    products = [street.product, *(street.shop.add_product(f"P{n}", 10) for n in range(40))]
    batch = [Change(product, 1) for product in products]
    heard = []

    def begin_anew():
        """Another process asks in the very moment in which the first one dies."""
        heard.append(street.wire.apply(epoch, 1, batch).outcome)

    program = Program(Disk(), street.time, SimClock(street.time), {1: street.network}, Random(6), begin_anew)
    wire = Wire(street.network, program)
    epoch = wire.hello().epoch

    def kill_in_the_middle():
        if len(street.shop.taken) < len(batch) // 2:
            street.time.at(street.time.now + 0.0001, kill_in_the_middle)
            return
        assert len(street.shop.taken) < len(batch)
        assert street.shop.tables.memory.begun == (1, len(batch))
        program.kill()

    kill_in_the_middle()
    with pytest.raises(Killed):
        wire.apply(epoch, 1, batch)
    assert heard == [Outcome.ALREADY]
    assert street.shop.tables.memory.begun is None
    assert [row.quantity for row in street.shop.tables.products.values()] == [11] * len(batch)
    assert set(street.shop.taken.values()) == {1}


# Editors


def edited(street, editor, order, change):
    """An editor at work on the one line of an order."""
    (line,) = [line.line for line in street.shop.tables.lines.values() if line.order == order]
    return editors.edit_units(street.time, street.shop, Family.OSCOMMERCE, editor, line, change, Random(7))


def test_an_editor_that_writes_the_counter_as_it_has_read_it_loses_a_sale_from_it(street):
    order = street.buy(3)
    editing = edited(street, Editor.LITERAL, order, 2)
    statements(editing, STATEMENTS_BEFORE_COUNTER)
    street.buy(1)
    to_the_end(editing)
    assert street.counts == (4, 5)  # six were sold
    assert street.drifted == [(-1, Writer.COUNTER, frozenset({Writer.SALE}))]
    assert (street.shop.traded[street.product], street.shop.edited[street.product]) == (5, 1)


def test_an_editor_that_writes_the_counter_as_it_has_read_it_is_honest_while_nobody_buys(street):
    order = street.buy(3)
    to_the_end(edited(street, Editor.LITERAL, order, -2))
    assert street.counts == (9, 1)
    assert street.drifted == []


def test_an_editor_that_changes_a_line_alone_moves_nothing_and_the_witness_knows_of_it(street):
    order = street.buy(3)
    to_the_end(edited(street, Editor.ALONE, order, 2))
    assert [line.quantity for line in street.shop.tables.lines.values()] == [5]
    assert street.counts == (7, 3)
    assert street.drifted == []
    assert [(edit.product, edit.units) for edit in street.shop.line_edits] == [(street.product, 2)]


# A shop that lies


def verbs(street):
    """Each verb, asked of the simulated shop through its wire."""
    epoch, posts = street.wire.hello().epoch, iter(range(1, 1000))
    return {
        "hello": street.wire.hello,
        "look": lambda: street.wire.look(0, 0, 10, True, True),
        "cells": lambda: street.wire.cells(11),
        "page": lambda: street.wire.listings(0, 10),
        "rows": lambda: street.wire.rows([street.product]),
        "orders": lambda: street.wire.orders([1]),
        "apply": lambda: street.wire.apply(epoch, next(posts), [Change(street.product, 1)]),
    }


@pytest.mark.parametrize(("verb", "lie"), [(verb, lie) for verb, told in LIES.items() for lie in told])
def test_the_real_border_refuses_every_lie(street, monkeypatch, verb, lie):
    street.buy(2)
    ask = verbs(street)[verb]
    monkeypatch.setitem(LIES, verb, (lie,))
    street.network.liar, street.network.lying_until = Random(8), LATE_SECONDS
    reasons = []
    for _ in range(12):
        try:
            ask()
        except Permanent as refusal:
            reasons.append(refusal.facts["reason"])
    assert len(reasons) == street.network.happened["lie"] > 0
    assert {*reasons} <= {"answer", "internal"}
    assert street.network.believed == []


@pytest.mark.parametrize("verb", LIES)
def test_the_border_hears_an_honest_answer_as_it_is(street, monkeypatch, verb):
    """Else the test above could not fail for the right reason."""
    street.buy(2)
    ask = verbs(street)[verb]
    honest = ask()
    monkeypatch.setitem(LIES, verb, (lambda *_: None,))
    monkeypatch.setattr("onhand.simulation.wire.HONEST", 0.0)
    street.network.liar, street.network.lying_until = Random(8), LATE_SECONDS
    heard = ask()
    assert len(street.network.believed) == 1
    if verb == "apply":
        honest = replace(honest, last_seq=honest.last_seq + 1)
    assert [*heard] == [*honest] if verb == "cells" else heard == honest


# A copy of the store


def test_a_copy_of_the_store_beside_the_first_is_noticed_by_one_of_the_two():
    shops = (ShopPlan(Family.OSCOMMERCE, True, True, Policy.OURS, 0),) * 2
    sales = [Act(4.0 + n, 0, "sale", 0, n) for n in range(8)]
    planned = Plan(11, shops, (Act(2.0, 0, "copy of the store runs", 0, 5), *sales))
    world = World(planned)
    world.run(perform, check)
    assert world.violations == []
    assert any("the copy ends" in line for line in world.story)
    assert any("is stopped" in line for line in world.story)
