"""What a shop is called, and what weakens the law there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.families import FAMILIES, UNKNOWN
from onhand.domain.family import cancelling, concerns, family_of, is_known, recognise, restocks_in_part, title
from onhand.domain.shop import Hello

PLAIN = Hello(
    protocol=1,
    connector="1.2.0",
    runtime="PHP 8.2",
    database="10.11",
    family="oscommerce",
    version="2.3.4.1",
    engine="InnoDB",
    prefix="",
    tables={},
    collation="utf8_unicode_ci",
    sku_length=12,
    quantity_type="int",
    columns={},
    stock_elsewhere=(),
    switches={"STOCK_LIMITED": "true", "STOCK_ALLOW_CHECKOUT": "true", "DOWNLOAD_ENABLED": "false"},
    products=5,
    epoch="0" * 16,
    last_seq=0,
    clock=0,
)


def about(**others):
    return " ".join(concerns(replace(PLAIN, **others)))


def test_an_ordinary_shop_gives_no_concern():
    assert concerns(PLAIN) == []


@pytest.mark.parametrize("family", [family.key for family in FAMILIES])
def test_every_family_has_a_title(family):
    assert title(family)
    assert title(family, "9.9").endswith("9.9")


def test_versions_of_the_first_two_lines_need_no_second_number():
    assert title("oscommerce", "2.2-MS2") == "osCommerce 2.2-MS2"
    assert title("oscommerce24", "2.4.2") == "osCommerce 2.4.2"
    assert title("oscommerce4", "4.14.63493") == "osCommerce 4.14.63493"
    assert title("zencart", "2.2.2") == "Zen Cart 2.2.2"


def test_a_shop_that_is_not_recognised_is_said_and_not_guessed():
    assert "does not recognise" in about(family="unknown")
    assert "unknown" in title("unknown")


def test_a_family_that_only_a_newer_connector_knows_goes_by_its_key_and_may_do_anything():
    hello = replace(PLAIN, family="newcart")
    assert title("newcart") == "newcart"
    assert "does not recognise" in about(family="newcart")
    assert restocks_in_part(hello)
    assert cancelling(hello) == frozenset()


@pytest.mark.parametrize(("family", "known"), [("gambio", True), ("unknown", False), ("later", False), ("", False)])
def test_only_a_family_with_facts_is_known(family, known):
    assert is_known(replace(PLAIN, family=family)) is known


def test_what_a_shop_does_with_an_order_follows_from_its_family():
    assert [f.key for f in FAMILIES if restocks_in_part(replace(PLAIN, family=f.key))] == ["phoenix"]
    assert {f.key: cancelling(replace(PLAIN, family=f.key)) for f in FAMILIES if f.cancelling_status} == {
        "gambio": {99}
    }
    assert restocks_in_part(None)
    assert cancelling(None) == frozenset()


def test_a_shop_that_does_not_subtract_is_told():
    assert "each time as a lost sale" in about(switches={"STOCK_LIMITED": "false"})
    assert about(switches={"STOCK_LIMITED": "TRUE"}) == about(switches={}) == ""


def test_downloads_are_told_where_they_are_not_subtracted():
    on = {"DOWNLOAD_ENABLED": "true"}
    assert "sold as downloads are not synced" in about(switches=on)
    assert about(switches={**on, "STOCK_LIMITED_DOWNLOADS": "true"}) == ""
    assert about(switches={**on, "DOWNLOAD_STOCK_CHECK": "true"}) == ""
    assert about(switches={**on, "DOWNLOAD_STOCK_CHECK": "false"}) == about(switches=on)
    assert "subtracts only downloads" not in about(switches=on)
    assert "subtracts only downloads" in about(family="oscommerce24", switches=on)
    assert about(family="oscommerce24") == ""


def test_a_gambio_that_gives_nothing_back_is_told():
    assert "gives nothing back" in about(family="gambio", switches={"STOCK_CHECK": "false"})
    assert (
        about(family="gambio", switches={"STOCK_CHECK": "true"})
        == about(family="gambio")
        == about(switches={"STOCK_CHECK": "false"})
        == ""
    )


def test_a_shop_that_ends_the_sale_of_what_sold_out_is_told():
    assert "not for sale" in about(family="commerceseo", switches={"STOCK_DISABLE_PRODUCT": "true"})
    assert about(family="commerceseo", switches={"STOCK_DISABLE_PRODUCT": "false"}) == ""


def test_option_stock_that_the_shop_checks_is_told():
    assert "for each option" in about(switches={"ATTRIBUTE_STOCK_CHECK": "true"})
    assert about(switches={"ATTRIBUTE_STOCK_CHECK": "false"}) == ""


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("products.products_parent_id", "sub-products"),
        ("products_stock.products_id", "QTPro"),
        ("products_options_stock.products_id", "POSM"),
        ("products_with_attributes_stock.products_id", "Stock By Attributes"),
        ("products_properties_combis.products_id", "combinations of properties"),
        ("products.suppliers_stock_quantity", "what its suppliers have"),
        ("other_table.products_id", "stock in other_table.products_id too"),
    ],
)
def test_stock_that_is_kept_elsewhere_is_told(place, words):
    assert words in about(stock_elsewhere=(place,))


def test_tables_that_are_weaker_or_called_otherwise_are_told():
    assert "without transactions" in about(engine="MyISAM")
    assert "unknown tables" in about(engine="")
    assert "type float: products with a fraction" in about(quantity_type="float")
    for whole in ("tinyint", "smallint", "mediumint", "int", "integer", "bigint"):
        assert about(quantity_type=whole) == ""
    assert "table products my_products" in about(tables={"products": "my_products"})


def test_what_keeps_a_shop_out_is_said_first():
    assert concerns(replace(PLAIN, family="unknown", obstacle="Do this."))[0] == "Do this."


@pytest.mark.parametrize(
    ("switches", "words"),
    [
        ({"STOCK_LIMITED": "false"}, "takes every order, whatever is there"),
        ({"PURCHASE_OFF_STOCK": "true"}, "sells beyond its stock"),
        ({"TEMPORARY_STOCK_ENABLE": "true"}, "in baskets"),
        ({"DOWNLOAD_ENABLED": "true"}, "products with a file are not synced"),
        ({"PurchaseOrders_EXTENSION_STATUS": "True"}, "PurchaseOrders is on"),
        ({"Rma_EXTENSION_STATUS": "True"}, "Rma is on"),
    ],
)
def test_oscommerce_4_counts_in_a_way_of_its_own_and_is_told_what_matters_there(switches, words):
    said = concerns(replace(PLAIN, family="oscommerce4", switches=switches))
    assert len(said) == 1
    assert words in said[0]
    assert "lost sale" not in said[0]  # it does subtract, whatever STOCK_LIMITED says


def test_an_ordinary_oscommerce_4_gives_no_concern():
    assert about(family="oscommerce4", switches={"STOCK_LIMITED": "true", "PURCHASE_OFF_STOCK": "false"}) == ""


MARKS = sorted({mark for family in FAMILIES for mark in family.marks})


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.key)
def test_a_family_is_recognised_by_its_own_places_and_not_without_one_of_them(family):
    assert family.marks
    assert recognise({*family.marks, "products.products_id"}) == family.key
    for mark in family.marks:
        assert recognise({*family.marks} - {mark}) != family.key


@given(st.sets(st.sampled_from(MARKS)))
def test_a_shop_is_the_first_family_of_which_it_has_all_places(places):
    fitting = [family.key for family in FAMILIES if places.issuperset(family.marks)]
    assert recognise(places) == (fitting[0] if fitting else "unknown")


def test_a_family_without_facts_differs_from_the_unknown_one_in_its_name_only():
    assert family_of("newcart") == replace(UNKNOWN, key="newcart", name="newcart")
    assert family_of("gambio").key == "gambio"


@pytest.mark.parametrize(
    ("own", "status"), [("7", 7), ("107", 107), ("", 99), ("x", 99), ("-7", 99), ("²", 99), ("٧", 99), (None, 99)]
)
def test_a_shop_may_cancel_with_a_status_of_its_own(own, status):
    gambio = family_of("gambio")
    switches = {} if own is None else {gambio.cancelling_setting: own}
    assert cancelling(replace(PLAIN, family="gambio", switches=switches)) == {status}
