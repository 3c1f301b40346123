"""Tells the relatives of the osCommerce family apart by their tables, and knows where each keeps what.

Path: ``mysql`` asks for the family of a database; ``connector/onhand.php`` says the same in PHP, and one test holds both to the real
table definitions in ``tests/shops``.
Promise: facts only, as data; a new family is a row here, a row there, and a page in ``docs/carts/`` (see ``docs/adding-a-cart.md``).
Never: opens a connection.

A place is written ``table.column``, the table by its usual name, without prefix.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from onhand.domain.family import UNKNOWN

# The first family whose places are all there is it: descendants with more tables stand before what they descend from.
MARKS: Mapping[str, tuple[str, ...]] = {
    "oscommerce4": ("products.warehouse_stock_quantity", "warehouses_products.products_id"),
    "gambio": ("products_properties_combis.combi_quantity",),
    "zencart": ("products.products_quantity_order_min", "products.master_categories_id"),
    "loaded": ("products.products_parent_id", "products.products_qty_blocks"),
    "oscmax": ("products.products_msrp", "products_stock.products_stock_quantity"),
    "modified": ("products.products_shippingtime", "products_attributes.attributes_stock"),
    "oscommerce24": ("products.products_gtin", "languages_definitions.content_group"),
    "phoenix": ("products.products_gtin", "configuration.configuration_title"),
    "oscommerce": (
        "configuration.configuration_title",
        "orders_total.sort_order",
        "products_to_categories.categories_id",
    ),
}

# Places with the ids of products whose stock is kept elsewhere too, and when that is so: a condition on the product p, blank for always.
# A setting in braces stands for whether it is on.
STOCK_ELSEWHERE: Mapping[str, str] = {
    "products.products_parent_id": "",  # parents of sub-products
    "products_stock.products_id": "",  # combinations of QTPro
    "products_options_stock.products_id": "",  # variants of POSM
    "products_with_attributes_stock.products_id": "",  # variants of Stock By Attributes
    # Combinations of properties (Gambio). The product says whose stock counts: 0 as the settings say, 1 its own, 2 theirs, 3 nobody's.
    "products_properties_combis.products_id": "p.use_properties_combis_quantity IN (2, 3)"
    " OR (p.use_properties_combis_quantity = 0 AND {STOCK_CHECK} AND {ATTRIBUTE_STOCK_CHECK})",
}

# The types of these go into the hello: the law rests on them.
BEARING = (
    "products.products_model",
    "products.products_quantity",
    "products.products_ordered",
    "orders_products.products_model",
    "orders_products.products_quantity",
)

# The settings that decide how a shop sells.
SWITCHES = (
    "STOCK_CHECK",
    "STOCK_LIMITED",
    "STOCK_ALLOW_CHECKOUT",
    "DOWNLOAD_ENABLED",
    "SHOW_PRODUCTS_SOLD_OUT",
    "STOCK_SET_INACTIVE",
    "STOCK_LIMITED_DOWNLOADS",
    "DOWNLOAD_STOCK_CHECK",
    "STOCK_CHECKOUT_UPDATE_PRODUCTS_STATUS",
    "GM_SET_OUT_OF_STOCK_PRODUCTS",
    "ATTRIBUTE_STOCK_CHECK",
)

# Those of them that make a shop subtract what it sells as a download like anything else: modified's, and Gambio's.
DOWNLOADS_SUBTRACTED = ("STOCK_LIMITED_DOWNLOADS", "DOWNLOAD_STOCK_CHECK")


@dataclass(frozen=True, slots=True)
class Settings:
    """A table of settings: which columns hold what, and what stands before the name of each."""

    name: str
    value: str
    order: str
    before: str = ""


# Where settings stand. The first whose table is there counts.
SETTINGS: Mapping[str, Settings] = {
    "gx_configurations": Settings("key", "value", "id", "configuration/"),
    "configuration": Settings("configuration_key", "configuration_value", "configuration_id"),
}

# The table that says the version, and the expression that reads it from there.
VERSIONS: Mapping[str, str] = {
    "project_version": "SELECT CONCAT(project_version_major, '.', project_version_minor) FROM {table}"
    " WHERE project_version_key = 'Zen-Cart Main'",
    # Beside updates of Gambio itself it lists those of parts.
    "version_history": "SELECT TRIM(LEADING 'v' FROM version) FROM {table} WHERE type IN ('master_update', 'service_pack')"
    " ORDER BY history_id DESC LIMIT 1",
    # 3.0.4.0 is that of xt:Commerce, which its descendants kept.
    "database_version": "SELECT version FROM {table} WHERE version <> '3.0.4.0' LIMIT 1",
}

# The tables, by their usual names, that tell all this.
TELLING = (
    "products",
    "orders_products",
    "configuration",
    "gx_configurations",
    "products_attributes",
    "orders_total",
    "products_to_categories",
    "languages_definitions",
    "warehouses_products",
    "products_properties_combis",
    "products_stock",
    "products_options_stock",
    "products_with_attributes_stock",
    "project_version",
    "version_history",
    "database_version",
)


def recognise(places: Collection[str]) -> str:
    """The family that has these places; ``unknown`` if it is none of ours."""
    for family, marks in MARKS.items():
        if all(mark in places for mark in marks):
            return family
    return UNKNOWN
