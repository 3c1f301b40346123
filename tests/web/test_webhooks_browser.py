"""Holds the Webhooks screen to what an administrator sees in a real browser: deliveries that come in while he looks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser import DESK, PHONE
from tests.services.test_webhooks import receiving_server

pytestmark = pytest.mark.browser

PICTURES = os.environ.get("ONHAND_PICTURES")  # a directory, for people who want to look


def picture(page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)


@pytest.mark.parametrize(
    ("size", "scheme"), [(DESK, "light"), (DESK, "dark"), (PHONE, "light")], ids=["desk", "dark", "phone"]
)
def test_a_webhook_is_added_tested_and_watched(house, visit, size, scheme, request) -> None:
    name = request.node.callspec.id
    with receiving_server() as receiver:
        page = visit("/webhooks", size=size, scheme=scheme)
        picture(page, f"webhooks-empty-{name}")
        page.get_by_label("Address of the receiver").fill(receiver.url)
        page.get_by_role("button", name="Add webhook").click()
        expect(page.locator("#added")).to_contain_text("whsec_")
        picture(page, f"webhooks-added-{name}")
        page.get_by_role("link", name="Test webhook").click()
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        page.get_by_role("button", name="Test webhook").click()
        expect(page.get_by_role("status").filter(has_text="204 No Content")).to_be_visible()
        receiver.script = [500]
        house.app.start_sender()
        house.do("item_add", sku="TEA", on_hand=5)
        waiting = page.get_by_role("row").filter(has_text="Stock changed")
        expect(waiting).to_contain_text("500 Internal Server Error: said", timeout=8000)  # pushed, without a reload
        picture(page, f"webhook-{name}")
        assert page.evaluate("document.documentElement.scrollWidth") <= size["viewport"]["width"]
        waiting.get_by_role("button").click()
        expect(page.get_by_role("row").filter(has_text="Stock changed")).to_contain_text("Delivered", timeout=8000)
