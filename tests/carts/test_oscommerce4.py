"""Holds the connector to the protocol in an osCommerce 4, and shows its traps: a quantity that is a cache, and units that are owed.

Path: pytest; the shop sells as v4's own classes were seen to (``tests/shops/oscommerce4``).
Promise: quantity + counter stands still in whatever the shop does of itself, and moves by exactly what we post or a person books.
Never: asks for anything that a real shop of the family would not do.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from onhand.domain.errors import Permanent
from onhand.domain.shop import DERIVED, DOWNLOAD
from onhand.domain.sketch import Counters, Sums
from tests.carts.contract import OneShop, ShopContract, apply, counters, look
from tests.shops.families import OsCommerce4

pytestmark = [pytest.mark.servers, pytest.mark.long]

BOOKING = "stock_history WHERE comments = 'OnHand'"


def seen(driver, product):
    """Quantity and counter as the connector says them; the sums of a look must agree."""
    (row,) = driver.shop().rows([product])
    everything = {row.product: row for row in driver.shop().listings(0, 2000).rows}
    assert look(driver, sums=True).sums == Sums.total(
        Sums.of(p, r.quantity, r.ordered, 1) for p, r in everything.items()
    )
    assert Counters(row.quantity, row.ordered) == counters(driver, [product])[product]
    return row.quantity, row.ordered


def flags(driver, *products):
    return [row.flags for row in driver.shop().rows(products)]


def caches(driver):
    return driver.sql(
        "SELECT products_id, products_quantity, warehouse_stock_quantity, allocated_stock_quantity, temporary_stock_quantity,"
        " products_status FROM products ORDER BY 1"
    ), driver.sql("SELECT * FROM warehouses_products ORDER BY prid, warehouse_id")


class TestContract(OneShop, ShopContract):
    """As in every shop."""

    cart = OsCommerce4


class TestSales(OneShop):
    cart = OsCommerce4

    def test_a_line_waits_until_the_shop_takes_stock_for_it(self, driver):
        tea = driver.add_product("TEA", 10)
        order = driver.prepare(tea, 3)
        assert [line.paid for line in look(driver).lines] == [False]
        assert seen(driver, tea) == (10, 0)
        driver.set_order_status(order, 1)
        assert [line.paid for line in look(driver).lines] == [True]
        assert seen(driver, tea) == (7, 3)

    def test_what_is_owed_is_sold_at_once_and_goods_that_come_find_it_so(self, driver):
        tea = driver.add_product("TEA", 5)
        driver.sell(tea, 9)
        assert driver.sql("SELECT orders_products_status, qty_rcvd FROM orders_products") == [(10, 5)]
        assert seen(driver, tea) == (-4, 9)
        driver.act("receive", product=tea, n=3, give=False)
        assert seen(driver, tea) == (-1, 9)
        driver.act("receive", product=tea, n=3, give=True)
        assert seen(driver, tea) == (2, 9)
        assert driver.sql("SELECT orders_products_status FROM orders_products") == [(20,)]

    def test_a_shop_that_minds_no_stock_takes_what_is_not_there(self, driver):
        driver.setting("STOCK_LIMITED", "false")
        tea = driver.add_product("TEA", 5)
        driver.sell(tea, 9)
        assert seen(driver, tea) == (-4, 9)

    @pytest.mark.parametrize(
        ("what", "left", "lines"),
        [
            ("dispatch", 4, 1),
            ("cancel", 10, 0),
            ("pend", 10, 1),
            ("dispatch, pend", 10, 1),
            ("dispatch, cancel", 4, 1),
            ("dispatch, cancel with restock", 10, 0),
            ("remove", 10, 0),
            ("remove with restock", 10, 0),
            ("dispatch, remove", 4, 0),
            ("dispatch, remove with restock", 4, 0),
            ("cancel, reopen", 4, 1),
            ("cancel, remove", 10, 0),
        ],
    )
    def test_whatever_becomes_of_an_order_conserves_the_sum(self, driver, what, left, lines):
        tea = driver.add_product("TEA", 10)
        order = driver.sell(tea, 6)
        for step in what.split(", "):
            driver.act(step.split()[0], order=order, restock=step.endswith("with restock"))
            assert sum(seen(driver, tea)) == 10
        assert seen(driver, tea) == (left, 10 - left)
        assert len(look(driver).lines) == lines

    def test_a_cancelled_line_is_gone_and_the_cursor_passes_it(self, driver):
        tea = driver.add_product("TEA", 10)
        kept, cancelled = driver.sell(tea, 1), driver.sell(tea, 2)
        (first,), (last,) = driver.lines_of(kept), driver.lines_of(cancelled)
        driver.act("cancel", order=cancelled)
        glance = look(driver, after=last)
        assert (glance.last_line, glance.window.count, glance.window.total) == (last, 1, first)
        assert [line.line for line in driver.shop().orders([first, last])] == [first]
        driver.act("reopen", order=cancelled)
        assert [line.line for line in driver.shop().orders([first, last])] == [first, last]

    def test_goods_that_leave_although_they_are_not_there_were_there_after_all(self, driver):
        tea = driver.add_product("TEA", 5)
        order = driver.sell(tea, 9)
        driver.act("dispatch", order=order, force=True)
        assert seen(driver, tea) == (
            0,
            5,
        )  # four were on the shelf and not in its books: the counter says nothing of them

    def test_what_lies_in_baskets_is_still_there(self, driver):
        driver.setting("TEMPORARY_STOCK_ENABLE", "true")
        tea = driver.add_product("TEA", 10)
        driver.act("reserve", product=tea, n=4)
        assert driver.sql("SELECT products_quantity FROM products") == [(6,)]
        assert seen(driver, tea) == (10, 0)
        driver.sell(tea, 4)
        assert driver.sql("SELECT * FROM temporary_stock") == []
        assert seen(driver, tea) == (6, 4)
        assert driver.shop().rows([tea])[0].modified is None  # baskets come and go without a person's doing


class TestPosts(OneShop):
    cart = OsCommerce4

    def test_a_post_changes_what_lies_there_and_leaves_a_line_in_the_journal(self, driver):
        tea = driver.add_product("TEA", 10)
        driver.sell(tea, 4)
        apply(driver, 1, (tea, 5))
        apply(driver, 2, (tea, -2))
        assert driver.sql(
            f"SELECT prid, warehouse_id, warehouse_quantity_before, products_quantity_before, products_quantity_update_prefix,"
            f" products_quantity_update, orders_id, is_temporary FROM {BOOKING} ORDER BY stock_history_id"
        ) == [(tea, 1, 10, 6, "+", 5, 0, 0), (tea, 1, 15, 11, "-", 2, 0, 0)]
        assert seen(driver, tea) == (9, 4)
        assert driver.shop().rows([tea])[0].modified is None

    @pytest.mark.parametrize("basket", [0, 3])
    def test_the_shop_works_its_caches_out_and_finds_them_as_we_left_them(self, driver, basket):
        driver.setting("TEMPORARY_STOCK_ENABLE", "true" if basket else "false")
        tea, cup = driver.add_product("TEA", 10), driver.add_product("CUP", 10)
        gone = driver.sell(tea, 6)
        driver.act("dispatch", order=gone)
        driver.sell_order([(tea, 9), (cup, 2)])
        if basket:
            driver.act("reserve", product=cup, n=basket)
        apply(driver, 1, (tea, 7), (cup, -9))
        before = caches(driver)
        for product in (tea, cup):
            driver.act("cache", product=product)
        assert caches(driver) == before
        assert (seen(driver, tea), seen(driver, cup)) == ((2, 15), (-1, 2))

    def test_a_post_mends_a_cache_that_was_left_behind(self, driver):
        tea = driver.add_product("TEA", 10)
        driver.sql("UPDATE products SET products_quantity = 99, warehouse_stock_quantity = 99")
        apply(driver, 1, (tea, 1))
        assert driver.sql("SELECT products_quantity, warehouse_stock_quantity FROM products") == [(11, 11)]

    def test_a_product_that_lies_nowhere_gets_a_place(self, driver):
        tea = driver.add_product("TEA", 0)
        driver.sql("DELETE FROM warehouses_products")
        assert (seen(driver, tea), flags(driver, tea)) == ((0, 0), [0])
        assert apply(driver, 1, (tea, 0)).failed == {}
        assert driver.sql("SELECT * FROM warehouses_products") == []
        assert apply(driver, 2, (tea, 4)).failed == {}
        assert driver.sql(
            "SELECT warehouse_id, suppliers_id, products_id, products_model FROM warehouses_products"
        ) == [(1, 1, str(tea), "TEA")]
        assert (seen(driver, tea), flags(driver, tea)) == ((4, 0), [0])

    def test_what_the_shop_stopped_selling_stays_stopped(self, driver):
        tea = driver.add_product("TEA", 2)
        driver.sql("INSERT INTO products_stock_indication (stock_indication_id, disable_product_on_oos) VALUES (4, 1)")
        driver.sql("UPDATE products SET stock_indication_id = 4")
        driver.sell(tea, 2)
        assert driver.row(tea).status == 0
        apply(driver, 1, (tea, 5, True))
        assert (driver.row(tea).status, seen(driver, tea)) == (0, (5, 2))

    def test_sales_and_posts_meet_and_nobody_is_stopped(self, driver):
        products = [driver.add_product(f"P{n}", 1000) for n in range(3)]
        epoch = driver.shop().hello().epoch

        def buyer(number):
            for n in range(12):
                order = [(p, 1) for p in (products if (n + number) % 2 else products[::-1])]
                driver.sell_order(order)  # raises if the server ended one of its statements

        with ThreadPoolExecutor(4) as crowd:
            buyers = [crowd.submit(buyer, number) for number in range(4)]
            posted = 0
            while not all(one.done() for one in buyers):
                failed = apply(driver, 3 * posted + 1, *((p, 1) for p in products), epoch=epoch).failed
                assert failed == {}
                posted += 1
            for one in buyers:
                one.result()
        assert posted > 1
        for product in products:
            assert seen(driver, product) == (1000 + posted - 48, 48)


class TestSetAside(OneShop):
    cart = OsCommerce4

    """Products whose quantity is not one number in one place that the shop counts."""

    def lay_elsewhere(self, driver, product, warehouse=2):
        driver.sql("INSERT INTO warehouses (warehouse_id, warehouse_name) VALUES (%s, 'Other')", (warehouse,))
        driver.sql(
            "INSERT INTO warehouses_products (warehouse_id, suppliers_id, products_id, prid, warehouse_stock_quantity)"
            " VALUES (%s, 1, %s, %s, 5)",
            (warehouse, str(product), product),
        )

    def switch_on(self, driver, extension, is_installed=True):
        driver.sql(
            "INSERT INTO platforms_configuration (platform_id, configuration_key, configuration_value) VALUES (0, %s, 'True')",
            (f"{extension}_EXTENSION_STATUS",),
        )
        folder = driver.root / "lib" / "common" / "extensions" / extension
        if is_installed:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{extension}.php").write_text("<?php exit;\n")
        else:
            (folder / f"{extension}.php").unlink(missing_ok=True)

    def test_one_that_lies_in_two_places_is_never_posted_to(self, driver):
        tea, cup = driver.add_product("TEA", 10), driver.add_product("CUP", 10)
        self.lay_elsewhere(driver, tea)
        assert flags(driver, tea, cup) == [DERIVED, 0]
        assert apply(driver, 1, (tea, 1), (cup, 1)).failed == {tea: "range"}
        assert (seen(driver, tea), seen(driver, cup)) == ((15, 0), (11, 0))

    def test_one_that_lies_nowhere_while_two_warehouses_are_open(self, driver):
        tea, cup = driver.add_product("TEA", 0), driver.add_product("CUP", 10)
        driver.sql("DELETE FROM warehouses_products WHERE prid = %s", (tea,))
        driver.sql("INSERT INTO warehouses (warehouse_id, warehouse_name) VALUES (2, 'Other')")
        assert flags(driver, tea, cup) == [DERIVED, 0]
        assert apply(driver, 1, (tea, 1), (cup, 1)).failed == {tea: "range"}
        assert seen(driver, tea) == (0, 0)

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE products SET is_bundle = 1 WHERE products_id = %s",
            "UPDATE products SET manual_stock_unlimited = 1 WHERE products_id = %s",
            "DELETE FROM platforms_products WHERE products_id = %s",
            "UPDATE warehouses_products SET suppliers_id = 7 WHERE prid = %s",
            "UPDATE warehouses_products SET warehouse_id = 7 WHERE prid = %s",
        ],
    )
    def test_one_whose_quantity_the_shop_works_out_or_does_not_count(self, driver, statement):
        tea, cup = driver.add_product("TEA", 10), driver.add_product("CUP", 10)
        driver.sql(statement, (tea,))
        assert flags(driver, tea, cup) == [DERIVED, 0]

    def test_one_that_is_from_no_supplier_or_from_a_closed_one(self, driver):
        tea, cup = driver.add_product("TEA", 10), driver.add_product("CUP", 10)
        driver.sql("DELETE FROM suppliers_products")
        assert flags(driver, tea, cup) == [0, 0]  # both are the default supplier's then
        driver.sql("INSERT INTO suppliers (suppliers_id, suppliers_name) VALUES (2, 'Other')")
        driver.sql("UPDATE warehouses_products SET suppliers_id = 2 WHERE prid = %s", (tea,))
        assert flags(driver, tea, cup) == [DERIVED, 0]
        driver.sql(
            "INSERT INTO suppliers_products (products_id, uprid, suppliers_id) VALUES (%s, %s, 2)", (tea, str(tea))
        )
        assert flags(driver, tea, cup) == [0, 0]
        driver.sql("UPDATE suppliers SET status = 0 WHERE suppliers_id = 2")
        assert flags(driver, tea, cup) == [DERIVED, 0]

    def test_all_whose_warehouse_is_closed_to_their_channel(self, driver):
        tea = driver.add_product("TEA", 10)
        driver.sql("INSERT INTO warehouses_to_platforms (warehouse_id, platform_id, status) VALUES (1, 1, 0)")
        assert flags(driver, tea) == [DERIVED]

    def test_a_sub_product_that_sells_the_stock_of_another(self, driver):
        tea, cup = driver.add_product("TEA", 10), driver.add_product("CUP", 10)
        driver.sql("UPDATE products SET products_id_stock = %s WHERE products_id = %s", (tea, cup))
        assert flags(driver, tea, cup) == [0, 0]
        driver.setting("LISTING_SUB_PRODUCT", "True")
        assert flags(driver, tea, cup) == [0, DERIVED]

    def test_variants_with_stock_of_their_own_where_the_extension_is_on(self, driver):
        tea, cup = driver.add_product("TEA", 10), driver.add_product("CUP", 10)
        driver.sql(
            "INSERT INTO products_attributes (products_id, options_id, options_values_id) VALUES (%s, 1, 2)", (tea,)
        )
        driver.sql(
            "INSERT INTO inventory (products_id, prid, products_quantity) VALUES (%s, %s, 3)", (f"{tea}{{1}}2", tea)
        )
        driver.sql(
            "INSERT INTO warehouses_products (warehouse_id, suppliers_id, products_id, prid, warehouse_stock_quantity)"
            " VALUES (1, 1, %s, %s, 3)",
            (f"{tea}{{1}}2", tea),
        )
        self.switch_on(driver, "Inventory", is_installed=False)  # bought once, and gone: the shop counts by product
        assert flags(driver, tea, cup) == [0, 0]
        assert driver.shop().rows([tea])[0].quantity == 10
        self.switch_on(driver, "Inventory")
        assert flags(driver, tea, cup) == [DERIVED, 0]

    def test_stock_that_is_split_up_where_the_extension_is_on(self, driver):
        tea, cup = driver.add_product("TEA", 10), driver.add_product("CUP", 10)
        driver.sql("UPDATE products SET stock_control = 1 WHERE products_id = %s", (tea,))
        assert flags(driver, tea, cup) == [0, 0]
        self.switch_on(driver, "StockControl")
        assert flags(driver, tea, cup) == [DERIVED, 0]

    def test_a_channel_that_enables_downloads_is_stronger_than_the_shop(self, driver):
        tea = driver.add_product("TEA", 10)
        driver.sql("UPDATE products SET products_file = 'tea.pdf'")
        assert flags(driver, tea) == [0]
        driver.sql(
            "INSERT INTO platforms_configuration (platform_id, configuration_key, configuration_value)"
            " VALUES (1, 'DOWNLOAD_ENABLED', 'true')"
        )
        assert flags(driver, tea) == [DOWNLOAD]

    # Shops that are refused as a whole

    def refused(self, driver, *words):
        tea, shop = driver.add_product("TEA", 10), driver.shop()
        epoch = shop.hello().epoch
        for ask in (
            lambda: look(driver),
            lambda: shop.cells(1),
            lambda: shop.listings(0, 1),
            lambda: shop.orders([1]),
            lambda: apply(driver, 1, (tea, 1), epoch=epoch),
        ):
            with pytest.raises(Permanent) as refusal:
                ask()
            assert refusal.value.facts["reason"] == "obstacle"
            assert refusal.value.message == shop.hello().obstacle
            assert all(word in refusal.value.message for word in words)
        assert driver.row(tea).quantity == 10

    @pytest.mark.parametrize("extension", ["ReportFreezeStock", "SupplierPurchase"])
    def test_an_extension_that_books_elsewhere_keeps_the_shop_out(self, driver, extension):
        self.switch_on(driver, extension, is_installed=False)
        assert driver.shop().hello().obstacle == ""
        self.switch_on(driver, extension)
        self.refused(driver, extension, "switch it off")
        driver.sql("UPDATE platforms_configuration SET configuration_value = 'False'")
        assert driver.shop().hello().obstacle == ""
        assert look(driver, sums=True).sums.quantity == 10

    def test_tables_without_transactions_keep_the_shop_out(self, driver):
        driver.sql("ALTER TABLE stock_history ENGINE=MyISAM")
        self.refused(driver, "stock_history", "InnoDB")
        driver.sql("ALTER TABLE stock_history ENGINE=InnoDB")
        assert driver.shop().hello().obstacle == ""

    def test_extensions_that_are_merely_said_are_said(self, driver):
        self.switch_on(driver, "Rma")
        driver.add_product("TEA", 10)
        assert driver.shop().hello().stock_elsewhere == ()
        driver.sql("UPDATE products SET suppliers_stock_quantity = 3")
        hello = driver.shop().hello()
        assert hello.switches["Rma_EXTENSION_STATUS"] == "True"
        assert hello.switches["PURCHASE_OFF_STOCK"] == "true"
        assert hello.stock_elsewhere == ("products.suppliers_stock_quantity",)


class TestItsFiles(OneShop):
    cart = OsCommerce4

    @pytest.fixture
    def shop(self, mariadb, php):
        shop = OsCommerce4(mariadb, php)
        yield shop
        shop.close()

    def test_its_own_configuration_file_is_never_run(self, shop):
        (shop.root / "includes" / "local" / "configure.php").unlink()
        with pytest.raises(Permanent) as refusal:
            shop.shop().hello()  # run, it would send us to another page
        assert refusal.value.facts["reason"] == "config"
        assert "includes/local/configure.php" in refusal.value.message

    def test_a_login_that_lacks_something_names_the_local_file(self, shop):
        shop.write_configuration({"DB_SERVER": "127.0.0.1"})
        with pytest.raises(Permanent, match=r"includes/local/configure\.php does not define DB_SERVER_USERNAME"):
            shop.shop().hello()

    def test_the_connector_in_a_folder_of_another_shop_knows_the_database_and_keeps_off(self, shop):
        (shop.root / "yii.php").unlink()
        (shop.root / "includes" / "local" / "configure.php").rename(shop.root / "includes" / "configure.php")
        hello = shop.shop().hello()
        assert hello.family == "oscommerce4"
        assert "its files are not here" in hello.obstacle
        with pytest.raises(Permanent, match="its files are not here"):
            look(shop)

    def test_a_version_from_before_its_batches_is_refused(self, shop):
        shop.sql("ALTER TABLE warehouses_products DROP PRIMARY KEY, DROP COLUMN batch_id")
        with pytest.raises(Permanent) as refusal:
            shop.shop().hello()
        assert refusal.value.facts["reason"] == "tables"
        assert "no column batch_id in a table warehouses_products" in refusal.value.message

    def test_names_stand_there_by_language_and_channel(self, shop):
        shop.sql("INSERT INTO platforms (platform_id, platform_name) VALUES (2, 'Outlet')")
        tea = shop.add_product("TEA", 1, name="")
        put = "INSERT INTO products_description (products_id, language_id, platform_id, products_name) VALUES (%s, %s, %s, %s)"
        for language, channel, name, best in [(2, 2, "Tee 2", "Tee 2"), (2, 1, "Tee", "Tee"), (1, 2, "Tea 2", "Tea 2")]:
            shop.sql(put, (tea, language, channel, name))
            assert shop.shop().rows([tea])[0].name == best
        shop.sql("UPDATE products_description SET products_name = 'Tea' WHERE language_id = 1 AND platform_id = 1")
        assert shop.shop().rows([tea])[0].name == "Tea"
        shop.sql("UPDATE platforms SET default_language = 'de'")
        assert shop.shop().rows([tea])[0].name == "Tee"
