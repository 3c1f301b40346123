"""Tests direct carts, as people and programs set them up: password, rights and pace."""

from __future__ import annotations

import pytest

from onhand.app import App
from onhand.domain.errors import Refused
from onhand.services import settings
from onhand.verbs import Invalid, run
from tests.builders import new_store

ADDRESS = "mysql://stock@db.example/shop"
PASSWORD = "Größe' 5e"


@pytest.fixture
def app(tmp_path):
    with App(new_store(tmp_path / "store.db"), "test") as app:
        yield app


def do(app, verb, **arguments):
    return run(app, verb, arguments, lambda *_: None)


def kept(app, name="Amber"):
    return app.read(lambda books: books.carts.named(name)).settings


def added(app, **more):
    return do(app, "cart_add", **{"name": "Amber", "url": ADDRESS, "secret": PASSWORD, **more})


def test_a_direct_carts_secret_is_a_password(app, tmp_path):
    assert added(app)["keyed"]
    assert kept(app).secret == PASSWORD
    assert PASSWORD.encode() not in (tmp_path / "store.db").read_bytes()


def test_its_password_is_neither_shown_nor_written_down(app):
    shown = [added(app, secret=""), do(app, "cart_password", cart="Amber", password=PASSWORD)]
    shown += [do(app, "cart_show", cart="Amber"), do(app, "cart_list"), do(app, "cart_grants", cart="Amber")]
    entries = app.read(lambda books: books.audit.latest(10, None))
    assert entries[0]["verb"] == "cart_password"
    assert "5e" not in str(shown).replace(str(app.address), "")
    assert not any("5e" in entry["arguments"] for entry in entries)


@pytest.mark.parametrize("address", [ADDRESS.replace("@", ":hunter2@"), "mysql://db.example/shop", f"{ADDRESS}?tls=no"])
def test_an_invalid_address_is_refused_without_repeating_its_password(app, address):
    with pytest.raises(Refused) as refused:
        added(app, url=address)
    assert "url" in refused.value.facts
    assert "hunter2" not in f"{refused.value} {refused.value.facts}"
    assert do(app, "cart_list")["carts"] == []


def test_a_key_of_a_file_in_the_shop_keeps_its_form(app):
    with pytest.raises(Refused) as refused:
        added(app, url="https://shop.example/onhand.php")
    assert refused.value.facts == {"secret": ""}
    assert PASSWORD not in f"{refused.value} {refused.value.facts}"


def test_without_a_password_the_message_says_how_to_set_one(app):
    added(app, secret="")
    with pytest.raises(Refused, match="onhand cart password 'Amber'"):
        do(app, "cart_test", cart="Amber")


def test_a_password_is_for_direct_carts_and_a_key_file_for_the_others(app):
    added(app)
    do(app, "cart_add", name="Birch", url="https://birch.example/onhand.php")
    with pytest.raises(Refused, match="no file"):
        do(app, "cart_key", cart="Amber")
    for verb, more in (("cart_password", {"password": "x"}), ("cart_grants", {})):
        with pytest.raises(Refused, match="mysql://"):
            do(app, verb, cart="Birch", **more)


@pytest.mark.parametrize(
    "address",
    [
        "mysql://stock@elsewhere.example/shop",
        "mysql://other@db.example/shop",
        "mysql://stock@db.example:3307/shop",
        f"{ADDRESS}?socket=/run/s",
        "https://shop.example/onhand.php",
    ],
)
def test_a_password_is_only_sent_to_the_server_it_was_entered_for(app, address):
    added(app)
    do(app, "cart_edit", cart="Amber", url=address)
    assert kept(app).secret == ""


def test_a_password_is_kept_for_the_same_user(app):
    added(app)
    for address in (f"{ADDRESS}?prefix=zen_", "mysql://stock@db.example:3306/shop2?rowlog=1"):
        do(app, "cart_edit", cart="Amber", url=address, buffer=1)
        assert kept(app).secret == PASSWORD


def test_a_key_is_not_used_as_a_password(app):
    do(app, "cart_add", name="Amber", url="https://shop.example/onhand.php", key_id="k", secret="5e" * 32)
    do(app, "cart_edit", cart="Amber", url="https://shop.example/shop/onhand.php")
    assert kept(app).secret == "5e" * 32
    do(app, "cart_edit", cart="Amber", url=ADDRESS)
    assert (kept(app).key_id, kept(app).secret) == ("", "")


def test_a_direct_cart_has_ten_ticks_a_second_by_default(app):
    added(app)
    do(app, "cart_add", name="Birch", url="https://birch.example/onhand.php")

    def ticks():
        return app.read(lambda books: [settings.pace_of(books, cart).tick_seconds for cart in books.carts.all()])

    assert ticks() == [0.1, 1.0]
    do(app, "param_set", name="TickSeconds", value="0.05")
    assert ticks() == [0.05, 0.05]
    do(app, "param_set", name="TickSeconds", value="20")
    do(app, "cart_edit", cart="Amber", tick_seconds=2)
    assert ticks() == [2, 20]


def test_rights_are_printed_with_the_known_prefix(app):
    added(app, url=f"{ADDRESS}?prefix=zen_")
    granted = do(app, "cart_grants", cart="Amber", host="10.0.0.%")
    assert "GRANT SELECT ON `shop`.`zen_products` TO 'stock'@'10.0.0.%';" in granted["needed"]
    assert set(granted["needed"] + granted["if_there"]) <= set(granted["text"].splitlines())
    with pytest.raises(Invalid):
        do(app, "cart_grants", cart="Amber", host="%'; DROP")


def test_rights_without_a_known_prefix_have_a_note_and_take_a_prefix(app):
    added(app)
    granted = do(app, "cart_grants", cart="Amber")
    assert granted["prefix"] is None
    assert "?prefix=" in "".join(line for line in granted["text"].splitlines() if line.startswith("--"))
    granted = do(app, "cart_grants", cart="Amber", prefix="zen_")
    assert granted["prefix"] == "zen_"
    assert "GRANT SELECT ON `shop`.`zen_products` TO 'stock'@'%';" in granted["needed"]
    assert "?prefix=" not in granted["text"]
    for prefix in ("", "osc_"):
        assert do(app, "cart_grants", cart="Amber", prefix=prefix)["prefix"] == prefix
    with pytest.raises(Invalid):
        do(app, "cart_grants", cart="Amber", prefix="zen_`; DROP")


def test_commands_take_the_password_from_standard_input_only(onhand):
    assert "onhand cart grants" in onhand.text("cart", "add", "Amber", "--url", ADDRESS, typed=f"{PASSWORD}\n")
    assert onhand.json("cart", "show", "Amber")["keyed"]
    assert onhand.text("cart", "grants", "Amber", "--host", "10.0.0.7").startswith("-- These rights")
    assert onhand.text("cart", "grants", "Amber", "--prefix", "zen_").startswith("-- Run this")
    assert "another one" not in onhand.text("cart", "password", "Amber", typed="another one\n")
    onhand("cart", "password", "Amber", "hunter2", code=2)
    onhand("cart", "password", "Amber", typed="\n", code=2)
