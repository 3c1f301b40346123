"""Names the shops of the family that tests trade with: each a row of facts over ``FamilyShop``, with the tables of a real installation.

Path: tests take a class and build a shop with it.
Promise: what a class says is what was measured or read of that cart; the sources are on its page in ``docs/carts/``.
Never: holds a rule of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from tests.carts.driver import Product
from tests.shops.shop import FamilyShop, defines

UTF8MB4 = "DEFAULT CHARACTER SET utf8mb4 COLLATE"


class OsCommerce22(FamilyShop):
    """osCommerce 2.2 MS2: no index on the SKU, on order lines by order, or on the history by order."""

    folder, family, version = "oscommerce22", "oscommerce", "2.2-MS2"
    switches_off: ClassVar = {"STOCK_ALLOW_CHECKOUT": "false"}
    usual_engine, collation, letters = "MyISAM", "DEFAULT CHARACTER SET latin1", "Ærø, façade, ½ ñandú"

    def write_configuration(self, login: Mapping[str, str]) -> None:
        super().write_configuration(login)
        (self.root / "includes" / "application_top.php").write_text(
            "<?php\n// define the project version\n  define('PROJECT_VERSION', 'osCommerce 2.2-MS2');\n"
        )


class OsCommerce22Rc2a(OsCommerce22):
    """osCommerce 2.2 RC2a."""

    folder, version = "oscommerce22rc2a", "2.2 RC2a"

    def write_configuration(self, login: Mapping[str, str]) -> None:
        super().write_configuration(login)
        (self.root / "includes" / "application_top.php").write_text(
            "<?php\n  define('PROJECT_VERSION', 'osCommerce Online Merchant v2.2 RC2a');\n"
        )


class OsCommerce23(FamilyShop):
    """osCommerce 2.3.4.1."""

    folder, family, version = "oscommerce23", "oscommerce", "2.3.4.1"

    def write_configuration(self, login: Mapping[str, str]) -> None:
        super().write_configuration(login)
        (self.root / "includes" / "version.php").write_text("2.3.4.1")


class OsCommerce24(FamilyShop):
    """osCommerce 2.4.2: a prefix, and a configuration file of its own."""

    folder, family, version = "oscommerce24", "oscommerce24", "2.4.2"
    usual_prefix, sku_length = "osc_", 255

    def write_configuration(self, login: Mapping[str, str]) -> None:
        lines = [f'{name.lower()} = "{value}"' for name, value in login.items()]
        lines += [f'db_table_prefix = "{self.prefix}"', 'store_sessions = "MySQL"']
        (self.root / "includes" / "OSC" / "Conf").mkdir(parents=True, exist_ok=True)
        (self.root / "includes" / "OSC" / "Conf" / "global.php").write_text(
            "<?php\n$ini = <<<EOD\n" + "\n".join(lines) + "\nEOD;\n"
        )
        (self.root / "includes" / "OSC" / "version.txt").write_text("2.4.2")


class Phoenix(FamilyShop):
    """CE Phoenix 1.1.0.6: its configuration has constants of the language, not calls of define."""

    folder, family, version = "phoenix", "phoenix", "1.1.0.6"
    switches_off: ClassVar = {"STOCK_ALLOW_CHECKOUT": "false"}
    sku_length, collation = 255, f"{UTF8MB4} utf8mb4_unicode_ci"

    def write_configuration(self, login: Mapping[str, str]) -> None:
        text = "<?php\n" + "".join(f"  const {name} = '{value}';\n" for name, value in login.items())
        (self.root / "includes" / "configure.php").write_text(text)
        (self.root / "includes" / "version.php").write_text("1.1.0.6\n")


class ZenCart(FamilyShop):
    """Zen Cart 2.2.2 with POSM's tables: FLOAT quantities on MyISAM."""

    folder, family, version = "zencart", "zencart", "2.2.2"
    switches_off: ClassVar = {"SHOW_PRODUCTS_SOLD_OUT": "0"}
    usual_engine, sku_length, collation = "MyISAM", 32, f"{UTF8MB4} utf8mb4_general_ci"
    quantity_min, quantity_max, ordered_max = -999_999, 999_999, 999_999  # of a FLOAT, a plain SELECT shows six digits
    switches: ClassVar = {"SHOW_PRODUCTS_SOLD_OUT": "0", "POSM_ENABLE": "false", "DOWNLOAD_ENABLED": "false"}

    def write_configuration(self, login: Mapping[str, str]) -> None:
        own = {**login, "DB_TYPE": "mysql", "DB_PREFIX": self.prefix, "DB_CHARSET": "utf8mb4"}
        (self.root / "includes" / "configure.php").write_text(defines(own))


class ZenCart15(ZenCart):
    """Zen Cart 1.5.8a, with the prefix that its installer likes to give; no POSM."""

    folder, selling, version = "zencart15", "zencart", "1.5.8a"
    usual_prefix = "zen_"


class Loaded(FamilyShop):
    """Loaded Commerce 6.5: MyISAM, zero dates, sub-products."""

    folder, family, version = "loaded", "loaded", ""
    switches_off: ClassVar = {"STOCK_ALLOW_CHECKOUT": "false"}
    usual_engine, sku_length, collation = "MyISAM", 25, "DEFAULT CHARACTER SET latin1"
    letters = "Ærø, façade, ½ ñandú"


class OsCMax(FamilyShop):
    """osCMax 2.5.5 with QTPro."""

    folder, family, version = "oscmax", "oscmax", "2.5.5"
    switches_off: ClassVar = {"STOCK_SET_INACTIVE": "true"}
    sku_length, collation = 24, "DEFAULT CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci"
    switches: ClassVar = {"STOCK_SET_INACTIVE": "false"}

    def write_configuration(self, login: Mapping[str, str]) -> None:
        super().write_configuration(login)
        (self.root / "includes" / "application_top.php").write_text(
            "<?php define('PROJECT_VERSION', 'osCMax v2.5.5');\n"
        )


class Modified(FamilyShop):
    """modified eCommerce 3.3.0."""

    folder, family, version = "modified", "modified", "3.3.0"
    switches_off: ClassVar = {"STOCK_CHECKOUT_UPDATE_PRODUCTS_STATUS": "true"}
    sku_length, collation = 64, f"{UTF8MB4} utf8mb4_german2_ci"
    switches: ClassVar = {
        "STOCK_LIMITED_DOWNLOADS": "false",
        "STOCK_CHECKOUT_UPDATE_PRODUCTS_STATUS": "false",
        "ATTRIBUTE_STOCK_CHECK": "false",
    }


class CommerceSeo(FamilyShop):
    """commerce:SEO v2next 2.5.17: modified's relative, with two more ways to take what sold out off sale."""

    folder, family, version = "commerceseo", "commerceseo", "v2next 2.5.17 CE"
    usual_engine, sku_length = "MyISAM", 64
    collation = "DEFAULT CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci"
    switches: ClassVar = {
        "STOCK_ALLOW_CHECKOUT_DEACTIVATE": "false",
        "STOCK_DISABLE_PRODUCT": "false",
        "ATTRIBUTE_STOCK_CHECK": "false",
    }
    switches_off: ClassVar = {"STOCK_ALLOW_CHECKOUT": "false", "STOCK_ALLOW_CHECKOUT_DEACTIVATE": "true"}


class Gambio(FamilyShop):
    """Gambio GX 4.8: DECIMAL quantities, settings in a table of its own, and a date at every write of a product."""

    folder, family, version = "gambio", "gambio", "4.8.0.3"
    switches_off: ClassVar = {"STOCK_ALLOW_CHECKOUT": "false", "GM_SET_OUT_OF_STOCK_PRODUCTS": "true"}
    sku_length, collation = 64, "DEFAULT CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci"
    quantity_min, quantity_max, ordered_max = -99_999_999_999, 99_999_999_999, 99_999_999_999
    stamped = True
    switches: ClassVar = {
        "ATTRIBUTE_STOCK_CHECK": "true",
        "DOWNLOAD_STOCK_CHECK": "true",
        "GM_SET_OUT_OF_STOCK_PRODUCTS": "false",
    }

    def _make_tables(self, collation: str) -> None:
        super()._make_tables(collation)
        self._note_versions()

    def empty(self) -> None:
        super().empty()
        self._note_versions()

    def _note_versions(self) -> None:
        """As after its installation and a later update of a part, whose version is not the shop's."""
        self.sql(
            "INSERT INTO version_history (version, name, type, is_full_version) VALUES"
            " ('4.8.0.3', 'v4.8.0.3', 'master_update', 1), ('2.1.4', 'Google Services v2.1.4', 'update', 0)"
        )

    def row(self, product: int) -> Product | None:
        found = super().row(product)
        return found and replace(found, modified=None)

    def setting(self, name: str, value: str) -> None:
        self.sql(
            "INSERT INTO gx_configurations (`key`, value) VALUES (%s, %s) ON DUPLICATE KEY UPDATE value = VALUES(value)",
            (f"configuration/{name}", value),
        )

    def make_download(self, product: int) -> None:
        super().make_download(product)
        self.setting("DOWNLOAD_STOCK_CHECK", "false")

    def combination(self, product: int, quantity: int, counted: int) -> int:
        """One more combination of properties; ``counted`` says whose stock counts from now on, as the product's page does."""
        self.sql("UPDATE products SET use_properties_combis_quantity = %s WHERE products_id = %s", (counted, product))
        with self.connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO products_properties_combis (products_id, combi_model, combi_quantity) VALUES (%s, 'red', %s)",
                (product, quantity),
            )
            return int(cursor.lastrowid)


class OsCommerce4(FamilyShop):
    """osCommerce 4.14: one channel, one warehouse, one supplier; sells beyond its stock, which is then owed."""

    folder, family, version = "oscommerce4", "oscommerce4", "4.14.63493"
    sku_length, reactivates = 255, False
    switches: ClassVar = {"PURCHASE_OFF_STOCK": "true", "TEMPORARY_STOCK_ENABLE": "false"}

    def _make_tables(self, collation: str) -> None:
        super()._make_tables(collation)
        self._open()

    def empty(self) -> None:
        super().empty()
        self._open()

    def _open(self) -> None:
        self.sql(
            "INSERT INTO platforms (platform_id, platform_name, is_default, default_language) VALUES (1, 'Shop', 1, 'en')"
        )
        self.sql("INSERT INTO warehouses (warehouse_id, warehouse_name, is_default) VALUES (1, 'Main', 1)")
        self.sql("INSERT INTO suppliers (suppliers_id, suppliers_name, is_default) VALUES (1, 'Own', 1)")
        self.sql(
            "INSERT INTO orders_status (orders_status_id, orders_status_name, orders_status_allocate_allow)"
            " VALUES (1, 'Processing', 1), (3, 'Dispatched', 1), (4, 'Pending', 0), (5, 'Cancelled', 0)"
        )

    def write_configuration(self, login: Mapping[str, str]) -> None:
        """The login is in the local file. The other one, and all code, ends whoever runs it."""
        files = {
            "includes/local/configure.php": defines(login),
            "includes/configure.php": "<?php header('Location: /install/'); exit('This is not for others.');\n",
            "includes/version.php": "<?php\n"
            + "".join(
                f"define('PROJECT_VERSION_{part}', '{value}');\n"
                for part, value in zip(("MAJOR", "MINOR", "PATCH"), self.version.split("."), strict=True)
            ),
            "yii.php": "<?php exit;\n",
            "lib/common/helpers/Warehouses.php": "<?php exit;\n",
        }
        for name, text in files.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text)

    @property
    def stock(self) -> str:
        """What its own stock page would add up: what lies there, is taken, is owed, and went to buyers."""

        def total(what: str, where: str) -> str:
            return f"(SELECT CAST(IFNULL(SUM({what}), 0) AS SIGNED) FROM {where})"

        lies = total("w.warehouse_stock_quantity", "warehouses_products w WHERE w.prid = p.products_id")
        taken = total(
            "a.allocate_received - a.allocate_dispatched", "orders_products_allocate a WHERE a.prid = p.products_id"
        )
        owed = total(
            "l.products_quantity - l.qty_cnld - l.qty_rcvd",
            "orders_products l WHERE l.products_id = p.products_id AND l.orders_products_status IN (10, 12, 15)",
        )
        gone = total(
            "IF(h.products_quantity_update_prefix = '-', h.products_quantity_update, -h.products_quantity_update)",
            "stock_history h WHERE h.prid = p.products_id AND h.orders_id > 0 AND h.is_temporary = 0",
        )
        touched = (
            "(SELECT MAX(t.date_added) FROM stock_history t WHERE t.prid = p.products_id AND t.orders_id = 0"
            " AND t.is_temporary = 0 AND t.comments <> 'OnHand')"
        )
        return (
            "(SELECT products_id, products_model, products_status, lies - taken - owed AS products_quantity,"
            " taken + owed + gone AS products_ordered, touched AS products_last_modified FROM (SELECT products_id, products_model,"
            f" products_status, {lies} AS lies, {taken} AS taken, {owed} AS owed, {gone} AS gone, {touched} AS touched FROM products p) p)"
        )

    def add_product(self, model: str | None, quantity: int, name: str = "", status: int = 1, ordered: int = 0) -> int:
        """As an import leaves it: no line in the journal says where the stock is from."""
        with self.connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO products (products_model, products_status, products_quantity, warehouse_stock_quantity)"
                " VALUES (%s, %s, %s, %s)",
                (model, status, quantity, quantity),
            )
            product = int(cursor.lastrowid)
        self.sql(
            "INSERT INTO products_description (products_id, language_id, platform_id, products_name) VALUES (%s, 1, 1, %s)",
            (product, name),
        )
        self.sql("INSERT INTO platforms_products (platform_id, products_id) VALUES (1, %s)", (product,))
        self.sql(
            "INSERT INTO suppliers_products (products_id, uprid, suppliers_id) VALUES (%s, %s, 1)",
            (product, str(product)),
        )
        self.sql(
            "INSERT INTO warehouses_products (warehouse_id, suppliers_id, products_id, prid, products_quantity, warehouse_stock_quantity)"
            " VALUES (1, 1, %s, %s, %s, %s)",
            (str(product), product, quantity, quantity),
        )
        if ordered:
            self._went(product, ordered)
        return product

    def _went(self, product: int, units: int) -> None:
        """So many left for an order that is deleted since."""
        self.sql(
            "INSERT INTO stock_history (warehouse_id, suppliers_id, products_id, prid, products_quantity_update_prefix,"
            " products_quantity_update, orders_id, date_added) VALUES (1, 1, %s, %s, '-', %s, 999999, now())",
            (str(product), product, units),
        )

    def add_line(self, line: int, order: int, product: int, n: int) -> None:
        super().add_line(line, order, product, n)
        self.sql("UPDATE orders_products SET orders_products_status = 1 WHERE orders_products_id = %s", (line,))

    def set(
        self,
        product: int,
        *,
        quantity: int | None = None,
        ordered: int | None = None,
        status: int | None = None,
        model: str | None = None,
        modified: bool = True,
    ) -> None:
        """An admin's stock goes through the journal; without a trace (not ``modified``) it is the place alone that is written."""
        if ordered is not None:
            self._went(product, ordered - int(self.row(product).ordered))
        if quantity is not None and not modified:
            self.sql(
                "UPDATE warehouses_products SET warehouse_stock_quantity = warehouse_stock_quantity + %s WHERE prid = %s",
                (quantity - int(self.row(product).quantity), product),
            )
            self.act("cache", product=product)
            quantity = None
        if quantity is not None or status is not None or model is not None:
            super().set(product, quantity=quantity, status=status, model=model, modified=modified)

    def make_download(self, product: int) -> None:
        self.sql("UPDATE products SET products_file = 'manual.pdf' WHERE products_id = %s", (product,))
        self.setting("DOWNLOAD_ENABLED", "true")


FAMILIES = (
    OsCommerce22,
    OsCommerce22Rc2a,
    OsCommerce23,
    OsCommerce24,
    Phoenix,
    ZenCart,
    ZenCart15,
    Loaded,
    OsCMax,
    Modified,
    CommerceSeo,
    Gambio,
)

# All that the connector serves. Those before can be reached without it as well.
CONNECTED = (*FAMILIES, OsCommerce4)
