"""The ground the browser tests stand on: pages come up, stay live, and trouble on a page fails its test."""

from __future__ import annotations

import time

import pytest
from fastapi.responses import HTMLResponse
from playwright.sync_api import expect

from tests.browser import DESK, PHONE, visitor

pytestmark = pytest.mark.browser

each_size = pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
each_scheme = pytest.mark.parametrize("scheme", ["light", "dark"])


@each_size
@each_scheme
def test_the_first_page_comes_up_live_and_fits_its_window(house, visit, size, scheme):
    page = visit(size=size, scheme=scheme)
    expect(page.get_by_role("heading", level=1)).to_have_text("No shop connected")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width == size["viewport"]["width"]
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert dark == (scheme == "dark")


def test_a_count_changes_under_two_peoples_eyes_without_a_reload(house, visit):
    house.do("item_add", sku="TEA", name="Green Tea", on_hand=3)
    people = [visit(), visit(size=PHONE)]
    for page in people:
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
    house.do("receive", lines=[("TEA", 39)])
    for page in people:
        expect(page.locator("#today")).to_contain_text("39")
    assert ">39<" in house.page()  # a test client works beside an open browser


def test_going_from_page_to_page_is_no_trouble(visit):
    page = visit()
    for name in ("Shopping Carts", "Inventory", "Home", "Post Stack", "Home"):
        page.get_by_label("Screens").get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_text("Live", exact=True)).to_be_visible()


def test_a_page_is_live_even_if_its_last_script_comes_late(house, visit):
    def late(route):
        time.sleep(0.3)
        route.continue_()

    page = visit()
    page.route("**/hx-sse.min.js", late)
    page.reload()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()


@pytest.mark.parametrize(
    ("html", "complaint"),
    [
        ("<script src='/bad/error.js'></script>", "console: it broke"),
        ("<script src='/bad/throws.js'></script>", "script: .*nothing_of_that_name"),
        ("<script>let a = 1</script>", "console: .*Content Security Policy"),
        ("<p style='color: red'>red</p>", "console: .*Content Security Policy"),
        ("<img src='/bad/missing.png'>", "console: .*status of 404"),
        ("<img src='http://shop.example/logo.png'>", "request to another host: http://shop.example/|NAME_NOT_RESOLVED"),
    ],
)
def test_trouble_on_a_page_fails_its_test(house, chromium, html, complaint):
    @house.api.get("/bad/{name}")
    def bad(name: str) -> HTMLResponse:
        scripts = {"error.js": "console.error('it broke')", "throws.js": "nothing_of_that_name()"}
        if name in scripts:
            return HTMLResponse(scripts[name], media_type="text/javascript")
        policy = {"Content-Security-Policy": "script-src 'self'; style-src 'self'"}
        icon = "<link rel='icon' href='/static/icon.svg'>"  # without it the browser asks for one that is not there
        return HTMLResponse(icon + html, headers=policy, status_code=404 if name == "missing.png" else 200)

    with house.served() as address:
        with pytest.raises(AssertionError, match=complaint), visitor(chromium) as page:
            page.goto(f"{address}/bad/page")
        with visitor(chromium, expecting=complaint) as page:
            page.goto(f"{address}/bad/page")
