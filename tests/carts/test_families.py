"""Holds the connector to the protocol in a shop of every family, and shows each family's traps.

Path: pytest; the tables are those of real installations, the shops sell as theirs do (``tests.shops``).
Promise: whatever a relative does to its counters, what the connector says of them is what the database holds.
Never: asks for anything that a real shop of the family would not do.
"""

from __future__ import annotations

import pytest

from onhand.domain.errors import Permanent
from onhand.domain.family import cancelling
from onhand.domain.shop import DERIVED, FRACTION
from onhand.domain.sketch import Counters
from tests.carts.contract import OneShop, ShopContract, apply, counters, look
from tests.shops import families
from tests.shops.direct import direct
from tests.shops.shop import FamilyShop

pytestmark = [pytest.mark.servers, pytest.mark.long]


class TestOsCommerce22(OneShop, ShopContract):
    cart = families.OsCommerce22


class TestOsCommerce24(OneShop, ShopContract):
    cart = families.OsCommerce24


class TestPhoenix(OneShop, ShopContract):
    cart = families.Phoenix


class TestZenCart(OneShop, ShopContract):
    cart = families.ZenCart


class TestZenCart15(OneShop, ShopContract):
    cart = families.ZenCart15


class TestLoaded(OneShop, ShopContract):
    cart = families.Loaded


class TestOsCMax(OneShop, ShopContract):
    cart = families.OsCMax


class TestModified(OneShop, ShopContract):
    cart = families.Modified


class TestCommerceSeo(OneShop, ShopContract):
    cart = families.CommerceSeo


class TestGambio(OneShop, ShopContract):
    cart = families.Gambio


class TrapsOfGambio(OneShop):
    """What is true of no other cart: where its settings stand, whose stock counts, and what its date tells."""

    def test_its_own_table_of_settings_counts_and_not_one_that_an_update_left_behind(self, driver):
        driver.sql(LEFT_BEHIND)
        driver.sql(
            "INSERT INTO configuration (configuration_key, configuration_value) VALUES ('STOCK_LIMITED', 'false')"
        )
        assert driver.shop().hello().switches["STOCK_LIMITED"] == "true"
        driver.sql("DROP TABLE configuration")

    def test_the_status_that_cancels_an_order_is_the_one_that_its_owner_chose(self, driver):
        assert cancelling(driver.shop().hello()) == {99}
        driver.sql(
            "INSERT INTO gx_configurations (`key`, value) VALUES ('gm_configuration/GM_ORDER_STATUS_CANCEL_ID', '97')"
        )
        assert cancelling(driver.shop().hello()) == {97}

    def test_names_come_in_its_default_language(self, driver):
        product = driver.add_product("A", 1, name="Mug")
        driver.sql(
            "INSERT INTO products_description (products_id, language_id, products_name) VALUES (%s, 2, 'Becher')",
            (product,),
        )
        driver.setting("DEFAULT_LANGUAGE", "de")
        assert driver.shop().rows([product])[0].name == "Becher"
        driver.setting("DEFAULT_LANGUAGE", "en")
        assert driver.shop().rows([product])[0].name == "Mug"

    @pytest.mark.parametrize(
        ("counted", "checks", "aside"),
        [(1, True, False), (2, True, True), (2, False, True), (3, True, True), (0, True, True), (0, False, False)],
    )
    def test_a_product_with_combinations_is_derived_unless_its_own_stock_counts(self, driver, counted, checks, aside):
        product, plain = driver.add_product("A", 10), driver.add_product("B", 10)
        before = look(driver, catalogue=True).catalogue
        driver.combination(product, 5, counted)
        driver.setting("ATTRIBUTE_STOCK_CHECK", "true" if checks else "false")
        assert [row.flags for row in driver.shop().rows([product, plain])] == [DERIVED if aside else 0, 0]
        assert (look(driver, catalogue=True).catalogue != before) == aside

    def test_a_product_that_says_so_without_any_combination_is_kept(self, driver):
        product = driver.add_product("A", 10)
        driver.sql("UPDATE products SET use_properties_combis_quantity = 2")
        assert driver.shop().rows([product])[0].flags == 0

    def test_what_combinations_sell_and_get_back_would_break_the_law(self, driver):
        product = driver.add_product("A", 10)
        red = driver.combination(product, 5, counted=0)
        order = driver.sell_order([(product, 2, red)])
        assert counters(driver, [product])[product] == Counters(8, 2)
        driver.remove_order(order, restock=True)
        assert counters(driver, [product])[product] == Counters(8, 0)  # which is why it is set aside
        assert driver.sql("SELECT combi_quantity FROM products_properties_combis")[0][0] == 5

    def test_the_date_of_a_product_moves_with_every_sale_so_it_is_not_told(self, driver):
        product = driver.add_product("A", 10)
        driver.sql("UPDATE products SET products_last_modified = now() - INTERVAL 1 HOUR")
        assert driver.shop().rows([product])[0].age >= 3600
        driver.sell(product, 1)
        (row,) = driver.shop().rows([product])
        assert row.modified is None
        assert row.age < 60

    def test_a_fraction_in_a_decimal_is_flagged(self, driver):
        product = driver.add_product("A", 10)
        driver.sql("UPDATE products SET products_quantity = 9.5")
        assert driver.shop().rows([product])[0].flags == FRACTION


class TestTrapsOfGambio(TrapsOfGambio):
    cart = families.Gambio

    @pytest.mark.parametrize(
        ("said", "version"),
        [
            ({"release_info.php": "$gx_version = 'v2.0.12.2 r8426';"}, "2.0.12.2"),
            (
                {
                    "release_info.php": "throw new Exception; return $gx_version = Application::VERSION;",
                    "GambioCore/Application/Application.php": "class Application { public const VERSION = 'v4.1.0.0'; }",
                },
                "4.1.0.0",
            ),
            ({}, ""),
        ],
    )
    def test_an_old_one_says_its_version_in_a_file_that_is_read_and_not_run(self, driver, said, version):
        driver.sql("DELETE FROM version_history")
        for name, text in said.items():
            (driver.root / name).parent.mkdir(parents=True, exist_ok=True)
            (driver.root / name).write_text(f"<?php\n{text}\n")
        assert driver.shop().hello().version == version
        for name in said:
            (driver.root / name).unlink()


class TestTrapsOfGambioByDirectMySql(TrapsOfGambio):
    cart = direct(families.Gambio)


# A Gambio 4 that was updated from an earlier one may still have the table that all others have.
LEFT_BEHIND = (
    "CREATE TABLE configuration (configuration_id int NOT NULL AUTO_INCREMENT PRIMARY KEY, configuration_key varchar(64) NOT NULL,"
    " configuration_value text)"
)


def test_a_gambio_2_has_its_settings_where_all_others_have_them(mariadb, php):
    shop = families.Gambio(mariadb, php)
    for statement in ("DROP TABLE gx_configurations", "DROP TABLE version_history", LEFT_BEHIND):
        shop.sql(statement)
    shop.sql(
        "INSERT INTO configuration (configuration_key, configuration_value) VALUES ('STOCK_LIMITED', 'true'), ('DOWNLOAD_ENABLED', 'false')"
    )
    (shop.root / "release_info.php").write_text("<?php\n$gx_version = 'v2.0.12.2 r8426';\n")
    hello = shop.shop().hello()
    shop.close()
    assert (hello.family, hello.version) == ("gambio", "2.0.12.2")
    assert hello.switches == {"STOCK_LIMITED": "true", "DOWNLOAD_ENABLED": "false"}


@pytest.mark.parametrize("cart", families.CONNECTED, ids=lambda cart: cart.__name__)
def test_a_family_is_recognised_by_its_tables(cart: type[FamilyShop], mariadb, php):
    shop = cart(mariadb, php)
    hello = shop.shop().hello()
    shop.close()
    assert (hello.family, hello.version) == (cart.family, cart.version)
    assert (hello.engine, hello.prefix, hello.tables) == (cart.usual_engine, cart.usual_prefix, {})
    assert hello.columns["products.products_quantity"].startswith(hello.quantity_type)
    assert hello.switches.items() >= {x for x in cart.switches.items() if x[0] != "POSM_ENABLE"}


class TestWhereThingsAre:
    """What owners and installers change about the places."""

    @pytest.fixture
    def driver(self, request, mariadb, php):
        shop = request.param(mariadb, php)
        yield shop
        shop.close()

    @pytest.mark.parametrize("driver", [families.OsCommerce23], indirect=True)
    def test_tables_that_an_owner_renamed_by_hand_are_followed(self, driver):
        product = driver.add_product("A", 10, name="Mug")
        driver.sell(product, 1)
        driver.sql("RENAME TABLE products TO wares, orders_products TO order_rows")
        (driver.root / "includes" / "database_tables.php").write_text(
            "<?php\n  define('TABLE_PRODUCTS', 'wares');\n  // define('TABLE_ORDERS', 'nowhere');\n"
            "  define(\"TABLE_ORDERS_PRODUCTS\",\"order_rows\");\n  define('TABLE_ORDERS', 'orders');\n"
        )
        assert driver.shop().hello().tables == {"products": "wares", "orders_products": "order_rows"}
        seen = look(driver, sums=True)
        assert ([line.quantity for line in seen.lines], seen.sums.quantity) == ([1], 9)
        assert driver.shop().rows([product])[0].name == "Mug"
        assert apply(driver, 1, (product, 5)).failed == {}
        assert driver.sql("SELECT products_quantity FROM wares")[0][0] == 14

    @pytest.mark.parametrize("driver", [families.ZenCart15], indirect=True)
    def test_names_put_together_from_the_prefix_are_no_renaming(self, driver):
        (driver.root / "includes" / "database_tables.php").write_text(
            "<?php\ndefine('TABLE_PRODUCTS', DB_PREFIX . 'products');\ndefine('TABLE_ORDERS', DB_PREFIX.'orders');\n"
        )
        hello = driver.shop().hello()
        assert (hello.prefix, hello.tables) == ("zen_", {})

    @pytest.mark.parametrize("driver", [families.ZenCart15], indirect=True)
    def test_the_local_configuration_wins_with_its_prefix(self, driver):
        (driver.root / "includes" / "local").mkdir()
        file = driver.root / "includes" / "configure.php"
        (driver.root / "includes" / "local" / "configure.php").write_text(file.read_text())
        file.write_text(file.read_text().replace("'zen_'", "'other_'"))
        assert driver.shop().hello().prefix == "zen_"

    @pytest.mark.parametrize("driver", [families.OsCommerce24], indirect=True)
    def test_what_is_in_custom_wins_in_osc_24(self, driver):
        folder = driver.root / "includes" / "OSC"
        (folder / "Custom" / "Conf").mkdir(parents=True)
        (folder / "Custom" / "Conf" / "global.php").write_text((folder / "Conf" / "global.php").read_text())
        (folder / "Conf" / "global.php").write_text('<?php\n$ini = <<<EOD\ndb_server = "nowhere.invalid"\nEOD;\n')
        assert driver.shop().hello().family == "oscommerce24"

    @pytest.mark.parametrize("driver", [families.OsCommerce24], indirect=True)
    def test_a_login_that_is_not_whole_says_where_it_lacks(self, driver):
        file = driver.root / "includes" / "OSC" / "Conf" / "global.php"
        file.write_text(file.read_text().replace("db_database = ", "db_data = "))
        with pytest.raises(Permanent) as refusal:
            driver.shop().hello()
        assert "OSC/Conf/global.php does not say db_database" in refusal.value.message

    @pytest.mark.parametrize("driver", [families.OsCommerce23], indirect=True)
    def test_a_shop_that_is_none_of_ours_is_called_unknown(self, driver):
        driver.sql("DROP TABLE products_to_categories")
        assert driver.shop().hello().family == "unknown"


@pytest.mark.parametrize("server", ["{socket}", "localhost:{socket}", "127.0.0.1:{port}"])
def test_an_oscommerce_24_may_name_the_servers_socket_alone(mariadb, php, server):
    shop = families.OsCommerce24(mariadb, php)
    shop.configure(server=server.format(socket=mariadb.socket, port=mariadb.port))
    try:
        assert shop.shop().hello().family == "oscommerce24"
    finally:
        shop.close()
