"""What Shopping Cart Functions does: a preview before anything, a task that outlives its page, and a result per SKU."""

from __future__ import annotations

import io
import re
import time

import openpyxl
import pytest

from onhand.domain.people import Role
from onhand.verbs import VERBS
from onhand.words import RESULT_LABELS
from tests.web.conftest import NAMES, eventually, flash, states, text

pytestmark = pytest.mark.slow  # most tests align shops


@pytest.fixture
def stocked(connected):
    """Amber was taken over; Birch shows one unit more of ten products, and has a few that cannot be kept in step."""
    connected.do("get_qoh", cart=NAMES[0], create=True)
    with connected.shops[NAMES[1]].connection() as db:
        db.execute("UPDATE products SET products_quantity = products_quantity + 1 WHERE products_id <= 10")
        db.execute("UPDATE products SET products_model = 'TWICE' WHERE products_id IN (29, 30)")
        db.execute("UPDATE products SET products_model = 'ELSEWHERE' WHERE products_id = 28")
    return connected


def begin(house, cart: int, direction: str, **given):
    """Press the button of a preview; returns the task's page."""
    asked = "&".join(f"{name}={value}" for name, value in given.items())
    return house.browser.fill(f"/functions?cart={cart}&preview={direction}&{asked}", "/functions/begin")


def start(house, verb: str, cart: str) -> None:
    VERBS["task_start"](house.app, lambda *_: None, verb=verb, arguments={"cart": cart})


def results(html: str) -> dict[str, int]:
    """How many SKUs had each result, as a preview or a task shows it."""
    found = re.findall(r'<li data-result="([^"]*)">(.*?)</li>', html, re.DOTALL)
    return {word: int(text(row).split()[0].replace(",", "")) for word, row in found}


def ended(house, address: str) -> str:
    """The page of a task once it has ended."""
    eventually(lambda: "Ended" in text(house.browser.shown(address)))
    return house.browser.shown(address)


def test_without_a_cart_the_page_leads_to_connecting_one(house):
    assert 'href="/carts/new"' in house.browser.shown("/functions")


def test_with_several_carts_one_is_chosen_first(connected):
    page = connected.browser.shown("/functions")
    assert "Choose a cart first." in text(page)
    assert '<option value="2">Birch &amp; Sons</option>' in page
    page = text(connected.browser.shown("/functions?cart=2"))
    for label in (
        "Send QOH to Website",
        "Get QOH from Website",
        "Create Records for New Products",
        "Maximum number of items per send",
    ):
        assert label in page


def test_a_preview_counts_what_would_happen_and_changes_nothing(stocked):
    before = stocked.app.database.version
    html = stocked.browser.shown("/functions?cart=2&preview=send")
    assert results(html) == {"changed": 10, "equal": 17, "not found": 3, "unmatched": 1, "duplicate": 2}
    page = text(html)
    sku = stocked.shops[NAMES[1]].stock()[0].sku
    assert f"{sku} Assam Breakfast, 100 g 64 65 −1 {RESULT_LABELS['changed']}" in page
    assert "Send 10 changes" in page
    assert stocked.app.database.version == before
    assert stocked.shops[NAMES[1]].find(sku).quantity == 65


def test_a_preview_of_many_products_holds_the_first_rows_those_that_change_before_all_others(stocked):
    with stocked.shops[NAMES[1]].connection() as db:
        for n in range(300):
            db.execute(
                "INSERT INTO products (products_quantity, products_model, products_price, products_date_added,"
                " products_status, products_ordered) VALUES (1, ?, 1, datetime('now'), 1, 0)",
                (f"MORE-{n}",),
            )
    page = stocked.browser.shown("/functions?cart=2&preview=send")
    assert "The first 50 of 333" in text(page)
    assert page.count('scope="row"') == 50
    shown = re.findall(r"</td><td>([A-Za-z ]+)</td></tr>", page)
    assert shown[:11] == [RESULT_LABELS["changed"]] * 10 + [RESULT_LABELS["unmatched"]]


def test_send_goes_on_as_a_task_and_says_what_came_of_each_sku(stocked):
    answer = begin(stocked, 2, "send", batch_size="4")
    assert answer.url.path == "/tasks/1"
    page = ended(stocked, "/tasks/1")
    assert "Send QOH to Website: Birch & Sons" in text(page)
    assert results(page)["changed"] == 10
    assert [ware.quantity for ware in stocked.shops[NAMES[1]].stock()[:3]] == [64, 38, 27]
    only = text(stocked.browser.shown("/tasks/1?result=duplicate"))
    assert only.count(" TWICE ") == 2
    assert "TEA-ASSAM" not in only
    assert "Send QOH to Website" in text(stocked.browser.shown("/functions?cart=2"))
    assert "10 changed" in text(stocked.browser.shown("/tasks"))


def test_get_creates_items_for_new_products_only_if_that_is_checked(stocked):
    begin(stocked, 2, "get")
    ended(stocked, "/tasks/1")
    assert "ELSEWHERE" not in stocked.do("item_export")["file"]
    assert all(item["sku"] != "ELSEWHERE" for item in stocked.do("item_list")["items"])
    begin(stocked, 2, "get", create="yes")
    page = ended(stocked, "/tasks/2")
    assert results(page)["created"] == 1
    made = next(item for item in stocked.do("item_list")["items"] if item["sku"] == "ELSEWHERE")
    assert made["name"] == stocked.shops[NAMES[1]].find("ELSEWHERE").name


def test_the_result_can_be_downloaded_whole_as_csv_and_xlsx(stocked):
    begin(stocked, 2, "send")
    ended(stocked, "/tasks/1")
    answer = stocked.browser.get("/tasks/1/result.csv")
    lines = answer.text.lstrip("\ufeff").splitlines()
    assert lines[0] == "product,sku,name,on_hand,shop,change,result,reason"
    assert lines[1] == '1,TEA-ASSAM,"Assam Breakfast, 100 g",64,65,-1,changed,'
    assert len(lines) == 1 + 33
    assert answer.headers["content-disposition"] == 'attachment; filename="onhand-task-1.csv"'
    book = openpyxl.load_workbook(io.BytesIO(stocked.browser.get("/tasks/1/result.xlsx").content), read_only=True)
    rows = list(book.active.iter_rows(values_only=True))
    assert len(rows) == 34
    assert rows[1][:7] == (1, "TEA-ASSAM", "Assam Breakfast, 100 g", 64, 65, -1, "changed")
    assert stocked.browser.get("/tasks/1/result.pdf").status_code == 404


def test_the_result_is_read_page_by_page(stocked):
    begin(stocked, 2, "send")
    ended(stocked, "/tasks/1")
    lines, after = [], 0
    while page := stocked.do("task_show", task=1, after=after, limit=10)["lines"]:
        lines += page
        after = page[-1]["line"]
    assert [line["line"] for line in lines] == list(range(1, 34))


def test_a_running_task_shows_a_bar_that_survives_a_reload_and_refreshes_without_scripts(stocked):
    cart = stocked.app.read(lambda books: books.carts.get(2))
    with stocked.app.at_cart(cart):
        start(stocked, "send_qoh", NAMES[1])
        for _ in range(2):
            page = stocked.browser.shown("/tasks/1")
            assert "<progress" in page
            assert '<noscript><meta http-equiv="refresh"' in page
            assert "running" in states(page)
        functions = stocked.browser.shown("/functions?cart=2&preview=send")
        assert 'href="/tasks/1"' in functions
        assert 'id="preview"' not in functions
        test = stocked.browser.fill("/carts/2", "/carts/2/test#test")
        assert test.status_code == 409
    page = ended(stocked, "/tasks/1")
    assert "<progress" not in page
    assert "http-equiv" not in page


def test_cancel_before_anything_happened_says_so_and_leads_back(stocked):
    cart = stocked.app.read(lambda books: books.carts.get(2))
    with stocked.app.at_cart(cart):
        start(stocked, "send_qoh", NAMES[1])
        answer = stocked.browser.fill("/tasks/1", "/tasks/1/cancel")
        assert "Task 1" in flash(answer.text)
        assert "Stopping" in text(answer.text)
    page = ended(stocked, "/tasks/1")
    assert "cancelled" in states(page)
    assert 'href="/functions?cart=2"' in page
    assert stocked.shops[NAMES[1]].stock()[0].quantity == 65


def test_the_same_form_sent_twice_begins_one_task(stocked):
    page = stocked.browser.shown("/functions?cart=2&preview=send")
    form = page.partition('<form method="post" action="/functions/begin">')[2]
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form))
    assert {stocked.browser.post("/functions/begin", data=hidden).url.path for _ in range(2)} == {"/tasks/1"}
    ended(stocked, "/tasks/1")
    assert len(stocked.do("task_list")["tasks"]) == 1


def test_a_wrong_number_of_items_per_send_is_marked_and_kept(stocked):
    page = stocked.browser.shown("/functions?cart=2&preview=send&batch_size=5000")
    assert "Give at most 2,000." in text(page)
    assert 'value="5000"' in page
    assert 'id="preview"' not in page


def test_a_shop_that_does_not_answer_makes_a_failed_task_that_says_what_to_do(house):
    house.do("cart_add", name="Amber", url="http://127.0.0.1:1/onhand.php")
    house.do("cart_key", cart="Amber")
    page = house.browser.shown("/functions?cart=1&preview=get")
    assert "The shop's server cannot be reached: check the address" in text(page)
    start(house, "get_qoh", "Amber")
    page = ended(house, "/tasks/1")
    assert "failed" in states(page)
    assert "The shop's server cannot be reached" in text(page)


def test_a_viewer_sees_results_and_can_begin_and_cancel_nothing(stocked):
    begin(stocked, 2, "send")
    ended(stocked, "/tasks/1")
    client = stocked.client(Role.VIEWER)
    assert 'name="preview"' not in client.shown("/functions?cart=2")
    assert results(client.shown("/tasks/1"))["changed"] == 10
    assert client.get("/tasks/1/result.csv").status_code == 200
    page = client.shown("/functions?cart=2&preview=send")
    csrf = re.search(r'name="csrf" value="([^"]*)"', page)[1]
    for path in ("/functions/begin", "/tasks/1/cancel"):
        assert client.post(path, data={"csrf": csrf, "cart": "2", "preview": "send"}).status_code == 403
    assert "This needs the right to manage: ask a manager." in text(page)


def test_send_is_safe_while_real_time_is_on(connected):
    connected.begin()
    shop = connected.shops["Amber"]
    sku = shop.stock()[0].sku
    shop.buy(sku, 2)
    begin(connected, 1, "send")
    ended(connected, "/tasks/1")
    shop.buy(sku, 1)
    eventually(lambda: [one.find(sku).quantity for one in connected.shops.values()] == [61, 61])
    time.sleep(1)
    assert [one.find(sku).quantity for one in connected.shops.values()] == [61, 61]
    assert connected.do("prove")["holds"]
