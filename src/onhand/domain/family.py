"""Says which relative of the osCommerce family a shop is, and what weakens the law there.

Path: connectors name the family in their hello; ``probing.greet`` and the Shopping Carts screen show what ``concerns`` says.
Promise: what is not recognised is said, never guessed; every concern says what OnHand does about it or what the owner can do.
Never: knows how a shop is reached, or which tables it has; that is the connectors' (``carts.family`` and ``connector/onhand.php``).

Where the facts come from: each family's page in ``docs/carts/``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .shop import Hello

UNKNOWN = "unknown"

FAMILIES: Mapping[str, str] = {
    "oscommerce": "osCommerce 2.2 and 2.3",
    "oscommerce24": "osCommerce 2.4",
    "phoenix": "CE Phoenix",
    "zencart": "Zen Cart",
    "loaded": "Loaded Commerce (CRE Loaded)",
    "oscmax": "osCMax",
    "modified": "modified eCommerce",
    "gambio": "Gambio",
    "oscommerce4": "osCommerce 4",
}

# Where a shop keeps stock besides products_quantity, and what OnHand makes of it.
_ELSEWHERE: Mapping[str, str] = {
    "products.products_parent_id": "Products with sub-products are not synced: the shop takes from a parent what its"
    " sub-products sell. The sub-products are.",
    "products_stock.products_id": "Products with a stock for each combination of options (QTPro) are not synced: OnHand"
    " counts SKUs, not options.",
    "products_options_stock.products_id": "Products with variants in Products' Options' Stock (POSM) are not synced: the"
    " shop works their quantity out from the variants at each sale.",
    "products_with_attributes_stock.products_id": "Products with variants in Stock By Attributes are not synced: the shop"
    " works their quantity out from the variants.",
    "products_properties_combis.products_id": "Products that are sold by the stock of their combinations of properties, or without any"
    " stock, are not synced: OnHand counts SKUs, not combinations. Set *stock of the product* at those to be synced.",
    "products.suppliers_stock_quantity": "The shop sells what its suppliers have beyond what is on hand: counts may go below zero.",
}

# Shops that give back only one line of a product that stands on two lines of a deleted order.
_RESTOCKS_IN_PART = frozenset({"phoenix", UNKNOWN})

# The status with which a shop cancels an order: it may give the goods back, and the lines stay. Gambio's own setting, if it says one, wins.
_CANCELLING: Mapping[str, int] = {"gambio": 99}
_CANCEL_SETTING = "GM_ORDER_STATUS_CANCEL_ID"

_WHOLE_TYPES = ("tinyint", "smallint", "mediumint", "int", "integer", "bigint")


def title(family: str, version: str = "") -> str:
    """What people call it, with its version where the shop says one."""
    name = FAMILIES.get(family, "A shop of a family unknown to OnHand" if family == UNKNOWN else family)
    if not version:
        return name
    return f"osCommerce {version}" if family.startswith("oscommerce") else f"{name} {version}"


def restocks_in_part(hello: Hello | None) -> bool:
    """Whether a deleted order may come back only in part; a shop that has not said what it is may do anything."""
    return hello is None or hello.family in _RESTOCKS_IN_PART


def cancelling(hello: Hello | None) -> frozenset[int]:
    """Return the statuses with which this shop cancels an order, gives the goods back if its admin wants that, and keeps the lines."""
    if hello is None or hello.family not in _CANCELLING:
        return frozenset()
    own = hello.switches.get(_CANCEL_SETTING, "")
    return frozenset({int(own) if own.isascii() and own.isdigit() else _CANCELLING[hello.family]})


def concerns(hello: Hello) -> list[str]:
    """What weakens the law in this shop, and what to mind, in sentences; none for a shop that has nothing of it."""
    return [
        *_family(hello),
        *(_oscommerce4(hello) if hello.family == "oscommerce4" else _settings(hello)),
        *_tables(hello),
    ]


def _family(hello: Hello) -> Iterator[str]:
    if hello.obstacle:
        yield hello.obstacle
    if hello.family not in FAMILIES:
        yield (
            "OnHand does not recognise this shop. Its tables have what is needed, but how it sells is not known: "
            "compare both sides after a sale, a cancelled order and an edit before you rely on it."
        )


def _on(hello: Hello) -> set[str]:
    return {name for name, value in hello.switches.items() if value.casefold() == "true"}


def _settings(hello: Hello) -> Iterator[str]:
    on = _on(hello)
    if "STOCK_LIMITED" in hello.switches and "STOCK_LIMITED" not in on:
        yield "STOCK_LIMITED is off: the shop does not subtract what it sells. OnHand will do it, each time as a lost sale."
    if "DOWNLOAD_ENABLED" in on and not on & {"STOCK_LIMITED_DOWNLOADS", "DOWNLOAD_STOCK_CHECK"}:
        yield "Downloads are enabled: products sold as downloads are not synced."
    if "DOWNLOAD_ENABLED" in on and hello.family == "oscommerce24":
        yield (
            "osCommerce 2.4 subtracts only downloads while downloads are enabled. OnHand subtracts all else, each time as a lost sale: "
            "set DOWNLOAD_ENABLED to false if you sell no downloads."
        )
    if hello.family == "gambio" and "STOCK_CHECK" in hello.switches and "STOCK_CHECK" not in on:
        yield (
            "STOCK_CHECK is off: the shop subtracts what it sells, and gives nothing back when an order is cancelled or deleted. OnHand"
            " follows it: record what comes back as a return, or switch STOCK_CHECK on."
        )
    if "ATTRIBUTE_STOCK_CHECK" in on:
        yield (
            "The shop checks a stock of its own for each option. OnHand changes the product's quantity only: "
            "keep those of the options large."
        )


def _oscommerce4(hello: Hello) -> Iterator[str]:
    on = _on(hello)
    if "STOCK_LIMITED" in hello.switches and "STOCK_LIMITED" not in on:
        yield "STOCK_LIMITED is off: the shop takes every order, whatever is there, and counts go below zero."
    if "PURCHASE_OFF_STOCK" in on:
        yield (
            "PURCHASE_OFF_STOCK is on: the shop sells beyond its stock. OnHand counts what is owed at once; the shop gives goods that"
            " come later to those orders only when such an order is opened there or the product is saved."
        )
    if "TEMPORARY_STOCK_ENABLE" in on:
        yield "TEMPORARY_STOCK_ENABLE is on: the shop shows fewer while units are in baskets. OnHand counts those as still there."
    if "DOWNLOAD_ENABLED" in on:
        yield "Downloads are enabled: products with a file are not synced."
    for extension in ("PurchaseOrders", "Rma"):
        if f"{extension}_EXTENSION_STATUS" in on:
            yield (
                f"The extension {extension} is on, and how it changes stock is not public: counts stay right, "
                "but what it adds may be shown as a cancellation."
            )


def _tables(hello: Hello) -> Iterator[str]:
    for place in hello.stock_elsewhere:
        yield _ELSEWHERE.get(place, f"The shop keeps stock in {place} too: such products are not synced.")
    if hello.engine.casefold() != "innodb":
        yield f"Products are in {hello.engine or 'unknown'} tables, without transactions: after a crash, OnHand works out what was saved."
    if hello.quantity_type not in _WHOLE_TYPES:
        yield f"Quantities are of type {hello.quantity_type}: products with a fraction are not synced."
    for usual, name in sorted(hello.tables.items()):
        yield f"The shop calls its table {usual} {name}, and OnHand uses that name."
