"""What Shopping Carts does: connecting a shop, its settings, its files, Test, and Synchronize Inventory."""

from __future__ import annotations

import io
import re
import zipfile

import pytest

from onhand.domain.people import Role
from onhand.files.shopfiles import connector, hint_files
from tests.web.conftest import NAMES, alert, flash, text

pytestmark = pytest.mark.slow  # most tests align shops and wait for them to settle


@pytest.fixture
def aligned(connected):
    """Both shops aligned, SynchQOH True."""
    connected.do("get_qoh", cart=NAMES[0], create=True)
    connected.do("send_qoh", cart=NAMES[1])
    connected.do("param_set", name="SynchQOH", value="True")
    return connected


def settings(house, cart: int) -> dict[str, str]:
    """A cart's form as it is filled in when its page is opened."""
    own = house.app.read(lambda books: books.carts.get(cart)).settings
    return {
        "name": own.name,
        "url": own.url,
        "active": "yes",
        "policy": "default",
        "buffer": str(own.buffer),
        "tick_seconds": "0.2",
        "settle_seconds": "0.5",
    }


def fault(page: str, field: str) -> str:
    """What is said by one field."""
    found = re.search(rf'<span class="fault" id="{field}-fault">(.*?)</span>\n', page, re.DOTALL)
    return text(found[1]) if found else ""


def test_a_shop_is_added_and_its_page_says_what_goes_into_the_shop(house):
    address = "https://shop.example/onhand.php"
    answer = house.browser.fill("/carts/new", "/carts/new", name="Amber", url=address)
    assert answer.url.path == "/carts/1"
    page = text(answer.text)
    assert "Amber" in flash(answer.text)
    assert address in page
    assert "Amber" in text(house.browser.shown("/carts"))


def test_a_shop_without_https_needs_the_owners_word_and_what_was_typed_is_kept(house):
    typed = {"name": "Amber", "url": "http://shop.example/onhand.php"}
    answer = house.browser.fill("/carts/new", "/carts/new", **typed)
    assert answer.status_code == 422
    assert "https" in fault(answer.text, "url")
    assert f'value="{typed["url"]}"' in answer.text
    assert house.do("cart_list")["carts"] == []
    answer = house.browser.fill("/carts/new", "/carts/new", **typed, allow_http="yes")
    assert answer.url.path == "/carts/1"


def test_a_name_is_needed_and_cannot_be_given_twice(connected):
    answer = connected.browser.fill("/carts/new", "/carts/new", name="  ", url="https://shop.example/onhand.php")
    assert fault(answer.text, "name") == "A cart needs a name."
    answer = connected.browser.fill("/carts/new", "/carts/new", name="amber", url="https://shop.example/onhand.php")
    assert "There is already a cart named 'amber'" in text(answer.text)


def test_settings_are_saved_and_bad_ones_are_marked_by_their_fields(connected):
    client, given = connected.browser, settings(connected, 1)
    answer = client.fill(
        "/carts/1", "/carts/1", **{**given, "buffer": "-1", "tick_seconds": "0.001", "batch_size": "x"}
    )
    assert answer.status_code == 422
    assert fault(answer.text, "buffer") == "Give at least 0."
    assert fault(answer.text, "batch_size") == "Give a whole number."
    assert 'value="x"' in answer.text
    answer = client.fill("/carts/1", "/carts/1", **{**given, "tick_seconds": "0.001"})
    assert fault(answer.text, "tick_seconds") == "It is at least 0.05, or 0 for the system's."
    answer = client.fill("/carts/1", "/carts/1", **{**given, "buffer": "2", "policy": "ask", "batch_size": "500"})
    assert "Amber" in flash(answer.text)
    cart = connected.do("cart_show", cart="Amber")
    assert (cart["buffer"], cart["policy"], cart["batch_size"]) == (2, "ask", 500)


def test_a_page_that_is_stale_is_refused_with_the_current_values(connected):
    client = connected.browser
    before = client.shown("/carts/1")
    hidden = dict(re.findall(r'<input type="hidden" name="(csrf|key|revision)" value="([^"]*)"', before))
    connected.do("cart_edit", cart="Amber", buffer=7)
    answer = client.post("/carts/1", data={**settings(connected, 1), **hidden, "buffer": "3"})
    assert answer.status_code == 409
    assert "Amber was changed since you opened it" in text(answer.text)
    assert "buffer now 7" in text(answer.text)
    assert re.search(r'id="buffer"[^>]*value="3"', answer.text)
    assert connected.do("cart_show", cart="Amber")["buffer"] == 7


def test_synchronize_inventory_is_absent_until_synchqoh_is_true_and_the_page_says_why(connected):
    page = connected.browser.shown("/carts/1")
    assert 'name="synchronize"' not in page
    assert 'id="why-no-box"' in page
    assert 'href="/parameters#SynchQOH"' in page
    connected.do("param_set", name="SynchQOH", value="True")
    page = connected.browser.shown("/carts/1")
    assert 'name="synchronize"' in page
    assert 'id="why-no-box"' not in page


def test_switching_on_compares_and_keeps_an_equal_shop_in_step(aligned):
    answer = aligned.browser.fill("/carts/1", "/carts/1", **settings(aligned, 1), synchronize="yes")
    assert "Amber" in flash(answer.text)
    assert aligned.do("cart_show", cart="Amber")["synchronize"]
    answer = aligned.browser.fill("/carts/1", "/carts/1", **settings(aligned, 1))
    assert "Amber" in flash(answer.text)
    assert not aligned.do("cart_show", cart="Amber")["synchronize"]


def test_switching_on_lists_what_differs_and_offers_send_get_or_a_reason(aligned):
    sku = aligned.shops["Amber"].stock()[0].sku
    aligned.do("adjust", sku=sku, change=5, reason="found behind the shelf")
    answer = aligned.browser.fill(
        "/carts/1", "/carts/1", **{**settings(aligned, 1), "policy": "ask"}, synchronize="yes"
    )
    assert answer.status_code == 422
    page = text(answer.text)
    assert "1 count differs" in alert(answer.text)
    assert f"{sku} 69 64 counts differ" in page
    assert 'href="/functions?cart=1&amp;preview=send"' in answer.text
    assert 'href="/functions?cart=1&amp;preview=get"' in answer.text
    cart = aligned.do("cart_show", cart="Amber")
    assert (cart["policy"], cart["synchronize"]) == ("ask", False)

    hidden = dict(re.findall(r'<input type="hidden" name="(csrf|key)" value="([^"]*)"', answer.text))
    answer = aligned.browser.post("/carts/1/force", data={**hidden, "force": " "})
    assert fault(answer.text, "force")
    answer = aligned.browser.post("/carts/1/force", data={**hidden, "force": "counted twice"})
    assert answer.url.path == "/carts/1"
    assert aligned.do("cart_show", cart="Amber")["synchronize"]
    entries = aligned.app.read(lambda books: books.audit.latest(5, None, verb="sync_on"))
    assert "counted twice" in entries[0]["arguments"]


def test_a_page_opened_while_there_was_no_box_switches_nothing_off(aligned):
    aligned.do("sync_on", cart="Amber")
    aligned.do("param_set", name="SynchQOH", value="False")
    page = aligned.browser.shown("/carts/1")
    aligned.do("param_set", name="SynchQOH", value="True")
    hidden = dict(re.findall(r'<input type="hidden" name="(csrf|key|revision|box)" value="([^"]*)"', page))
    answer = aligned.browser.post("/carts/1", data={**settings(aligned, 1), **hidden})
    assert "Amber" in flash(answer.text)
    assert aligned.do("cart_show", cart="Amber")["synchronize"]


def test_the_connector_is_the_one_that_ships_and_the_key_is_for_an_administrator(connected):
    answer = connected.client(Role.MANAGER).get("/carts/1/onhand.php")
    assert answer.content == connector().read_bytes()
    assert answer.headers["content-disposition"] == 'attachment; filename="onhand.php"'
    secret = connected.app.read(lambda books: books.carts.get(1)).settings.secret
    answer = connected.browser.fill("/carts/1", "/carts/1/key")
    assert answer.headers["content-disposition"] == 'attachment; filename="onhand-key.php"'
    assert secret in answer.text
    assert secret not in connected.browser.shown("/carts/1")
    assert 'action="/carts/1/key"' not in connected.client(Role.MANAGER).shown("/carts/1")
    answer = connected.browser.fill("/carts/1", "/carts/1/key", renew="yes")
    assert secret not in answer.text
    assert connected.app.read(lambda books: books.carts.get(1)).settings.secret in answer.text


def test_hints_are_offered_with_their_files_once_it_is_known_where_to(connected):
    page = connected.browser.shown("/carts/1")
    assert 'href="/parameters#HintURL"' in page
    assert "onhand-hint.zip" not in page
    connected.do("param_set", name="HintURL", value="https://onhand.example")
    assert "https://onhand.example/hint/1" in text(connected.browser.shown("/carts/1"))
    assert "hint_url" in connected.browser.fill("/carts/1", "/carts/1/key").text
    answer = connected.client(Role.MANAGER).get("/carts/1/onhand-hint.zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == hint_files()
    assert connected.client(Role.CLERK).get("/carts/1/onhand-hint.zip").status_code == 403


def test_the_test_says_who_answers_and_sends_one_unit_there_and_back(aligned):
    sku = aligned.shops["Amber"].stock()[0].sku
    answer = aligned.browser.fill("/carts/1", "/carts/1/test#test", sku=sku)
    page = answer.text.partition('id="tested"')[2].partition("</section>")[0]
    assert sku in text(page)
    steps = re.findall(r'data-step="([^"]*)"', page)
    assert steps == ["hello", "look", "post +1", "seen there", "post -1", "seen there"]
    assert aligned.shops["Amber"].find(sku).quantity == 64
    answer = aligned.browser.fill("/carts/1", "/carts/1/test#test", sku="NOWHERE")
    assert answer.status_code == 422
    assert "no product with the SKU" in fault(answer.text, "sku")


def test_a_shop_that_does_not_answer_is_named_by_its_test(house):
    house.do("cart_add", name="Amber", url="http://127.0.0.1:1/onhand.php")
    house.do("cart_key", cart="Amber")
    answer = house.browser.fill("/carts/1", "/carts/1/test#test")
    assert answer.status_code in {502, 503}
    assert "The shop's server cannot be reached" in text(answer.text)


def test_who_takes_a_key_is_in_the_audit_log_each_time(house):
    house.do("cart_add", name="Amber", url="https://shop.example/onhand.php")
    files = [house.browser.fill("/carts/1", "/carts/1/key").text for _ in range(2)]
    assert files[0] == files[1]
    entries = house.app.read(lambda books: books.audit.latest(5, None, verb="cart_key"))
    assert [entry["person"] for entry in entries] == ["Ann the administrator"] * 2
    assert not any(secret in str(entries) for secret in re.findall(r"[0-9a-f]{64}", files[0]))


def test_a_cart_is_removed_only_if_its_name_is_repeated(connected):
    answer = connected.browser.fill("/carts/1", "/carts/1/remove", confirm="Birch")
    assert answer.status_code == 422
    assert "repeat its name" in fault(answer.text, "confirm")
    answer = connected.browser.fill("/carts/1", "/carts/1/remove", confirm="amber")
    assert "Amber" in flash(answer.text)
    assert answer.url.path == "/carts"
    assert connected.browser.get("/carts/1").status_code == 404


def test_a_viewer_sees_a_cart_and_can_change_nothing(connected):
    client = connected.client(Role.VIEWER)
    page = client.shown("/carts/1")
    assert "<fieldset disabled>" in page
    assert '<button class="main">Save</button>' not in page
    csrf = re.search(r'name="csrf" value="([^"]*)"', page)[1]
    answer = client.post("/carts/1", data={**settings(connected, 1), "csrf": csrf, "buffer": "9"})
    assert answer.status_code == 403
    assert connected.do("cart_show", cart="Amber")["buffer"] == 0


@pytest.mark.parametrize("number", ["99", "0", "x", "9" * 30])
def test_a_cart_that_is_not_there_is_said_to_be_so(house, number):
    house.browser.shown(f"/carts/{number}", status=404)
