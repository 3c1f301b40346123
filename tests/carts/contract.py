"""Holds every connector to ``docs/protocol.md``: what a shop must answer, whoever implements it.

Path: a connector's test module subclasses ``ShopContract`` (and ``WireContract`` if it speaks HTTP) and gives the fixture
``driver`` (and ``wire``): a fresh, empty shop per test.
Promise: only what the protocol says is asked; the shop's side moves through the driver alone.
Never: knows which connector is under test.
"""

from __future__ import annotations

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from onhand.carts.signing import Key, Wrong, takes_short
from onhand.domain.errors import Conflict, Permanent, Retriable
from onhand.domain.shop import DOWNLOAD, WINDOW_PRIME, Change, Line, Outcome, Window
from onhand.domain.sketch import Counters, Sums, cells_of, decode, difference
from tests.carts.driver import ShopDriver, Wire

NO_LINES = Window(0, 0, 0)


def window_of(units):
    """The window over these lines: number → units."""
    weighed = sum(n * (line % WINDOW_PRIME + 1) for line, n in units.items())
    return Window(len(units), sum(units), weighed)


def look(driver, after=0, low=0, limit=100, sums=False, catalogue=False):
    return driver.shop().look(after, low, limit, sums, catalogue)


def apply(driver, first, *changes, epoch=None, close=False):
    """One batch of (product, delta) or (product, delta, reactivate) in the current epoch, or the one given."""
    epoch = epoch or driver.shop().hello().epoch
    return driver.shop().apply(epoch, first, [Change(*change) for change in changes], close)


def counters(driver, products):
    rows = {product: driver.row(product) for product in products}
    return {product: Counters(row.quantity, row.ordered) for product, row in rows.items()}


class ShopContract:
    """What the services may count on, through ``services.ports.Shop``."""

    # hello

    def test_hello_says_who_is_there(self, driver: ShopDriver):
        driver.add_product("A", 1)
        driver.add_product("B", 1)
        hello = driver.shop().hello()
        assert (hello.protocol, hello.family, hello.engine) == (1, driver.family, driver.engine)
        assert (hello.sku_length, hello.products, hello.last_seq) == (driver.sku_length, 2, 0)
        assert re.fullmatch("[0-9a-f]{16}", hello.epoch)
        assert abs(hello.clock - time.time()) < 60
        assert hello.connector
        assert hello.runtime
        assert hello.database
        assert hello.quantity_type
        assert hello.switches["STOCK_LIMITED"] == "true"
        assert hello.switches["DOWNLOAD_ENABLED"] == "false"

    def test_hello_does_not_change_the_epoch(self, driver):
        assert driver.shop().hello().epoch == driver.shop().hello().epoch

    def test_a_fresh_epoch_begins_only_after_the_current_one(self, driver):
        product = driver.add_product("A", 10)
        old = driver.shop().hello().epoch
        apply(driver, 1, (product, 1))
        driver.leave_begun(2, 2)

        fresh = driver.shop().hello(fresh_epoch_after=old)
        assert fresh.epoch != old
        assert fresh.last_seq == 0
        assert not look(driver).begun

        again = driver.shop().hello(fresh_epoch_after=old)
        assert again.epoch == fresh.epoch
        assert driver.shop().hello(fresh_epoch_after="0" * 16).epoch == fresh.epoch

    def test_a_fresh_epoch_has_forgotten_the_batches_of_the_old_one(self, driver):
        product = driver.add_product("A", 10)
        old = driver.shop().hello().epoch
        apply(driver, 1, (product, 1))
        driver.shop().hello(fresh_epoch_after=old)
        assert apply(driver, 1, (product, 1)).outcome is Outcome.APPLIED
        assert driver.row(product).quantity == 12

    # look: order lines

    def test_an_empty_shop_looks_empty(self, driver):
        seen = look(driver, sums=True, catalogue=True)
        assert (seen.lines, seen.more, seen.last_line, seen.window) == ((), False, 0, NO_LINES)
        assert seen.sums == Sums()
        assert seen.last_seq == 0
        assert not seen.begun

    def test_a_sale_shows_as_a_line_and_in_both_counters(self, driver):
        product = driver.add_product("A", 10, ordered=5)
        order = driver.sell(product, 3)
        (line,) = driver.lines_of(order)
        seen = look(driver, sums=True)
        assert seen.lines == (Line(line, order, product, "A", 3, 1, paid=True),)
        assert seen.last_line == line
        assert seen.sums == Sums.of(product, 7, 8, 1)
        assert seen.sums_ms >= 0

    def test_lines_come_in_order_above_the_cursor_and_in_pages(self, driver):
        products = [driver.add_product(f"P{n}", 100) for n in range(5)]
        order = driver.sell_order([(product, n + 1) for n, product in enumerate(products)])
        lines = driver.lines_of(order)
        first = look(driver, limit=3)
        assert [line.line for line in first.lines] == lines[:3]
        assert first.more
        assert first.last_line == lines[-1]
        rest = look(driver, after=lines[2], limit=2)
        assert [line.line for line in rest.lines] == lines[3:]
        assert [line.quantity for line in rest.lines] == [4, 5]
        assert not rest.more
        assert look(driver, after=lines[-1]).lines == ()

    def test_the_window_shows_a_line_that_was_edited(self, driver):
        product = driver.add_product("A", 100)
        first, cursor = (driver.lines_of(driver.sell(product, 2))[0] for _ in range(2))
        before = look(driver, after=cursor).window
        assert before.fits(window_of({first: 2, cursor: 2}))
        assert not before.fits(window_of({first: 3, cursor: 2}))
        assert not before.fits(window_of({first: 1, cursor: 3}))

    def test_the_window_counts_the_lines_up_to_the_cursor(self, driver):
        product = driver.add_product("A", 100)
        lines = [driver.lines_of(driver.sell(product, 1))[0] for _ in range(4)]
        assert look(driver, after=lines[3], low=lines[0]).window == window_of(dict.fromkeys(lines[1:], 1))
        assert look(driver, after=lines[2], low=lines[2]).window == NO_LINES
        assert look(driver, after=lines[2] + 1000, low=0).window == window_of(dict.fromkeys(lines, 1))

    def test_the_window_shows_a_line_that_commits_late_and_one_that_goes(self, driver):
        product = driver.add_product("A", 100)
        order = driver.sell(product, 1)
        last = driver.lines_of(order)[0]
        late, cursor = last + 3, last + 5
        driver.add_line(cursor, order, product, 1)
        assert look(driver, after=cursor).window == window_of({last: 1, cursor: 1})
        driver.add_line(late, order, product, 2)
        assert look(driver, after=cursor).window == window_of({last: 1, cursor: 1, late: 2})
        driver.remove_order(order, restock=False)
        assert look(driver, after=cursor).window == NO_LINES

    def test_an_unpaid_order_is_marked_until_it_is_paid(self, driver):
        product = driver.add_product("A", 10)
        order = driver.prepare(product, 2)
        (line,) = look(driver, sums=True).lines
        assert not line.paid
        assert look(driver, sums=True).sums == Sums.of(product, 10, 0, 1)
        driver.pay(order)
        (line,) = look(driver).lines
        assert line.paid
        assert look(driver, sums=True).sums == Sums.of(product, 8, 2, 1)

    def test_an_abandoned_order_leaves_nothing(self, driver):
        product = driver.add_product("A", 10)
        order = driver.prepare(product, 2)
        driver.abandon(order)
        assert look(driver, sums=True).lines == ()
        assert look(driver, sums=True).sums == Sums.of(product, 10, 0, 1)

    def test_a_line_whose_order_is_missing_has_no_status(self, driver):
        product = driver.add_product("A", 10)
        order = driver.sell(product, 1)
        driver.delete_order_row(order)
        assert look(driver).lines[0].status is None

    def test_a_line_keeps_the_sku_it_was_sold_under(self, driver):
        product, nameless = driver.add_product("OLD", 10), driver.add_product(None, 10)
        driver.sell_order([(product, 1), (nameless, 1)])
        driver.set(product, model="NEW")
        assert [line.model for line in look(driver).lines] == ["OLD", None]

    # look, sums and the catalogue figure

    def test_sums_come_only_when_asked_for(self, driver):
        driver.add_product("A", 1)
        seen = look(driver)
        assert seen.sums is None
        assert seen.catalogue is None

    def test_sums_cover_every_product_whatever_its_status_and_sign(self, driver):
        products = [
            driver.add_product("A", 10),
            driver.add_product("B", -4, status=0, ordered=9),
            driver.add_product(None, driver.quantity_max, ordered=driver.ordered_max),
            driver.add_product("D", driver.quantity_min),
        ]
        expected = Sums.total(Sums.of(p, c.quantity, c.ordered, 1) for p, c in counters(driver, products).items())
        assert look(driver, sums=True).sums == expected

    def test_honest_trade_conserves_quantity_plus_ordered(self, driver):
        product = driver.add_product("A", 10)
        order = driver.sell(product, 4)
        driver.remove_order(order, restock=True)
        driver.sell(product, 12)
        sums = look(driver, sums=True).sums
        assert (sums.quantity, sums.ordered) == (-2, 12)

    @pytest.mark.parametrize("change", ["status", "model", "new", "deleted"])
    def test_the_catalogue_figure_moves_with_the_listing_set(self, driver, change):
        product = driver.add_product("A", 10)
        before = look(driver, catalogue=True).catalogue
        if change == "status":
            driver.set(product, status=0)
        elif change == "model":
            driver.set(product, model="B")
        elif change == "new":
            driver.add_product(None, 0)
        else:
            driver.delete_product(product)
        assert look(driver, catalogue=True).catalogue != before

    def test_the_catalogue_figure_rests_while_only_stock_moves(self, driver):
        product = driver.add_product("A", 10)
        before = look(driver, catalogue=True).catalogue
        driver.sell(product, 1)
        driver.set(product, quantity=50)
        apply(driver, 1, (product, 3))
        assert look(driver, catalogue=True).catalogue == before

    # cells

    @pytest.mark.parametrize("size", [1, 7, 12, 48, 1000])
    def test_cells_are_the_reference_cells(self, driver, size):
        products = [driver.add_product(f"P{n}", 3 * n - 20, ordered=n) for n in range(40)]
        assert list(driver.shop().cells(size)) == cells_of(counters(driver, products), size)

    def test_cells_hold_the_largest_counters(self, driver):
        products = [driver.add_product(f"P{n}", driver.quantity_max, ordered=driver.ordered_max) for n in range(3)]
        products += [driver.add_product(f"N{n}", driver.quantity_min) for n in range(2)]
        assert list(driver.shop().cells(2)) == cells_of(counters(driver, products), 2)

    def test_cells_name_the_products_that_drifted(self, driver):
        products = [driver.add_product(f"P{n}", 50) for n in range(30)]
        expected = counters(driver, products)
        driver.set(products[3], quantity=53, modified=False)
        driver.sell(products[17], 6)
        seen = driver.shop().cells(12)
        assert decode(difference(seen, cells_of(expected, 12))) == {
            products[3]: Counters(3, 0),
            products[17]: Counters(-6, 6),
        }

    def test_the_largest_question_is_answered(self, driver):
        products = [driver.add_product(f"P{n}", n) for n in range(5)]
        assert list(driver.shop().cells(21845)) == cells_of(counters(driver, products), 21845)

    def test_more_cells_than_that_are_refused(self, driver):
        with pytest.raises(Permanent) as refusal:
            driver.shop().cells(21846)
        assert refusal.value.facts["reason"] == "too_large"

    # listings

    def test_listings_come_in_pages_in_id_order(self, driver):
        products = [driver.add_product(f"P{n}", n) for n in range(5)]
        first = driver.shop().listings(0, 3)
        assert [row.product for row in first.rows] == products[:3]
        assert first.more
        rest = driver.shop().listings(products[2], 2)
        assert [row.product for row in rest.rows] == products[3:]
        assert not rest.more
        assert driver.shop().listings(products[-1], 10).rows == ()

    def test_a_row_shows_the_product_as_it_stands(self, driver):
        product = driver.add_product("AbC-1", 7, name="Blue mug", ordered=4)
        driver.sell(product, 2)
        (row,) = driver.shop().rows([product])
        assert (row.product, row.model, row.name) == (product, "AbC-1", "Blue mug")
        assert (row.quantity, row.ordered, row.status, row.flags) == (5, 6, 1, 0)
        assert row.modified is None
        assert (row.age is not None) == driver.stamped

    def test_rows_answers_those_that_exist(self, driver):
        kept, gone = driver.add_product("A", 1), driver.add_product("B", 1)
        driver.delete_product(gone)
        assert [row.product for row in driver.shop().rows([gone, kept, gone + 1000])] == [kept]
        assert driver.shop().rows([]) == ()

    def test_a_product_may_lack_a_sku_or_have_an_empty_one(self, driver):
        none, empty = driver.add_product(None, 1), driver.add_product("", 1)
        assert [row.model for row in driver.shop().rows([none, empty])] == [None, ""]

    def test_names_arrive_whole_in_every_script_that_the_shop_can_hold(self, driver):
        name = f"Größe «{driver.letters}»; \"quoted\" \\ 'x'"[:64].strip()
        long = driver.letters[0] * 64
        products = [driver.add_product("Ä-ß", 1, name=name), driver.add_product("L", 1, name=long)]
        rows = driver.shop().rows(products)
        assert [row.name for row in rows] == [name, long]
        assert rows[0].model == "Ä-ß"

    def test_an_admin_save_shows_with_its_age(self, driver):
        product = driver.add_product("A", 7)
        driver.set(product, quantity=9)
        (row,) = driver.shop().rows([product])
        assert row.quantity == 9
        assert row.modified == driver.row(product).modified
        assert 0 <= row.age < 60

    def test_a_download_is_flagged_while_downloads_are_enabled(self, driver):
        file, thing = driver.add_product("F", 7), driver.add_product("T", 7)
        driver.make_download(file)
        assert [row.flags for row in driver.shop().rows([file, thing])] == [DOWNLOAD, 0]

    # orders

    def test_orders_answers_the_lines_that_still_exist(self, driver):
        product = driver.add_product("A", 10)
        kept, gone = driver.sell(product, 1), driver.sell(product, 2)
        lines = driver.lines_of(kept) + driver.lines_of(gone)
        driver.set_order_status(kept, 3)
        driver.remove_order(gone, restock=True)
        assert driver.shop().orders(lines) == (Line(lines[0], kept, product, "A", 1, 3, paid=True),)
        assert driver.shop().orders([]) == ()

    # apply

    def test_a_batch_changes_quantities_by_its_deltas(self, driver):
        a, b, c = (driver.add_product(sku, 10) for sku in "ABC")
        result = apply(driver, 1, (b, -3), (a, 5))
        assert (result.outcome, result.last_seq, result.failed) == (Outcome.APPLIED, 2, {})
        assert result.epoch == driver.shop().hello().epoch
        assert [driver.row(product).quantity for product in (a, b, c)] == [15, 7, 10]
        assert driver.shop().hello().last_seq == look(driver).last_seq == 2

    def test_nothing_but_the_quantity_is_written(self, driver):
        product = driver.add_product("A", 10, ordered=3, status=0)
        apply(driver, 1, (product, 5))
        row = driver.row(product)
        assert (row.quantity, row.ordered, row.status, row.model, row.modified) == (15, 3, 0, "A", None)

    def test_an_admins_mark_stays_untouched(self, driver):
        product = driver.add_product("A", 10)
        driver.set(product, quantity=12)
        before = driver.row(product).modified
        time.sleep(1.1)
        apply(driver, 1, (product, 5))
        assert driver.row(product).modified == before

    def test_quantities_may_fall_below_zero(self, driver):
        product = driver.add_product("A", 2)
        apply(driver, 1, (product, -5))
        assert driver.row(product).quantity == -3

    def test_a_post_of_nothing_takes_a_number_and_changes_nothing(self, driver):
        product = driver.add_product("A", 10, ordered=3, status=0)
        before = driver.row(product)
        result = apply(driver, 1, (product, 0), (product + 1000, 0))
        assert (result.outcome, result.failed, result.last_seq) == (Outcome.APPLIED, {product + 1000: "missing"}, 2)
        result = apply(driver, 3, (product, 0))
        assert (result.outcome, result.failed, result.last_seq) == (Outcome.APPLIED, {}, 3)
        assert apply(driver, 3, (product, 0)).outcome == Outcome.ALREADY
        assert driver.row(product) == before

    def test_a_repeated_batch_changes_nothing_and_answers_the_same(self, driver):
        product = driver.add_product("A", 10)
        batch = ((product, 5), (product + 1000, 1))
        first = apply(driver, 1, *batch)
        for _ in range(2):
            again = apply(driver, 1, *batch)
            assert again.outcome is Outcome.ALREADY
            assert (again.last_seq, again.failed) == (first.last_seq, first.failed) == (2, {product + 1000: "missing"})
        assert driver.row(product).quantity == 15

    def test_another_batch_with_the_same_numbers_is_told_from_the_applied_one(self, driver):
        """Two copies of one store number their posts alike: what one of them sent is not done for the other."""
        product, other = driver.add_product("A", 10), driver.add_product("B", 10)
        apply(driver, 1, (product, 5), (other, 1))
        for batch in (
            ((product, 4), (other, 1)),
            ((product, 5), (other, 1, True)),
            ((other, 1), (product, 5)),
            ((product, 5), (other + 1000, 1)),
        ):
            with pytest.raises(Conflict) as refusal:
                apply(driver, 1, *batch)
            assert refusal.value.facts == {"reason": "other", "last_seq": 2}
        assert [driver.row(p).quantity for p in (product, other)] == [15, 11]
        assert apply(driver, 1, (product, 5), (other, 1)).outcome is Outcome.ALREADY
        assert apply(driver, 3, (product, 1)).outcome is Outcome.APPLIED

    def test_batches_follow_one_another(self, driver):
        product, other = driver.add_product("A", 10), driver.add_product("B", 10)
        apply(driver, 1, (product, 5), (other, 5))
        apply(driver, 3, (product, 5))
        assert apply(driver, 4, (product, 5)).last_seq == 4
        assert driver.row(product).quantity == 25

    @pytest.mark.parametrize(("first", "number"), [(1, 2), (2, 2), (3, 1), (5, 1), (2, 1), (7, 1)])
    def test_a_batch_that_does_not_continue_is_refused(self, driver, first, number):
        products = [driver.add_product(f"P{n}", 10) for n in range(2)]
        apply(driver, 1, (products[0], 1))
        apply(driver, 2, (products[0], 1), (products[1], 1))  # takes numbers 2 and 3, so that 4 is next
        batch = [(product, 1) for product in products[:number]]
        if (first, number) == (2, 2):
            assert apply(driver, first, *batch).outcome is Outcome.ALREADY
            return
        with pytest.raises(Conflict) as refusal:
            apply(driver, first, *batch)
        assert refusal.value.facts == {"reason": "gap", "last_seq": 3}
        assert [driver.row(product).quantity for product in products] == [12, 11]

    def test_another_epoch_is_refused(self, driver):
        product = driver.add_product("A", 10)
        with pytest.raises(Conflict) as refusal:
            apply(driver, 1, (product, 1), epoch="f" * 16)
        assert refusal.value.facts == {"reason": "epoch", "epoch": driver.shop().hello().epoch}
        assert driver.row(product).quantity == 10

    def test_a_product_may_stand_in_a_batch_once(self, driver):
        product = driver.add_product("A", 10)
        with pytest.raises(Permanent) as refusal:
            apply(driver, 1, (product, 1), (product, 1))
        assert refusal.value.facts["reason"] == "request"
        assert driver.row(product).quantity == 10
        assert driver.shop().hello().last_seq == 0

    def test_missing_products_are_named_and_the_rest_takes_effect(self, driver):
        product, gone = driver.add_product("A", 10), driver.add_product("B", 10)
        driver.delete_product(gone)
        result = apply(driver, 1, (gone, 1), (product, 1))
        assert (result.failed, result.last_seq) == ({gone: "missing"}, 2)
        assert driver.row(product).quantity == 11

    def test_a_batch_of_missing_products_only_still_counts(self, driver):
        result = apply(driver, 1, (12345, 1))
        assert (result.outcome, result.failed, result.last_seq) == (Outcome.APPLIED, {12345: "missing"}, 1)

    def test_what_the_column_cannot_hold_is_named_and_not_cut(self, driver):
        high = driver.add_product("H", driver.quantity_max - 5)
        low = driver.add_product("L", driver.quantity_min + 5)
        fine = driver.add_product("F", 0)
        result = apply(driver, 1, (high, 6), (low, -6), (fine, driver.quantity_max))
        assert result.failed == {high: "range", low: "range"}
        assert driver.row(high).quantity == driver.quantity_max - 5
        assert driver.row(low).quantity == driver.quantity_min + 5
        assert driver.row(fine).quantity == driver.quantity_max
        result = apply(driver, 4, (high, 5), (low, -5))
        assert result.failed == {}
        assert driver.row(high).quantity == driver.quantity_max
        assert driver.row(low).quantity == driver.quantity_min

    def test_reactivate_switches_on_what_has_stock_again(self, driver):
        back, still_out, unasked = (driver.add_product(sku, 0, status=0) for sku in "ABC")
        at_zero, on = driver.add_product("D", -2, status=0), driver.add_product("E", 1)
        apply(
            driver, 1, (back, 1, True), (still_out, -1, True), (unasked, 5, False), (at_zero, 2, True), (on, -1, True)
        )
        returned = int(driver.reactivates)
        assert [driver.row(product).status for product in (back, still_out, unasked, at_zero, on)] == [
            returned,
            0,
            0,
            0,
            1,
        ]
        assert [driver.row(product).quantity for product in (back, still_out, unasked, at_zero, on)] == [1, -1, 5, 0, 0]

    def test_reactivate_judges_the_new_quantity(self, driver):
        falling, rising = driver.add_product("A", 5, status=0), driver.add_product("B", -5, status=0)
        apply(driver, 1, (falling, -5, True), (rising, 6, True))
        assert driver.row(falling).status == 0
        assert driver.row(rising).status == int(driver.reactivates)

    def test_reactivate_needs_no_change_of_the_quantity(self, driver):
        stocked, empty = driver.add_product("A", 5, status=0), driver.add_product("B", 0, status=0)
        assert apply(driver, 1, (stocked, 0, True), (empty, 0, True)).failed == {}
        assert driver.row(stocked).status == int(driver.reactivates)
        assert driver.row(empty).status == 0
        assert [driver.row(product).quantity for product in (stocked, empty)] == [5, 0]

    def test_a_full_batch_fits_into_one_request(self, driver):
        products = [driver.add_product(f"P{n}", 10) for n in range(50)]
        absent = range(10**6, 10**6 + 1950)
        result = apply(driver, 1, *((product, 1) for product in products), *((product, 1) for product in absent))
        assert result.last_seq == 2000
        assert len(result.failed) == 1950
        assert all(driver.row(product).quantity == 11 for product in products)

    def test_more_than_a_full_batch_is_refused(self, driver):
        with pytest.raises(Permanent) as refusal:
            apply(driver, 1, *((product, 1) for product in range(1, 2002)))
        assert refusal.value.facts["reason"] == "too_large"

    # apply: batches begun and not done

    def test_an_unfinished_batch_shows_and_is_not_applied_again(self, driver):
        product = driver.add_product("A", 10)
        apply(driver, 1, (product, 1))
        driver.leave_begun(2, 2)
        assert look(driver).begun
        result = apply(driver, 2, (product, 5))
        assert (result.outcome, result.last_seq) == (Outcome.UNFINISHED, 1)
        assert driver.row(product).quantity == 11

    def test_an_unfinished_batch_bars_every_other(self, driver):
        product = driver.add_product("A", 10)
        driver.shop().hello()
        driver.leave_begun(1, 2)
        for first in (1, 2, 3):
            with pytest.raises(Conflict) as refusal:
                apply(driver, first, (product, 1))
            assert refusal.value.facts == {"reason": "gap", "last_seq": 0}
        assert driver.row(product).quantity == 10

    def test_close_ends_an_unfinished_batch_without_applying_it(self, driver):
        product, other = driver.add_product("A", 10), driver.add_product("B", 10)
        driver.shop().hello()
        driver.leave_begun(1, 2)
        batch = ((product, 5), (other, 5))
        result = apply(driver, 1, *batch, close=True)
        assert (result.outcome, result.last_seq, result.failed) == (Outcome.CLOSED, 2, {})
        assert not look(driver).begun
        for close in (True, False):
            again = apply(driver, 1, *batch, close=close)
            assert (again.outcome, again.last_seq) == (Outcome.ALREADY, 2)
        assert driver.row(product).quantity == 10
        assert apply(driver, 3, (product, 5)).outcome is Outcome.APPLIED

    def test_close_of_what_was_not_begun_is_refused(self, driver):
        product = driver.add_product("A", 10)
        with pytest.raises(Conflict) as refusal:
            apply(driver, 1, (product, 5), close=True)
        assert refusal.value.facts == {"reason": "gap", "last_seq": 0}
        assert driver.row(product).quantity == 10

    def test_sales_at_the_same_time_are_never_undone_by_posts(self, driver):
        product = driver.add_product("A", 1000)
        epoch = driver.shop().hello().epoch
        with ThreadPoolExecutor(1) as buyer:
            sales = buyer.submit(lambda: [driver.sell(product, 1) for _ in range(20)])
            for first in range(1, 21):
                apply(driver, first, (product, 7), epoch=epoch)
            sales.result()
        row = driver.row(product)
        # A sale may wipe one of our posts; that is the shop's race, and it shows as whole lost posts. We wipe nothing.
        assert row.ordered == 20
        assert (1000 - 20 + 20 * 7 - row.quantity) % 7 == 0


class OneShop:
    """For the many tests of a class one shop, emptied before each. ``cart`` makes it out of a MariaDB and a PHP."""

    @pytest.fixture
    def driver(self, shop):
        shop.empty()
        return shop


class LockContract:
    """The same, of requests that meet. Apart, because waiting takes a connector its five seconds."""

    def test_a_request_waits_for_an_earlier_one_but_not_for_ever(self, driver):
        driver.shop().hello()
        with driver.busy(), pytest.raises(Retriable) as refusal:
            driver.shop().hello()
        assert refusal.value.facts["reason"] == "busy"
        assert driver.shop().hello()


def post(wire: Wire, body: bytes, *, created=None, key=None, without=(), **changed):
    """One POST written by hand: its answer, and the headers it was signed with."""
    key = key or Key.of(wire.key_id, wire.secret_hex)
    signed = key.sign_request("/" + wire.url.split("/", 3)[3], body, int(time.time() if created is None else created))
    sent = {**signed, **{name.replace("_", "-"): value for name, value in changed.items()}}
    sent = {"content-type": "application/json", **{name: value for name, value in sent.items() if name not in without}}
    return httpx2.post(wire.url, content=body, headers=sent, timeout=30), signed


def post_short(wire: Wire, body: bytes, *, created=None, key=None, **changed):
    """The same with a short signature: the answer, and the headers that it stands for."""
    key, made = key or Key.of(wire.key_id, wire.secret_hex), int(time.time() if created is None else created)
    signed = key.sign_request("/" + wire.url.split("/", 3)[3], body, made)
    sent = {"content-type": "application/json", **key.short_request(signed, made), **changed}
    return httpx2.post(wire.url, content=body, headers=sent, timeout=30), signed


def error(answer: httpx2.Response) -> dict:
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json()["ok"] is False
    assert answer.json()["error"]["message"].endswith(".")
    return answer.json()["error"]


class WireContract:
    """What a connector that speaks HTTP must also do with requests that our client never sends."""

    HELLO = b'{"verb":"hello"}'

    def test_a_good_request_gets_a_signed_answer(self, wire: Wire):
        answer, signed = post(wire, self.HELLO)
        assert answer.status_code == 200
        assert answer.json()["ok"] is True
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        Key.of(wire.key_id, wire.secret_hex).check_answer(signed, 200, answer.content, answer.headers)

    def test_an_answer_is_tied_to_its_request(self, wire):
        key = Key.of(wire.key_id, wire.secret_hex)
        answer, _ = post(wire, self.HELLO, created=time.time() - 1)
        _, other = post(wire, self.HELLO)
        with pytest.raises(Wrong):
            key.check_answer(other, 200, answer.content, answer.headers)

    @pytest.mark.parametrize(
        "fault",
        [
            "no headers",
            "no digest",
            "no input",
            "no signature",
            "wrong secret",
            "wrong id",
            "other body",
            "other components",
            "garbage",
        ],
    )
    def test_what_is_not_rightly_signed_learns_nothing(self, wire, fault):
        headers = ("content-digest", "signature-input", "signature")
        if fault == "no headers":
            answer, _ = post(wire, self.HELLO, without=headers)
        elif fault in ("no digest", "no input", "no signature"):
            answer, _ = post(wire, self.HELLO, without=[name for name in headers if name.endswith(fault[3:])])
        elif fault == "wrong secret":
            answer, _ = post(wire, self.HELLO, key=Key.of(wire.key_id, "0" * 64))
        elif fault == "wrong id":
            answer, _ = post(wire, self.HELLO, key=Key.of(wire.key_id + "x", wire.secret_hex))
        elif fault == "other body":
            signed = Key.of(wire.key_id, wire.secret_hex).sign_request("/", b"{}", int(time.time()))
            answer, _ = post(wire, self.HELLO, content_digest=signed["content-digest"])
        elif fault == "other components":
            answer, _ = post(
                wire,
                self.HELLO,
                signature_input=f'onhand=("@method");created=1;keyid="{wire.key_id}";alg="hmac-sha256"',
            )
        else:
            answer, _ = post(wire, self.HELLO, signature="onhand=:AAAA", signature_input="\\x00=;;")
        assert answer.status_code == 401
        assert error(answer)["code"] == "signature"
        assert "signature" not in answer.headers

    def test_a_signature_holds_for_its_own_address_only(self, wire):
        key = Key.of(wire.key_id, wire.secret_hex)
        signed = key.sign_request("/elsewhere.php", self.HELLO, int(time.time()))
        answer, _ = post(wire, self.HELLO, **{name.replace("-", "_"): value for name, value in signed.items()})
        assert error(answer)["code"] == "signature"

    def test_a_short_signature_is_answered_with_one_for_this_very_request(self, wire):
        key = Key.of(wire.key_id, wire.secret_hex)
        answer, signed = post_short(wire, self.HELLO)
        assert answer.status_code == 200
        key.check_answer(signed, 200, answer.content, answer.headers)
        assert not {"content-digest", "signature-input", "signature"} & set(answer.headers)
        _, other = post_short(wire, self.HELLO, created=time.time() - 10)
        for request, status, content in (
            (other, 200, answer.content),
            (signed, 409, answer.content),
            (signed, 200, answer.content + b" "),
        ):
            with pytest.raises(Wrong):
                key.check_answer(request, status, content, answer.headers)

    def test_only_an_answer_to_a_long_signature_says_that_short_ones_are_understood(self, wire):
        assert takes_short(post(wire, self.HELLO)[0].headers)
        assert "onhand" not in post(wire, self.HELLO, without=("signature",))[0].headers

    @pytest.mark.parametrize(
        "fault", ["wrong secret", "wrong id", "other body", "other address", "other time", "garbage", "twice"]
    )
    def test_a_wrong_short_signature_learns_nothing(self, wire, fault):
        key, now = Key.of(wire.key_id, wire.secret_hex), int(time.time())
        right = key.short_request(key.sign_request("/" + wire.url.split("/", 3)[3], self.HELLO, now), now)["onhand"]
        created, key_id, signature = right.split(" ")
        if fault == "wrong secret":
            answer, _ = post_short(wire, self.HELLO, key=Key.of(wire.key_id, "0" * 64))
        elif fault == "wrong id":
            answer, _ = post_short(wire, self.HELLO, onhand=f"{created} {key_id}x {signature}")
        elif fault == "other body":
            answer, _ = post_short(wire, self.HELLO + b" ", onhand=right)
        elif fault == "other address":
            elsewhere = key.short_request(key.sign_request("/elsewhere.php", self.HELLO, now), now)
            answer, _ = post_short(wire, self.HELLO, **elsewhere)
        elif fault == "other time":
            answer, _ = post_short(wire, self.HELLO, onhand=f"{int(created) + 1} {key_id} {signature}")
        else:
            answer, _ = post_short(
                wire, self.HELLO, onhand={"garbage": "\\x00 ;; =", "twice": f"{right} {right}"}[fault]
            )
        assert answer.status_code == 401
        assert error(answer)["code"] == "signature"
        assert "onhand" not in answer.headers

    def test_a_short_signature_too_old_is_refused_with_the_shops_time(self, wire):
        answer, signed = post_short(wire, self.HELLO, created=time.time() - 310)
        assert answer.status_code == 401
        assert error(answer)["code"] == "clock"
        Key.of(wire.key_id, wire.secret_hex).check_answer(signed, 401, answer.content, answer.headers)

    @pytest.mark.parametrize("seconds", [-3600, -310, 310, 3600])
    def test_a_clock_too_far_off_is_refused_with_the_shops_time(self, wire, seconds):
        answer, signed = post(wire, self.HELLO, created=time.time() + seconds)
        assert answer.status_code == 401
        assert error(answer)["code"] == "clock"
        assert abs(error(answer)["clock"] - time.time()) < 60
        Key.of(wire.key_id, wire.secret_hex).check_answer(signed, 401, answer.content, answer.headers)

    @pytest.mark.parametrize("seconds", [-290, 290])
    def test_a_clock_a_little_off_is_served(self, wire, seconds):
        answer, _ = post(wire, self.HELLO, created=time.time() + seconds)
        assert answer.status_code == 200

    @pytest.mark.parametrize(
        "asked",
        [
            b"",
            b"nonsense",
            b"[]",
            b'"hello"',
            b"{}",
            {"verb": "drop"},
            {"verb": ["hello"]},
            {"verb": "look"},
            {"verb": "look", "after": 1, "low": 2, "limit": 10},
            {"verb": "look", "after": "1 OR 1=1", "low": 0, "limit": 10},
            {"verb": "look", "after": 1.5, "low": 0, "limit": 10},
            {"verb": "look", "after": 0, "low": 0, "limit": 0},
            {"verb": "look", "after": -1, "low": -1, "limit": 10},
            {"verb": "cells"},
            {"verb": "cells", "size": 0},
            {"verb": "listings"},
            {"verb": "listings", "ids": 5},
            {"verb": "listings", "ids": ["x"]},
            {"verb": "orders"},
            {"verb": "orders", "lines": [None]},
            {"verb": "apply", "epoch": "EPOCH", "first": 1, "posts": []},
            {"verb": "apply", "epoch": "EPOCH", "first": 1},
            {"verb": "apply", "epoch": "EPOCH", "first": 0, "posts": [[1, 1, 0]]},
            {"verb": "apply", "epoch": "EPOCH", "first": 1, "posts": [[1, 1]]},
            {"verb": "apply", "epoch": "EPOCH", "first": 1, "posts": [[1, 1.5, 0]]},
            {"verb": "apply", "epoch": "EPOCH", "first": 1, "posts": [{"product": 1}]},
            {"verb": "apply", "epoch": "EPOCH", "first": 1, "posts": [["1;", 1, 0]]},
        ],
        ids=str,
    )
    def test_a_malformed_request_is_refused(self, wire, asked):
        if isinstance(asked, dict):
            if asked.get("epoch") == "EPOCH":
                asked = {**asked, "epoch": post(wire, self.HELLO)[0].json()["epoch"]}
            asked = json.dumps(asked).encode()
        answer, signed = post(wire, asked)
        assert answer.status_code == 400
        assert error(answer)["code"] == "request"
        Key.of(wire.key_id, wire.secret_hex).check_answer(signed, 400, answer.content, answer.headers)

    @pytest.mark.parametrize(
        "asked",
        [
            {"verb": "look", "after": 0, "low": 0, "limit": 2001},
            {"verb": "listings", "after": 0, "limit": 2001},
            {"verb": "listings", "ids": list(range(2001))},
            {"verb": "orders", "lines": list(range(2001))},
            {"verb": "cells", "size": 21846},
        ],
        ids=lambda asked: asked["verb"],
    )
    def test_a_request_over_a_limit_is_refused(self, wire, asked):
        answer, _ = post(wire, json.dumps(asked).encode())
        assert answer.status_code == 413
        assert error(answer)["code"] == "too_large"

    def test_a_body_over_the_limit_is_refused(self, wire):
        answer, _ = post(wire, b'{"verb":"hello","padding":"' + b"x" * 1024 * 1024 + b'"}')
        assert answer.status_code == 413
        assert error(answer)["code"] == "too_large"

    def test_whole_numbers_may_come_as_digits(self, wire):
        answer, _ = post(wire, b'{"verb":"look","after":"3","low":"0","limit":"10","sums":true,"catalogue":false}')
        assert answer.json()["window"] == [0, "0", "0"]

    def test_a_quiet_look_fits_into_a_packet(self, wire):
        answer, _ = post(wire, b'{"verb":"look","after":0,"low":0,"limit":500,"sums":true,"catalogue":true}')
        headers = sum(len(name) + len(value) + 4 for name, value in answer.headers.raw)
        assert headers + len(answer.content) < 1024
