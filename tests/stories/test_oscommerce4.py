"""Stories of one stock in an osCommerce 4 beside an osCommerce 2.3: what is owed, cancelled, sent and booked in there.

The v4 sells as its own classes were seen to: an order first, and stock taken for it a moment later (``tests/shops/oscommerce4``).
"""

from __future__ import annotations

import pytest

from onhand.domain.errors import Permanent, Refused
from tests.shops.families import OsCommerce4, OsCommerce23
from tests.stories.stage import Crowd, Stage

pytestmark = [pytest.mark.servers, pytest.mark.long]


@pytest.fixture
def house(tmp_path, mariadb, php):
    """An osCommerce 4 and an osCommerce 2.3, in step, ten of each of three products."""
    with Stage(tmp_path, {"MUG": 10, "PEN": 10, "CAP": 10}) as stage:
        stage.open_shop(OsCommerce4(mariadb, php))
        stage.open_shop(OsCommerce23(mariadb, php))
        stage.align()
        yield stage


def act(shop, action, order, **what):
    shop.driver.act(action, order=order, **what)


def test_an_order_goes_through_all_its_states_and_the_count_follows(house):
    four, _ = house.shops
    order = four.prepare("MUG", 3)
    house.looks_pass()
    house.all_show(MUG=10)
    act(four, "pay", order)
    house.all_show(MUG=7)
    act(four, "dispatch", order)
    house.looks_pass()
    house.all_show(MUG=7)
    act(four, "cancel", order, restock=True)
    house.all_show(MUG=10)
    act(four, "reopen", order)
    house.all_show(MUG=7)
    act(four, "pend", order)
    house.all_show(MUG=10)
    house.all_is_well()
    assert house.differences() == []


def test_sales_cancellations_and_receipts_in_both_shops_are_followed(house):
    four, other = house.shops
    kept, cancelled, deleted = (four.sell("MUG", n) for n in (1, 2, 3))
    other.sell("MUG", 1)
    house.all_show(MUG=3)
    act(four, "dispatch", kept)
    act(four, "cancel", cancelled)
    house.all_show(MUG=5)
    four.driver.remove_order(deleted, restock=False)  # nothing had left: the shop gives all three back
    house.all_show(MUG=8)
    house.receive("MUG", 20)
    house.all_show(MUG=28)
    house.all_is_well()
    assert house.differences() == []
    numbers = [(kind, units, number) for kind, units, number in house.movements("MUG") if kind == "cancellation"]
    assert numbers == [("cancellation", 2, str(cancelled)), ("cancellation", 3, str(deleted))]


def test_more_is_sold_than_is_there_and_goods_come(house):
    four, other = house.shops
    four.sell("MUG", 12)
    house.all_show(MUG=-2)
    house.receive("MUG", 5)
    house.all_show(MUG=3)
    assert four.driver.sql("SELECT orders_products_status, qty_rcvd FROM orders_products") == [(10, 10)]
    four.driver.act("receive", product=four.products["MUG"], n=0, give=True)  # the product is saved there: two are owed
    other.sell("MUG", 1)
    house.all_show(MUG=2)
    house.all_is_well()
    assert house.differences() == []


def test_goods_booked_in_by_a_person_in_the_shop_are_an_edit(house):
    four, _ = house.shops
    house.verb("cart_edit", cart="Amber", policy="theirs")
    four.driver.act("receive", product=four.products["PEN"], n=30, give=True)
    house.all_show(PEN=40)
    assert house.causes(four) == [("edit in the shop", 30)]
    house.all_is_well()


def test_buyers_in_both_shops_at_once_cost_nobody_a_sale(house):
    four, other = house.shops
    house.receive("MUG", 990)
    house.all_show(MUG=1000)
    crowd = Crowd()
    crowd.let(lambda: four.sell("MUG", 1), people=3)
    crowd.let(lambda: other.sell("MUG", 1))
    house.eventually(lambda: house.on_hand()["MUG"] < 900)
    crowd.stop()
    house.all_is_well()
    assert house.causes(four) == []


def freeze(shop):
    """The owner switches an extension on that books elsewhere."""
    extension = shop.driver.root / "lib" / "common" / "extensions" / "ReportFreezeStock" / "ReportFreezeStock.php"
    extension.parent.mkdir(parents=True)
    extension.write_text("<?php exit;\n")
    shop.driver.sql(
        "INSERT INTO platforms_configuration (configuration_key, configuration_value)"
        " VALUES ('ReportFreezeStock_EXTENSION_STATUS', 'True')"
    )


def test_a_shop_that_cannot_be_kept_in_step_is_not_aligned_and_says_why(tmp_path, mariadb, php):
    with Stage(tmp_path, {"MUG": 10}) as house:
        four = house.open_shop(OsCommerce4(mariadb, php))
        freeze(four)
        tested = house.verb("cart_test", cart=four.name)
        assert [step["what"] for step in tested["steps"]] == ["hello"]
        assert tested["warnings"][0].startswith("The extension ReportFreezeStock is on")
        assert house.cart(four)["concerns"][0] == tested["warnings"][0]
        for verb in ("get_qoh", "send_qoh"):
            with pytest.raises(Refused, match="switch it off"):
                house.verb(verb, cart=four.name)
        assert not house.cart(four)["aligned"]


def test_a_shop_that_cannot_be_kept_in_step_for_a_while_goes_on_when_it_can(house):
    four, other = house.shops
    freeze(four)
    house.eventually(lambda: "ReportFreezeStock" in house.trouble(four))
    other.sell("CAP", 1)
    house.eventually(lambda: house.on_hand()["CAP"] == 9)
    house.verb("sync_off", cart=four.name)
    with pytest.raises(Permanent, match="switch it off"):
        house.verb("sync_on", cart=four.name)
    four.driver.sql("DELETE FROM platforms_configuration")
    house.verb("sync_on", cart=four.name)
    house.all_show(CAP=9)
    house.all_is_well()


def test_a_product_that_comes_to_lie_in_two_places_is_set_aside(house):
    four, other = house.shops
    mug = four.products["MUG"]
    four.driver.sql(
        "INSERT INTO warehouses_products (warehouse_id, suppliers_id, products_id, prid, warehouse_stock_quantity)"
        " VALUES (2, 1, %s, %s, 5)",
        (str(mug), mug),
    )
    house.eventually(lambda: ("set aside", 0) in house.causes(four))
    other.sell("MUG", 2)
    other.sell("PEN", 1)
    house.all_show(PEN=9)
    house.looks_pass()
    assert four.shows("MUG") == 15
