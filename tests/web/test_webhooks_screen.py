"""Holds the Webhooks screen to what an administrator does: add, test, look what came of it, try again, switch off, remove."""

from __future__ import annotations

import re

import pytest

from onhand.domain.people import Role
from onhand.running.messenger import HttpMessenger
from onhand.services import webhooks
from tests.services.test_webhooks import receiving_server
from tests.web.conftest import House, alert, flash, is_empty, states, text

ALL = {"stock.changed": "yes", "difference.opened": "yes", "cart.down": "yes", "cart.up": "yes"}


@pytest.fixture
def receiver():
    with receiving_server() as server:
        yield server


def tell(house: House) -> None:
    """What the sender does."""
    for webhook in webhooks.collect(house.app.house, house.app.watch()):
        while webhooks.send_next(house.app.house, HttpMessenger(1), webhook):
            pass


def test_a_webhook_is_added_and_its_secret_is_shown_once(house: House, receiver) -> None:
    browser = house.browser
    assert is_empty(browser.shown("/webhooks"))
    answer = browser.fill("/webhooks", "/webhooks", url=receiver.url, **ALL)
    assert answer.status_code == 200
    [secret] = re.findall(r"whsec_[\w+/=]{40,}", answer.text)
    assert receiver.url in text(answer.text)
    for page in ("/webhooks", "/webhooks/1"):
        assert secret not in browser.shown(page)


def test_what_is_wrong_stands_by_its_field_and_what_was_typed_is_kept(house: House) -> None:
    answer = house.browser.fill("/webhooks", "/webhooks", url="http://stock.example/", **{"cart.down": "yes"})
    assert answer.status_code == 422
    assert "enter an https address" in text(answer.text)
    assert 'value="http://stock.example/"' in answer.text
    assert re.search(r'name="cart.down"[^>]* checked', answer.text)
    assert not re.search(r'name="stock.changed"[^>]* checked', answer.text)
    answer = house.browser.fill("/webhooks", "/webhooks", url="https://stock.example/")
    assert "Choose at least one event" in text(answer.text)
    assert house.do("webhook_list")["webhooks"] == []


def test_the_same_form_sent_twice_makes_one_webhook(house: House, receiver) -> None:
    house.browser.fill("/webhooks", "/webhooks", url=receiver.url, **ALL)
    again = house.browser.fill("/webhooks", "/webhooks", url=receiver.url, **ALL)
    assert again.status_code == 422
    assert "There is already a webhook to this address" in text(again.text)


def test_a_test_says_at_once_what_was_answered(house: House, receiver) -> None:
    house.do("webhook_add", url=receiver.url, events=["stock.changed"])
    assert "204 No Content" in flash(house.browser.fill("/webhooks/1", "/webhooks/1/test").text)
    receiver.script = [503]
    refused = house.browser.fill("/webhooks/1", "/webhooks/1/test").text
    assert "503 Service Unavailable: said" in alert(refused)
    assert "given up" in states(refused)


def test_a_delivery_that_was_not_taken_is_shown_with_its_answer_and_tried_again(house: House, receiver) -> None:
    house.do("webhook_add", url=receiver.url, events=["stock.changed"])
    house.do("item_add", sku="TEA", on_hand=5)
    receiver.script = [500]
    tell(house)
    page = text(house.browser.shown("/webhooks/1"))
    assert "500 Internal Server Error: said" in page
    assert states(house.browser.shown("/webhooks")) == ["failing"]
    answer = house.browser.fill("/webhooks/1", "/webhooks/1/retry")
    assert "Delivery 1" in flash(answer.text)
    tell(house)
    assert "delivered" in states(house.browser.shown("/webhooks/1"))
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1


def test_a_webhook_is_changed_switched_off_and_on_and_removed(house: House, receiver) -> None:
    house.do("webhook_add", url=receiver.url, events=["stock.changed"])
    browser = house.browser
    answer = browser.fill("/webhooks/1", "/webhooks/1", url=receiver.url + "2", **{"cart.up": "yes"})
    assert flash(answer.text)
    found = house.do("webhook_list")["webhooks"][0]
    assert (found["url"], found["events"]) == (receiver.url + "2", ["cart.up"])
    assert states(browser.fill("/webhooks/1", "/webhooks/1/switch").text) == ["off"]
    assert not house.do("webhook_list")["webhooks"][0]["active"]
    assert states(browser.fill("/webhooks/1", "/webhooks/1/switch").text) == ["on"]
    assert receiver.url in flash(browser.fill("/webhooks/1", "/webhooks/1/remove").text)
    browser.shown("/webhooks/1", 404)
    browser.shown("/webhooks/x", 404)


def test_a_stale_page_is_refused_with_what_is_there_now(house: House, receiver) -> None:
    house.do("webhook_add", url=receiver.url, events=["stock.changed"])
    page = house.browser.shown("/webhooks/1")
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page))
    house.do("webhook_edit", webhook=1, active=False)
    answer = house.browser.post("/webhooks/1", data={**hidden, "url": receiver.url, "revision": "0", **ALL})
    assert answer.status_code == 409
    assert "was changed since you opened it" in text(answer.text)


def test_many_deliveries_come_page_by_page(house: House, receiver) -> None:
    house.do("webhook_add", url=receiver.url, events=["stock.changed"])
    for _ in range(26):
        house.do("webhook_test", webhook=1)
    page = house.browser.shown("/webhooks/1")
    assert "/webhooks/1?before=2" in page
    assert len(page) < 100_000
    assert text(house.browser.shown("/webhooks/1?before=2")).count("webhook.test") >= 1


@pytest.mark.parametrize("role", [Role.VIEWER, Role.CLERK, Role.MANAGER])
def test_only_an_administrator_sees_webhooks(house: House, role) -> None:
    house.client(role).shown("/webhooks", 403)
    assert "/webhooks" not in house.client(role).shown("/")
