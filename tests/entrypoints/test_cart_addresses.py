"""Tests that a shop's address is completed or refused by one rule for commands, screens and programs."""

from __future__ import annotations

import pytest

from onhand.app import App
from onhand.domain.errors import Refused
from onhand.verbs import VERBS
from tests.builders import new_store


@pytest.fixture
def app(tmp_path):
    with App(new_store(tmp_path / "store.db"), "test") as app:
        yield app


def do(app, verb, **given):
    return VERBS[verb](app, lambda *_: None, **given)


def test_a_shops_plain_address_is_completed(app):
    assert do(app, "cart_add", name="Amber", url="https://shop.example")["url"] == "https://shop.example/onhand.php"
    assert do(app, "cart_edit", cart="Amber", url="https://new.example/shop/")["url"] == (
        "https://new.example/shop/onhand.php"
    )
    assert do(app, "cart_edit", cart="Amber", buffer=1)["url"] == "https://new.example/shop/onhand.php"
    assert app.read(lambda books: books.carts.named("Amber")).settings.url == "https://new.example/shop/onhand.php"


def test_the_address_of_another_page_is_refused_with_the_right_one(app):
    do(app, "cart_add", name="Amber", url="https://shop.example/onhand.php")
    for verb, given in (("cart_add", {"name": "Birch"}), ("cart_edit", {"cart": "Amber"})):
        with pytest.raises(Refused) as refusal:
            do(app, verb, url="https://shop.example/shop/index.php", **given)
        assert refusal.value.facts["proposed"] == "https://shop.example/shop/onhand.php"
    assert [cart["url"] for cart in do(app, "cart_list")["carts"]] == ["https://shop.example/onhand.php"]


def test_a_direct_cart_keeps_its_address(app):
    url = "mysql://stock@127.0.0.1:3306/shop"
    assert do(app, "cart_add", name="Amber", url=url, secret="x")["url"] == url
