"""Stories of an ordinary week: what is sold, received, counted, edited and withdrawn is everywhere within moments."""

from __future__ import annotations

import pytest

from tests.shops.families import OsCommerce23
from tests.stories.conftest import both_engines
from tests.stories.stage import Stage

pytestmark = pytest.mark.servers


@both_engines
def test_one_stock_is_sold_received_counted_and_ordered_by_phone(tmp_path, mariadb, php, engine):
    with Stage(tmp_path, {"MUG": 10, "PEN": 10}) as stage:
        amber, birch, _ = [stage.open_shop(OsCommerce23(mariadb, php, engine)) for _ in range(3)]
        stage.align()

        order = amber.sell("MUG", 2)
        stage.all_show(MUG=8, PEN=10)
        other = birch.driver.sell_order([(birch.products["MUG"], 1), (birch.products["PEN"], 3)])
        stage.all_show(MUG=7, PEN=7)
        stage.verb("receive", lines=[["mug ", 20], ["PEN", 5]], reference="PO 1")
        stage.all_show(MUG=27, PEN=12)
        stage.verb("adjust", sku="MUG", change=-1, reason="broken")
        stage.verb("adjust", sku="PEN", counted=15, reason="shelf")
        stage.all_show(MUG=26, PEN=15)
        phone = stage.verb("order_add", lines=[["MUG", 6]])["order"]
        stage.all_show(MUG=20)

        stage.all_is_well()
        assert stage.movements("MUG") == [
            ("sale", -2, str(order)), ("sale", -1, str(other)), ("receipt", 20, None), ("adjustment", -1, None), ("sale", -6, phone),
        ]  # fmt: skip
        assert stage.differences() == []


def test_the_last_unit_sold_in_both_shops_at_once_is_booked_twice_and_told(stage):
    amber, birch = stage.shops
    stage.verb("adjust", sku="MUG", counted=1, reason="shelf")
    stage.all_show(MUG=1)
    amber.sell("MUG", 1)
    birch.sell("MUG", 1)
    stage.all_show(MUG=-1)
    stage.all_is_well()


@both_engines
def test_an_order_that_is_never_paid_is_never_booked(stage):
    amber, _ = stage.shops
    order = amber.prepare("MUG", 2)
    paid = amber.sell("MUG", 2)  # as many, at the same moment: the counter moves for this one only
    stage.all_show(MUG=8)
    stage.all_is_well()
    waiting = [
        (line["quantity"], line["state"])
        for found in stage.verb("order_list", search=str(order))["orders"]
        for line in found["lines"]
    ]
    assert waiting == [(2, "waiting")]

    amber.driver.abandon(order)
    again = amber.sell("MUG", 1)
    stage.all_show(MUG=7)
    stage.all_is_well()
    assert stage.movements("MUG") == [("sale", -2, str(paid)), ("sale", -1, str(again))]
    assert stage.differences() == []


@both_engines
def test_an_order_that_is_paid_late_is_booked_under_its_number(stage):
    amber, _ = stage.shops
    order = amber.prepare("MUG", 2)
    stage.looks_pass()
    assert stage.on_hand()["MUG"] == 10
    amber.driver.pay(order)
    stage.all_show(MUG=8)
    stage.all_is_well()
    assert stage.movements("MUG") == [("sale", -2, str(order))]
    assert stage.differences() == []


@both_engines
def test_a_deleted_order_gives_its_goods_back_only_if_it_was_restocked(stage):
    amber, birch = stage.shops
    kept, restocked = amber.sell("MUG", 3), birch.sell("MUG", 2)
    stage.all_show(MUG=5)
    birch.driver.remove_order(restocked, restock=True)
    stage.all_show(MUG=7)
    amber.driver.remove_order(kept, restock=False)
    stage.all_is_well()
    stage.all_show(MUG=7)
    assert stage.movements("MUG")[2:] == [("cancellation", 2, str(restocked))]
    assert stage.differences() == []


@both_engines
class TestAnEditInTheForm:
    """A person types a quantity into the shop's product form."""

    def test_ours_wins(self, stage):
        amber, _ = stage.shops
        amber.save_form("MUG", quantity=50)
        stage.eventually(lambda: stage.causes() == [("edit in the shop", 40)])
        stage.all_show(MUG=10)
        stage.all_is_well()
        assert stage.movements("MUG") == []

    def test_theirs_wins(self, stage):
        amber, _ = stage.shops
        stage.verb("cart_edit", cart="Amber", policy="theirs")
        amber.save_form("MUG", quantity=50)
        stage.all_show(MUG=50)
        stage.all_is_well()
        assert stage.causes() == [("edit in the shop", 40)]
        assert stage.movements("MUG") == [("adjustment", 40, None)]

    @pytest.mark.parametrize(("side", "units"), [("ours", 8), ("theirs", 48)])
    def test_a_person_is_asked(self, stage, side, units):
        amber, birch = stage.shops
        stage.verb("cart_edit", cart="Amber", policy="ask")
        amber.save_form("MUG", quantity=50)
        stage.eventually(lambda: stage.causes() == [("edit in the shop", 40)])
        birch.sell("MUG", 2)  # trade goes on while the question waits
        stage.eventually(lambda: (amber.shows("MUG"), birch.shows("MUG")) == (48, 8))
        stage.looks_pass()
        assert (amber.shows("MUG"), birch.shows("MUG"), stage.on_hand()["MUG"]) == (48, 8, 8)
        (question,) = stage.differences(open_only=True)
        stage.verb("decide", difference=question["id"], side=side, person="Ann")
        stage.all_show(MUG=units)
        stage.all_is_well()

    def test_a_stale_form_brings_nothing_sold_back(self, stage):
        amber, _ = stage.shops
        stage.verb("cart_edit", cart="Amber", policy="theirs")
        opened = amber.shows("MUG")
        amber.sell("MUG", 3)
        stage.all_show(MUG=7)
        amber.save_form("MUG", quantity=opened)  # the form still held what was there when it was opened
        stage.eventually(lambda: stage.causes() == [("stale form save", 3)])
        stage.all_show(MUG=7)
        stage.all_is_well()


class TestAProductThatIsSwitchedOff:
    """The shop switches off what is sold out (STOCK_ALLOW_CHECKOUT is false there)."""

    @pytest.fixture
    def engine(self):
        return "MyISAM"

    @pytest.fixture
    def amber(self, stage):
        amber, _ = stage.shops
        amber.driver.setting("STOCK_ALLOW_CHECKOUT", "false")
        return amber

    def test_by_the_sale_that_emptied_it_comes_back_with_a_receipt(self, stage, amber):
        amber.sell("MUG", 10)
        assert not amber.is_on("MUG")
        stage.all_show(MUG=0)
        stage.all_is_well()
        assert not amber.is_on("MUG")
        stage.receive("MUG", 4)
        stage.all_show(MUG=4)
        stage.eventually(lambda: amber.is_on("MUG"))
        assert amber.sell("MUG", 1)
        stage.all_is_well()

    def test_by_a_person_stays_off(self, stage, amber):
        amber.save_form("MUG", status=0)
        stage.verb("order_add", lines=[["MUG", 10]])
        stage.all_show(MUG=0)
        stage.receive("MUG", 4)
        stage.all_show(MUG=4)
        stage.all_is_well()
        assert not amber.is_on("MUG")
