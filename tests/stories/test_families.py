"""Stories of one stock in a shop of each family, beside an osCommerce 2.3: what it does to its counters, and what we make of it.

The shops have the tables of real installations and sell statement by statement as their carts do (``tests/shops``).
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from onhand.domain.errors import Refused
from onhand.services import looking
from tests.shops import families
from tests.shops.families import OsCommerce23
from tests.stories.stage import Stage

pytestmark = [pytest.mark.servers, pytest.mark.long]


@pytest.fixture
def cart(request, monkeypatch):
    monkeypatch.setattr(
        looking, "CATALOGUE_SECONDS", 0.5
    )  # what is set aside is noticed by the listing set, every 30 s
    return request.param


@pytest.fixture
def house(tmp_path, mariadb, php, cart):
    """A shop of the family and an osCommerce 2.3, in step, ten of each of three products."""
    with Stage(tmp_path, {"MUG": 10, "PEN": 10, "CAP": 10}) as stage:
        stage.open_shop(cart(mariadb, php))
        stage.open_shop(OsCommerce23(mariadb, php))
        stage.align()
        yield stage


def of(*carts):
    return pytest.mark.parametrize("cart", carts, indirect=True, ids=lambda cart: cart.__name__)


@of(*families.CONNECTED)
def test_goods_go_and_come_in_a_shop_of_every_family(house):
    shop, other = house.shops
    shop.driver.setting("STOCK_ALLOW_CHECKOUT", "false")
    order = shop.sell("MUG", 2)
    unpaid = shop.prepare("PEN", 3)
    other.sell("CAP", 1)
    house.all_show(MUG=8, PEN=10, CAP=9)
    house.receive("CAP", 20)
    house.all_show(CAP=29)
    shop.driver.remove_order(order, restock=True)
    shop.driver.pay(unpaid)
    house.all_show(MUG=10, PEN=7, CAP=29)
    house.all_is_well()
    assert house.differences() == []


# What is sold out is switched off by each in its own way, and comes back with the goods.

# A subclass sells as its parent does.
SWITCHES_OFF = [cart for cart in families.FAMILIES if "switches_off" in vars(cart)]


@of(*SWITCHES_OFF)
def test_a_product_that_its_sale_switched_off_comes_back_with_the_goods(house, cart):
    shop, _ = house.shops
    for name, value in cart.switches_off.items():
        shop.driver.setting(name, value)
    shop.sell("MUG", 10)
    house.all_show(MUG=0)
    assert not shop.is_on("MUG")
    house.looks_pass()
    house.receive("MUG", 4)
    house.all_show(MUG=4)
    house.eventually(lambda: shop.is_on("MUG"))
    house.all_is_well()


@of(*SWITCHES_OFF)
def test_a_product_that_a_person_switched_off_stays_off(house):
    shop, _ = house.shops
    shop.save_form("MUG", status=0)
    if shop.driver.stamped:
        time.sleep(
            1.5
        )  # nothing but the order of both tells whose doing it was, so the listing set has to be looked at in between
    shop.sell("MUG", 10)
    house.all_show(MUG=0)
    house.looks_pass()
    house.receive("MUG", 4)
    house.all_show(MUG=4)
    house.looks_pass()
    assert not shop.is_on("MUG")


# Zen Cart


@of(families.ZenCart, families.Gambio)
def test_a_product_that_becomes_fractional_is_set_aside_and_the_rest_goes_on(house):
    zen, other = house.shops
    zen.driver.sql("UPDATE products SET products_quantity = 9.5 WHERE products_model = 'MUG'")
    house.eventually(lambda: ("set aside", 0) in house.causes(zen))
    other.sell("MUG", 1)
    zen.sell("PEN", 1)
    house.all_show(PEN=9)
    house.looks_pass()
    assert zen.shows("MUG") == 9.5


@of(families.ZenCart)
def test_large_counts_stay_exact_in_float_columns(house):
    zen, _ = house.shops
    house.verb("adjust", sku="MUG", counted=999_999, reason="shelf")
    house.all_show(MUG=999_999)
    zen.sell("MUG", 2)
    house.all_show(MUG=999_997)
    house.all_is_well()


@of(families.ZenCart)
def test_what_zen_itself_would_round_is_not_posted_there(house):
    zen, other = house.shops
    house.verb("adjust", sku="MUG", counted=1_234_567, reason="shelf")
    house.eventually(lambda: other.shows("MUG") == 1_234_567)
    house.eventually(lambda: house.cart(zen)["parked"] == 1)
    assert zen.shows("MUG") == 10
    house.verb("adjust", sku="MUG", counted=20, reason="shelf")
    house.all_show(MUG=20)
    house.all_is_well()


@of(families.ZenCart)
def test_zens_sold_out_jump_to_zero_is_healed_where_posm_is_on(house):
    zen, _ = house.shops
    zen.driver.setting("POSM_ENABLE", "true")
    zen.sell("MUG", 12)  # from 10 to -2, which POSM sets to 0: two units that nobody has
    house.eventually(lambda: house.on_hand()["MUG"] == -2)
    house.eventually(lambda: zen.shows("MUG") == -2)
    assert house.causes(zen) == [("lost sale", 2)]
    house.all_is_well()


@of(families.ZenCart)
def test_a_product_with_posm_variants_is_set_aside_before_its_jump_can_mislead(house):
    zen, other = house.shops
    zen.driver.setting("POSM_ENABLE", "true")
    mug = zen.products["MUG"]
    zen.driver.sql(
        "INSERT INTO products_options_stock (products_id, products_quantity, pos_hash) VALUES (%s, 4, 'a')", (mug,)
    )
    zen.driver.sql(
        "INSERT INTO products_options_stock (products_id, products_quantity, pos_hash) VALUES (%s, 6, 'b')", (mug,)
    )
    house.verb("cart_products", cart="Amber")
    variant = zen.driver.sql("SELECT MIN(pos_id) FROM products_options_stock")[0][0]
    order = zen.driver.sell_order([(mug, 2, variant)], think_us=30_000)
    house.eventually(lambda: ("set aside", 0) in house.causes(zen))
    assert zen.shows("MUG") == 8
    zen.driver.remove_order(order, restock=True)  # the base gets its two back, the variant does not
    zen.driver.sell_order([(mug, 1, variant)])  # and the next sale works the base out anew, without them
    other.sell("PEN", 1)
    house.all_show(PEN=9)
    house.looks_pass()
    assert zen.shows("MUG") == 7
    assert {post["sku"] for post in house.verb("posts", cart="Amber", limit=100)["posts"]} <= {"PEN", "CAP"}


# CE Phoenix


@of(families.Phoenix)
def test_phoenix_gives_back_one_of_two_lines_and_the_count_follows_what_the_shop_shows(house):
    phoenix, _ = house.shops
    mug = phoenix.products["MUG"]
    order = phoenix.driver.sell_order([(mug, 2), (mug, 1)])
    house.all_show(MUG=7)
    phoenix.driver.remove_order(order, restock=True)
    given_back = phoenix.shows("MUG") - 7
    assert given_back in (1, 2)  # of three
    house.all_show(MUG=7 + given_back)
    house.eventually(lambda: house.causes(phoenix) == [("partial return", given_back - 3)])
    house.receive("MUG", 3 - given_back, reference="came back with the order")
    house.all_show(MUG=10)
    (difference,) = house.differences(phoenix, open_only=True)
    house.verb("difference_recheck", difference=difference["id"])
    house.all_is_well()


# Loaded


@of(families.Loaded)
def test_a_parent_is_set_aside_and_its_sub_products_are_kept_in_step(house):
    loaded, _ = house.shops
    loaded.driver.sql(
        "UPDATE products SET products_parent_id = %s WHERE products_id = %s",
        (loaded.products["CAP"], loaded.products["MUG"]),
    )
    loaded.sell("MUG", 2)  # takes two from its parent too, whose counter does not move
    house.all_show(MUG=8)
    house.eventually(lambda: ("set aside", 0) in house.causes(loaded))
    assert loaded.shows("CAP") == 8
    house.looks_pass()
    assert loaded.shows("CAP") == 8
    assert house.on_hand()["CAP"] == 10


# osCMax


@of(families.OsCMax)
def test_a_product_with_stock_by_combination_is_set_aside(house):
    oscmax, _ = house.shops
    mug = oscmax.products["MUG"]
    oscmax.driver.sql(
        "INSERT INTO products_stock (products_id, products_stock_attributes, products_stock_quantity) VALUES (%s, '1-2', 3)",
        (mug,),
    )
    oscmax.driver.sell_order([(mug, 5, "1-2")])  # three were there: the base falls by three, the counter rises by five
    house.eventually(lambda: ("set aside", 0) in house.causes(oscmax))
    house.looks_pass()
    assert oscmax.shows("MUG") == 7


# modified, commerce:SEO


@of(families.Modified, families.CommerceSeo)
def test_option_stock_moves_beside_the_products_own(house):
    modified, _ = house.shops
    mug = modified.products["MUG"]
    modified.driver.sql(
        "INSERT INTO products_attributes (products_id, options_id, options_values_id, attributes_stock) VALUES (%s, 1, 1, 100)",
        (mug,),
    )
    (attribute,) = modified.driver.sql("SELECT MAX(products_attributes_id) FROM products_attributes")[0]
    modified.driver.sell_order([(mug, 2, attribute)])
    house.all_show(MUG=8)
    house.all_is_well()
    assert modified.driver.sql("SELECT attributes_stock FROM products_attributes")[0][0] == 98


@of(families.CommerceSeo)
def test_a_price_list_that_is_saved_late_brings_no_sold_unit_back(house):
    seo, _ = house.shops
    mug = seo.products["MUG"]
    seo.sell("MUG", 2)
    house.all_show(MUG=8)
    house.looks_pass()
    seo.driver.set(mug, quantity=10, modified=False)  # as it was loaded, and without a date
    house.eventually(lambda: house.causes(seo) == [("lost sale", 2)])  # so it looks, this soon after the sale
    house.all_show(MUG=8)
    house.all_is_well()


@of(families.CommerceSeo)
def test_a_free_gift_is_a_line_that_takes_nothing(house):
    seo, _ = house.shops
    order = seo.sell("PEN", 1)
    house.all_show(PEN=9)
    (line,) = seo.driver.lines_of(order)
    seo.driver.add_line(line + 1, order, seo.products["MUG"], 1)
    house.looks_pass()
    seo.sell("MUG", 2)
    house.all_show(MUG=8, PEN=9)
    assert house.differences(seo) == []


# Gambio


@of(families.Gambio)
def test_gambio_loses_no_sale_to_buyers_who_come_together(house):
    gambio, other = house.shops
    gambio.watch()
    with ThreadPoolExecutor(6) as buyers:
        orders = list(buyers.map(lambda _: gambio.sell("MUG", 1, think_us=30_000), range(6)))
    other.sell("MUG", 1)
    house.all_show(MUG=3)
    assert None not in orders
    assert gambio.destroyed() == {}
    house.all_is_well()
    assert house.differences(gambio) == []
    sales = [movement for movement in house.movements("MUG") if movement[0] == "sale"]
    assert len(sales) == 7
    assert {str(order) for order in orders} <= {order for *_, order in sales}, (
        "each sale is named, though lines begin without product"
    )


@of(families.Gambio)
def test_a_payment_elsewhere_takes_its_units_at_once_and_a_failed_one_gives_them_back(house):
    gambio, _ = house.shops
    order = gambio.sell("MUG", 3)
    house.all_show(MUG=7)
    gambio.driver.remove_order(order, restock=True)
    house.all_show(MUG=10)
    house.all_is_well()
    assert house.differences() == []


@of(families.Gambio)
def test_a_quantity_typed_into_a_gambio_asks_since_its_date_tells_nothing(house):
    gambio, _ = house.shops
    gambio.save_form("MUG", quantity=15)
    house.eventually(lambda: house.causes(gambio) == [("unknown", 5)])
    (difference,) = house.differences(gambio, open_only=True)
    house.verb("decide", difference=difference["id"], side="ours")
    house.all_show(MUG=10)
    house.all_is_well()


@of(families.Gambio)
def test_an_order_that_is_cancelled_with_restock_comes_back_though_its_lines_stay(house):
    gambio, _ = house.shops
    order = gambio.sell("MUG", 3)
    house.all_show(MUG=7)
    gambio.driver.act("cancel", order=order)
    house.all_show(MUG=10)
    assert len(gambio.driver.lines_of(order)) == 1
    house.all_is_well()


@of(families.Gambio)
def test_a_gambio_that_does_not_check_stock_gives_nothing_back_and_no_stock_moves_here(house):
    gambio, other = house.shops
    gambio.driver.setting("STOCK_CHECK", "false")
    order = gambio.sell("MUG", 3)
    house.all_show(MUG=7)
    gambio.driver.remove_order(order, restock=True)
    house.eventually(lambda: house.causes(gambio) == [("counter reset", -3)])
    other.sell("MUG", 1)
    house.all_show(MUG=6)
    house.eventually(lambda: house.cart(gambio)["state"] == "in step")


@of(families.Gambio)
def test_a_product_sold_by_its_combinations_is_set_aside_and_one_that_counts_itself_is_not(house):
    gambio, _ = house.shops
    mug, pen = gambio.products["MUG"], gambio.products["PEN"]
    red = gambio.driver.combination(mug, 5, counted=2)
    blue = gambio.driver.combination(pen, 5, counted=1)
    house.verb("cart_products", cart="Amber")
    gambio.driver.sell_order([(mug, 2, red)])  # takes from the combination, and the counter rises
    order = gambio.driver.sell_order([(pen, 3, blue)])
    house.all_show(PEN=7)
    house.eventually(lambda: ("set aside", 0) in house.causes(gambio))
    gambio.driver.remove_order(order, restock=True)
    house.all_show(PEN=10)
    assert gambio.shows("MUG") == 10
    assert house.on_hand()["MUG"] == 10


# osCommerce 2.4


@of(families.OsCommerce24)
def test_what_osc_24_does_not_subtract_while_downloads_are_enabled_is_subtracted_for_it(house):
    osc, _ = house.shops
    osc.driver.setting("DOWNLOAD_ENABLED", "true")
    osc.sell("MUG", 3)
    house.all_show(MUG=7)
    assert house.causes(osc) == [("lost sale", 3)]
    house.all_is_well()


# Downloads


@of(families.OsCommerce23, families.Phoenix, families.ZenCart, families.Modified)
def test_a_product_that_becomes_a_download_is_not_tracked_any_more(house):
    shop, _ = house.shops
    shop.driver.make_download(shop.products["MUG"])
    shop.sell("MUG", 2)
    shop.sell("PEN", 1)
    house.all_show(PEN=9)
    house.eventually(lambda: ("set aside", 0) in house.causes(shop))
    assert shop.shows("MUG") == 10
    assert house.on_hand()["MUG"] == 10


@of(families.ZenCart)
def test_a_download_that_is_sent_as_well_stays_in_step(house):
    zen, _ = house.shops
    zen.driver.sql("UPDATE products SET product_is_always_free_shipping = 2 WHERE products_model = 'MUG'")
    zen.driver.make_download(zen.products["MUG"])
    zen.sell("MUG", 2)
    house.all_show(MUG=8)
    house.all_is_well()


@of(families.Modified, families.Gambio)
def test_downloads_that_a_shop_is_told_to_subtract_stay_in_step(house, cart):
    shop, _ = house.shops
    shop.driver.make_download(shop.products["MUG"])
    shop.driver.setting(
        {families.Modified: "STOCK_LIMITED_DOWNLOADS", families.Gambio: "DOWNLOAD_STOCK_CHECK"}[cart], "true"
    )
    shop.sell("MUG", 2)
    house.all_show(MUG=8)
    house.all_is_well()


# A shop of nobody's family


def test_a_shop_that_is_not_recognised_is_switched_on_only_with_a_reason(tmp_path, mariadb, php):
    with Stage(tmp_path, {"MUG": 10}) as stage:
        shop = stage.open_shop(OsCommerce23(mariadb, php))
        shop.driver.sql("DROP TABLE products_to_categories")
        stage.verb("param_set", name="SynchQOH", value="True")
        stage.verb("get_qoh", cart=shop.name, create=True)
        assert not stage.cart(shop)["recognised"]
        assert "does not recognise" in stage.cart(shop)["concerns"][0]
        with pytest.raises(Refused, match="does not recognise"):
            stage.verb("sync_on", cart=shop.name)
        stage.verb("sync_on", cart=shop.name, force="compared both sides for a week")
        shop.sell("MUG", 2)
        stage.all_show(MUG=8)
