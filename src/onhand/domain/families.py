"""The facts about every cart of the osCommerce family, each written once.

Path: ``family`` decides by them; ``carts.mysql*`` asks a shop's database by them; ``files.assembling`` writes them into
``connector/onhand.php`` for the shop's own PHP. How to add a cart: ``docs/adding-a-cart.md``.
Promise: data only. A cart is one ``Family`` below; nothing anywhere else tests a family's name.
Never: decides anything.

A place is ``table.column``: the table by its usual name, without a prefix. Where the facts come from: each cart's page in
``docs/carts/``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Concern:
    """A sentence for the owner about a weakness in a shop, and the settings with which it applies."""

    says: str
    on: tuple[str, ...] = ()  # all of these are on
    off: tuple[str, ...] = ()  # the shop has all of these, and none is on
    unless: tuple[str, ...] = ()  # none of these is on


@dataclass(frozen=True, slots=True)
class OtherStock:
    """A column with the ids of products whose quantity the shop works out from others, and the message to the owner about it."""

    place: str
    says: str
    # A condition in SQL on the product p, blank for always; a setting in braces is 1 if it is on, else 0.
    when: str = ""


@dataclass(frozen=True, slots=True)
class SettingsTable:
    """A table of settings: which columns hold what, and the prefix of each name. A name with a slash has its prefix already."""

    table: str
    name: str
    value: str
    order: str  # where a setting appears twice, the shop uses the first in this order
    before: str = ""


@dataclass(frozen=True, slots=True)
class VersionTable:
    """A table that only some shops have, and the query that reads their version from it."""

    place: str
    question: str


@dataclass(frozen=True, slots=True)
class VersionFile:
    """A file below the shop's folder, and a regular expression whose groups, joined with dots, are the version. The file is read, never
    run."""

    file: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Family:
    """One cart: how its shops are recognised, where they keep what, and how they sell differently from osCommerce 2.3."""

    key: str  # as the connector names it
    name: str  # with a version behind it
    marks: tuple[str, ...]  # a shop belongs to the first family all of whose marks it has
    title: str = ""  # the name without a version, if that differs
    switches: tuple[str, ...] = ()  # settings that decide how it sells, beyond USUAL_SWITCHES
    settings: SettingsTable | None = None  # where its settings are, if not in USUAL_SETTINGS
    other_stock: tuple[OtherStock, ...] = ()
    version_table: VersionTable | None = None
    version_files: tuple[VersionFile, ...] = ()
    concerns: tuple[Concern, ...] = ()
    own_part: str = ""  # the part of the connector that counts its stock and knows its settings, if not the usual one
    own_part_place: str = ""  # a column of products that only such a shop has
    restocks_in_part: bool = False  # a deleted order gives back one line of a product that is on two lines
    cancelling_status: int | None = None  # an order with it is cancelled: the goods may come back, and the lines stay
    cancelling_setting: str = ""  # the setting that names another status for that


# How osCommerce 2.3 sells, and with it most others.

USUAL_SWITCHES = ("STOCK_CHECK", "STOCK_LIMITED", "STOCK_ALLOW_CHECKOUT", "DOWNLOAD_ENABLED")
USUAL_SETTINGS = SettingsTable("configuration", "configuration_key", "configuration_value", "configuration_id")

# Settings that make a shop subtract what it sells as a download like anything else: modified's, and Gambio's.
DOWNLOADS_SUBTRACTED = ("STOCK_LIMITED_DOWNLOADS", "DOWNLOAD_STOCK_CHECK")

# Columns that mark a product with a file as one whose goods are sent as well, so that the shop subtracts them, and when they do. Zen Cart.
SENT_AS_WELL = {"products.product_is_always_free_shipping": "p.product_is_always_free_shipping = 2"}

USUAL_CONCERNS = (
    Concern(
        "STOCK_LIMITED is off: the shop does not subtract what it sells. OnHand will do it, each time as a lost sale.",
        off=("STOCK_LIMITED",),
    ),
    Concern(
        "Downloads are enabled: products sold as downloads are not synced.",
        on=("DOWNLOAD_ENABLED",),
        unless=DOWNLOADS_SUBTRACTED,
    ),
    Concern(
        "The shop checks a stock of its own for each option. OnHand changes the product's quantity only: "
        "keep those of the options large.",
        on=("ATTRIBUTE_STOCK_CHECK",),
    ),
)

# Parts that a shop of any family may have, from a widespread add-on.
ADD_ONS = (
    OtherStock(
        "products_stock.products_id",
        "Products with a stock for each combination of options (QTPro) are not synced: OnHand counts SKUs, not options.",
    ),
    OtherStock(
        "products_options_stock.products_id",
        "Products with variants in Products' Options' Stock (POSM) are not synced: the shop works their quantity out from"
        " the variants at each sale.",
    ),
    OtherStock(
        "products_with_attributes_stock.products_id",
        "Products with variants in Stock By Attributes are not synced: the shop works their quantity out from the variants.",
    ),
)

# A file that holds the version and nothing else.
BARE_VERSION = r"^\s*v?([0-9][0-9A-Za-z. -]{0,38})\s*$"

# A descendant has the tables of its ancestor, so it comes first when a shop is recognised and when a version or settings are looked up.
FAMILIES = (
    Family(
        key="oscommerce4",
        name="osCommerce",
        title="osCommerce 4",
        marks=("products.warehouse_stock_quantity", "warehouses_products.products_id"),
        own_part="oscommerce4",
        own_part_place="products.warehouse_stock_quantity",
        switches=(
            "STOCK_LIMITED",
            "PURCHASE_OFF_STOCK",
            "TEMPORARY_STOCK_ENABLE",
            "DOWNLOAD_ENABLED",
            "LISTING_SUB_PRODUCT",
        ),
        other_stock=(
            OtherStock(
                "products.suppliers_stock_quantity",
                "The shop sells what its suppliers have beyond what is on hand: counts may go below zero.",
            ),
        ),
        version_files=(
            VersionFile(
                "includes/version.php",
                r"PROJECT_VERSION_MAJOR['\"]\s*,\s*['\"]([0-9A-Za-z.]{1,12})['\"]"
                r".*?PROJECT_VERSION_MINOR['\"]\s*,\s*['\"]([0-9A-Za-z.]{1,12})['\"]"
                r"(?:.*?PROJECT_VERSION_PATCH['\"]\s*,\s*['\"]([0-9A-Za-z.]{1,12})['\"])?",
            ),
        ),
        concerns=(
            Concern(
                "STOCK_LIMITED is off: the shop takes every order, whatever is there, and counts go below zero.",
                off=("STOCK_LIMITED",),
            ),
            Concern(
                "PURCHASE_OFF_STOCK is on: the shop sells beyond its stock. OnHand counts what is owed at once; the shop gives goods"
                " that come later to those orders only when such an order is opened there or the product is saved.",
                on=("PURCHASE_OFF_STOCK",),
            ),
            Concern(
                "TEMPORARY_STOCK_ENABLE is on: the shop shows fewer while units are in baskets. OnHand counts those as still there.",
                on=("TEMPORARY_STOCK_ENABLE",),
            ),
            Concern(
                "Downloads are enabled: products with a file are not synced.",
                on=("DOWNLOAD_ENABLED",),
            ),
            *(
                Concern(
                    f"The extension {extension} is on, and how it changes stock is not public: counts stay right, "
                    "but what it adds may be shown as a cancellation.",
                    on=(f"{extension}_EXTENSION_STATUS",),
                )
                for extension in ("PurchaseOrders", "Rma")
            ),
        ),
    ),
    Family(
        key="commerceseo",
        name="commerce:SEO",
        marks=("products.products_buyable", "products_attributes.attributes_stock"),
        switches=("STOCK_ALLOW_CHECKOUT_DEACTIVATE", "STOCK_DISABLE_PRODUCT", "ATTRIBUTE_STOCK_CHECK"),
        # As in 'commerce:seo v2next 2.5.17 CE'.
        version_table=VersionTable(
            "database_version.version",
            "SELECT SUBSTRING(version, 14) FROM {table} WHERE version LIKE 'commerce:seo %' LIMIT 1",
        ),
        concerns=(
            *USUAL_CONCERNS,
            Concern(
                "STOCK_DISABLE_PRODUCT is on: the shop marks what sold out as not for sale, and nothing takes that back. When goods"
                " arrive, allow the sale again on the product's page in the shop, or switch the setting off.",
                on=("STOCK_DISABLE_PRODUCT",),
            ),
        ),
    ),
    Family(
        key="gambio",
        name="Gambio",
        marks=("products_properties_combis.combi_quantity",),
        settings=SettingsTable("gx_configurations", "key", "value", "id", before="configuration/"),
        switches=("DOWNLOAD_STOCK_CHECK", "GM_SET_OUT_OF_STOCK_PRODUCTS", "ATTRIBUTE_STOCK_CHECK"),
        other_stock=(
            OtherStock(
                "products_properties_combis.products_id",
                "Products that are sold by the stock of their combinations of properties, or without any stock, are not kept in"
                " step: OnHand counts SKUs, not combinations. Set *stock of the product* at those to be synced.",
                # The product says whose stock counts: 0 as the settings say, 1 its own, 2 theirs, 3 none.
                when="p.use_properties_combis_quantity IN (2, 3)"
                " OR (p.use_properties_combis_quantity = 0 AND {STOCK_CHECK} AND {ATTRIBUTE_STOCK_CHECK})",
            ),
        ),
        version_table=VersionTable(
            # It lists updates of parts next to those of Gambio itself.
            "version_history.version",
            "SELECT TRIM(LEADING 'v' FROM version) FROM {table} WHERE type IN ('master_update', 'service_pack')"
            " ORDER BY history_id DESC LIMIT 1",
        ),
        version_files=(
            VersionFile("release_info.php", r"\$gx_version\s*=\s*['\"]v?([0-9][0-9.]{0,38})"),
            VersionFile("GambioCore/Application/Application.php", r"const\s+VERSION\s*=\s*['\"]v?([0-9][0-9.]{0,38})"),
        ),
        concerns=(
            *USUAL_CONCERNS,
            Concern(
                "STOCK_CHECK is off: the shop subtracts what it sells, and gives nothing back when an order is cancelled or deleted."
                " OnHand follows it: record what comes back as a return, or switch STOCK_CHECK on.",
                off=("STOCK_CHECK",),
            ),
        ),
        cancelling_status=99,
        cancelling_setting="gm_configuration/GM_ORDER_STATUS_CANCEL_ID",
    ),
    Family(
        key="zencart",
        name="Zen Cart",
        marks=("products.products_quantity_order_min", "products.master_categories_id"),
        switches=("SHOW_PRODUCTS_SOLD_OUT",),
        version_table=VersionTable(
            "project_version.project_version_major",
            "SELECT CONCAT(project_version_major, '.', project_version_minor) FROM {table}"
            " WHERE project_version_key = 'Zen-Cart Main'",
        ),
        concerns=USUAL_CONCERNS,
    ),
    Family(
        key="loaded",
        name="Loaded Commerce (CRE Loaded)",
        marks=("products.products_parent_id", "products.products_qty_blocks"),
        other_stock=(
            OtherStock(
                "products.products_parent_id",
                "Products with sub-products are not synced: the shop takes from a parent what its sub-products sell."
                " The sub-products are.",
            ),
        ),
        concerns=USUAL_CONCERNS,
    ),
    Family(
        key="oscmax",
        name="osCMax",
        marks=("products.products_msrp", "products_stock.products_stock_quantity"),
        switches=("STOCK_SET_INACTIVE",),
        concerns=USUAL_CONCERNS,
    ),
    Family(
        key="modified",
        name="modified eCommerce",
        marks=("products.products_shippingtime", "products_attributes.attributes_stock"),
        switches=("STOCK_LIMITED_DOWNLOADS", "STOCK_CHECKOUT_UPDATE_PRODUCTS_STATUS", "ATTRIBUTE_STOCK_CHECK"),
        # 3.0.4.0 is the version of xt:Commerce, which its descendants kept in the table.
        version_table=VersionTable(
            "database_version.version",
            "SELECT REPLACE(version, 'MOD_', '') FROM {table} WHERE version <> '3.0.4.0' LIMIT 1",
        ),
        concerns=USUAL_CONCERNS,
    ),
    Family(
        key="oscommerce24",
        name="osCommerce",
        title="osCommerce 2.4",
        marks=("products.products_gtin", "languages_definitions.content_group"),
        version_files=(VersionFile("includes/OSC/version.txt", BARE_VERSION),),
        concerns=(
            *USUAL_CONCERNS,
            Concern(
                "osCommerce 2.4 subtracts only downloads while downloads are enabled. OnHand subtracts all else, each time as a lost"
                " sale: set DOWNLOAD_ENABLED to false if you sell no downloads.",
                on=("DOWNLOAD_ENABLED",),
            ),
        ),
    ),
    Family(
        key="phoenix",
        name="CE Phoenix",
        marks=("products.products_gtin", "configuration.configuration_title"),
        concerns=USUAL_CONCERNS,
        restocks_in_part=True,
    ),
    Family(
        key="oscommerce",
        name="osCommerce",
        title="osCommerce 2.2 and 2.3",
        marks=(
            "configuration.configuration_title",
            "orders_total.sort_order",
            "products_to_categories.categories_id",
        ),
        version_files=(
            VersionFile("includes/version.php", BARE_VERSION),
            VersionFile(
                "includes/application_top.php",
                r"define\(\s*['\"]PROJECT_VERSION['\"]\s*,\s*['\"][^0-9'\"]{0,80}([0-9][0-9A-Za-z. -]{0,39})",
            ),
        ),
        concerns=USUAL_CONCERNS,
    ),
)

# A shop that has the required tables but is none of the above: it may do anything.
UNKNOWN = Family(
    key="unknown",
    name="A shop of a family unknown to OnHand",
    marks=(),
    concerns=(
        Concern(
            "OnHand does not recognise this shop. Its tables have what is needed, but how it sells is not known: "
            "compare both sides after a sale, a cancelled order and an edit before you rely on it."
        ),
        *USUAL_CONCERNS,
    ),
    restocks_in_part=True,
)


# All of them together. The tables of a shop decide, not its name: many are mixtures.

# Without these columns nothing is a shop.
NEEDED = tuple(
    f"products.products_{name}" for name in ("id", "quantity", "model", "status", "ordered", "last_modified")
)

# The hello contains the types of these: the law rests on them.
BEARING = (
    "products.products_model",
    "products.products_quantity",
    "products.products_ordered",
    "orders_products.products_model",
    "orders_products.products_quantity",
)

_USUALLY_SERVED = tuple(family for family in FAMILIES if not family.own_part)

OTHER_STOCK = (*(each for family in _USUALLY_SERVED for each in family.other_stock), *ADD_ONS)
SETTINGS = (
    *(family.settings for family in _USUALLY_SERVED if family.settings),
    USUAL_SETTINGS,
)  # the first one that exists counts
VERSION_TABLES = tuple(family.version_table for family in FAMILIES if family.version_table)
VERSION_FILES = tuple(each for family in FAMILIES for each in family.version_files)
SWITCHES = tuple(
    dict.fromkeys(
        (
            *USUAL_SWITCHES,
            *DOWNLOADS_SUBTRACTED,
            *(name for family in _USUALLY_SERVED for name in family.switches),
            *(family.cancelling_setting for family in _USUALLY_SERVED if family.cancelling_setting),
        )
    )
)

# The tables that hold all this, for code that looks around in a shop.
TELLING = tuple(
    dict.fromkeys(
        place.split(".")[0]
        for place in (
            *BEARING,
            *(mark for family in FAMILIES for mark in family.marks),
            *(f"{each.table}.{each.name}" for each in SETTINGS),
            *(each.place for each in OTHER_STOCK),
            *(each.place for each in VERSION_TABLES),
        )
    )
)
