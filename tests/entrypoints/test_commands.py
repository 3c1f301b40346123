"""Holds the commands to what they say: the answer for people, the answer for programs, the exit code.

Path: pytest; Typer's runner drives the real commands on a real store and a real sample shop.
Promise: every verb of the command line is called here at least once.
Never: looks into the store but with another command.
"""

from __future__ import annotations

import json
import sqlite3
import stat

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from onhand.cli.program import app
from onhand.files import sheets
from onhand.files.shopfiles import connector, hint_files, lean_connector
from tests.entrypoints.conftest import environment

# Items


def test_an_item_is_added_listed_and_shown(onhand):
    assert onhand.json("item", "add", "TEA", "--name", "Green Tea", "--on-hand", 5) == {
        "sku": "TEA",
        "name": "Green Tea",
        "on_hand": 5,
    }
    assert "TEA   Green Tea         5" in onhand.text("item", "list")
    assert [row["sku"] for row in onhand.json("item", "list", "green")["items"]] == ["TEA"]
    assert onhand.json("item", "list", "nothing like it")["items"] == []
    shown = onhand.text("item", "show", "tea")
    assert "5 on hand" in shown
    assert "opening" in shown
    assert "Ann" in shown


def test_a_cut_list_says_how_to_go_on(onhand):
    onhand("item", "add", "A")
    onhand("item", "add", "B")
    assert "--after A," in onhand.text("item", "list", "--limit", 1)
    assert [row["sku"] for row in onhand.json("item", "list", "--after", "A")["items"]] == ["B"]


def test_an_unknown_sku_is_refused_in_words_and_for_programs(onhand):
    assert "No item has the SKU 'NO'" in onhand.text("item", "show", "NO", code=1)
    said = onhand.json("item", "show", "NO", code=1)["error"]
    assert said["code"] == "refused"
    assert said["facts"] == {"unknown": ["NO"]}


def test_items_go_out_as_they_came_in(onhand, tmp_path):
    file = tmp_path / "items.csv"
    file.write_text("sku;name;qoh\nTEA;Grüner Tee;5\nMUG;;3\n")
    assert onhand.json("item", "import", file, "--dry-run")["added"] == 2
    assert onhand.json("item", "list")["items"] == []
    assert "2 lines: 2 added" in onhand.text("item", "import", file)
    out = tmp_path / "out.csv"
    onhand("item", "export", "--out", out)
    assert out.read_text(encoding="utf-8-sig") == onhand.text("item", "export")
    assert onhand.text("item", "export").splitlines()[1:] == [
        "MUG,,3,,,,,,no,no,3,2",
        "TEA,Grüner Tee,5,,,,,,no,no,5,2",
    ]
    onhand("item", "export", "--out", tmp_path / "out.xlsx")
    for written in ("out.csv", "out.xlsx"):
        again = onhand.json("item", "import", tmp_path / written)
        assert (again["added"], again["unchanged"]) == (0, 2)


def test_what_is_odd_about_a_file_is_said(onhand, tmp_path):
    file = tmp_path / "items.csv"
    file.write_bytes("sku;name\nTEA;Grüner Tee\n".encode("cp1252"))
    assert "was read as Windows-1252" in onhand.text("item", "import", file)
    assert "Grüner Tee" in onhand.text("item", "list")


def test_a_bad_file_names_its_lines_and_books_nothing(onhand, tmp_path):
    file = tmp_path / "items.csv"
    file.write_text("sku,on_hand\nTEA,5\nMUG,many\nTEA,1\n")
    said = onhand.text("item", "import", file, code=1)
    assert "Line 3: on_hand 'many' is not a whole number" in said
    assert "the SKU 'TEA' stands in line 2 already" in said
    assert [fault["line"] for fault in onhand.json("item", "import", file, code=1)["error"]["facts"]["faults"]] == [
        3,
        4,
    ]
    assert onhand.json("item", "list")["items"] == []


def test_a_file_that_is_not_there_is_refused(onhand, tmp_path):
    assert "cannot be read" in onhand.text("item", "import", tmp_path / "none.csv", code=1)


def test_a_file_may_come_from_standard_input(onhand):
    done = onhand.program("item", "import", "-", "--json", input="sku,on_hand\nTEA,5\n")
    assert json.loads(done.stdout)["added"] == 1


def test_text_of_a_shop_cannot_move_the_cursor(onhand):
    onhand("item", "add", "TEA", "--name", "red \x1b[31m [bold]tea")
    said = onhand.text("item", "list")
    assert "\x1b" not in said
    assert "[bold]tea" in said


# Parameters and carts


def test_parameters_are_listed_read_and_set(onhand):
    assert "SynchQOH" in onhand.text("param", "list")
    assert onhand.json("param", "set", "synchqoh", "yes")["value"] is True
    assert onhand.text("param", "get", "SynchQOH").startswith("SynchQOH is True.")
    assert "it is True or False" in onhand.text("param", "set", "SynchQOH", "perhaps", code=1)


def test_a_cart_is_added_shown_edited_and_removed(onhand):
    url = "https://shop.example/onhand.php"
    added = onhand.json("cart", "add", "My shop", "--url", url)
    assert added["state"] == "not aligned"
    assert "secret" not in json.dumps(added)
    assert url in onhand.text("cart", "list")
    assert onhand.json("cart", "edit", "my shop", "--policy", "ask", "--buffer", 2)["policy"] == "ask"
    assert "Units withheld" in onhand.text("cart", "show", "My shop")
    assert "state" in onhand.json("cart", "show", "My shop")
    assert onhand.json("cart", "names") == {"carts": [{"id": 1, "name": "My shop"}]}
    assert "My shop" in onhand.text("cart", "names")
    assert "repeat its name" in onhand.text("cart", "remove", "My shop", code=1, typed="other\n")
    assert onhand.json("cart", "remove", "My shop", code=1)["error"]["code"] == "refused"
    assert "is removed" in onhand.text("cart", "remove", "My shop", typed="my shop\n")
    onhand("cart", "add", "Again", "--url", url)
    assert onhand.json("cart", "remove", "Again", "--yes") == {"removed": "Again"}
    assert onhand.json("cart", "list") == {"carts": []}


def test_plain_http_is_refused_unless_allowed(onhand):
    onhand("cart", "add", "Far", "--url", "http://shop.example/onhand.php", code=1)
    onhand("cart", "add", "Far", "--url", "http://shop.example/onhand.php", "--allow-http")


def test_the_key_is_shown_and_written_ready_to_upload(onhand, tmp_path):
    onhand("cart", "add", "Amber", "--url", "https://shop.example/onhand.php")
    said = onhand.text("cart", "key", "Amber")
    made = onhand.json("cart", "key", "Amber")
    assert made["text"] in said
    assert "connector/onhand.php" in said
    out = tmp_path / "upload"
    assert str(out) in onhand.text("cart", "key", "Amber", "--out", out)
    assert (out / "onhand-key.php").read_text() == made["text"]
    assert stat.S_IMODE((out / "onhand-key.php").stat().st_mode) == 0o600
    assert (out / "onhand.php").read_bytes() == connector().read_bytes()
    renewed = onhand.json("cart", "key", "Amber", "--renew", "--out", out)
    assert renewed["key_id"] != made["key_id"]
    assert (out / "onhand-key.php").read_text() == renewed["text"]
    assert {path.name for path in out.iterdir()} == {"onhand.php", "onhand-key.php"}
    onhand("cart", "key", "Amber", "--lean", "--out", out)
    assert (out / "onhand.php").read_bytes() == lean_connector() != connector().read_bytes()
    onhand("cart", "key", "Amber", "--lean", code=2)


def test_with_an_address_for_hints_their_files_are_written_too(onhand, tmp_path):
    onhand("cart", "add", "Amber", "--url", "https://shop.example/onhand.php")
    onhand("param", "set", "HintURL", "https://onhand.example")
    said = onhand.text("cart", "key", "Amber", "--out", tmp_path / "upload")
    assert "https://onhand.example/hint/1" in said
    assert str(tmp_path / "upload" / "hooks" / "README.md") in said.replace("\n", "")
    for path, content in hint_files().items():
        assert (tmp_path / "upload" / path).read_bytes() == content
    assert "hooks/README.md" in hint_files()
    assert "connector/hooks/README.md" in onhand.text("cart", "key", "Amber").replace("\n", "")


def test_a_cart_is_tested_and_its_products_listed(onhand, amber):
    assert "3 products" in onhand.text("cart", "test", "Amber")
    assert [step["what"] for step in onhand.json("cart", "test", "Amber")["steps"]] == ["hello", "look"]
    assert "unmatched" in onhand.text("cart", "products", "Amber")
    onhand("get-qoh", "Amber", "--create")
    steps = [step["what"] for step in onhand.json("cart", "test", "Amber", "--sku", "tea")["steps"]]
    assert steps[2:] == ["post +1", "seen there", "post -1", "seen there"]
    assert {p["sku"] for p in onhand.json("cart", "products", "Amber")["products"]} == {"TEA", "MUG", "POT"}
    assert onhand.json("cart", "products", "Amber", "--problem", "any")["products"] == []


def test_what_a_cart_followed_and_where_it_differed_is_shown(onhand, aligned):
    [found] = onhand.json("cart", "evidence")["carts"]
    assert (found["name"], found["followed"], found["differed"]) == ("Amber", None, None)
    assert "nothing yet" in onhand.text("cart", "evidence", "amber")
    assert "There is no cart" in onhand.text("cart", "evidence", "Nobody", code=1)


def test_a_shop_that_is_down_is_passing_trouble(onhand, amber):
    amber.storefront.stop()
    assert onhand.json("cart", "test", "Amber", code=4)["error"]["code"] == "retriable"


def test_a_wrong_key_is_for_a_person_to_mend(onhand, amber):
    onhand("cart", "key", "Amber", "--renew")
    assert onhand.json("cart", "test", "Amber", code=5)["error"]["code"] == "permanent"


# Align and switch


def test_get_qoh_shows_what_would_change_and_what_stands_in_the_way(onhand, amber):
    amber.shop.add_product("DUP", "One", 1)
    amber.shop.add_product("dup", "Two", 1)
    amber.shop.add_product(None, "Nameless", 1)
    said = onhand.text("get-qoh", "Amber", "--create", "--dry-run")
    assert "Get QOH from Amber: 3 created, 1 blank, 2 duplicate." in said
    assert "give each its own in the shop" in said
    assert "Nameless" in said
    assert "Dry run: nothing was changed" in said
    assert onhand.json("item", "list")["items"] == []
    assert onhand.json("get-qoh", "Amber", "--create")["counts"] == {"created": 3, "blank": 1, "duplicate": 2}
    assert {row["sku"]: row["on_hand"] for row in onhand.json("item", "list")["items"]} == {
        "TEA": 10,
        "MUG": 3,
        "POT": 7,
    }


def test_send_qoh_brings_the_shop_to_our_counts(onhand, aligned):
    onhand("adjust", "TEA", "+5", "--reason", "found")
    assert "+5" in onhand.text("send-qoh", "Amber", "--dry-run")
    assert aligned.shop.find("TEA").quantity == 10
    assert onhand.json("send-qoh", "Amber", "--max", 1)["counts"] == {"changed": 1, "equal": 2}
    assert aligned.shop.find("TEA").quantity == 15
    onhand("send-qoh", "Amber", "--max", 0, code=2)


def test_a_cart_that_differs_is_not_switched_on_without_a_reason(onhand, aligned):
    assert "SynchQOH" in onhand.text("sync", "on", "Amber", code=1)
    onhand("param", "set", "SynchQOH", "True")
    onhand("adjust", "TEA", "-3", "--reason", "broken")
    said = onhand.text("sync", "on", "Amber", code=1)
    assert "counts differ" in said
    assert "TEA" in said
    facts = onhand.json("sync", "on", "Amber", code=1)["error"]["facts"]
    assert facts["differing"] == [{"sku": "TEA", "here": 7, "there": 10, "why": "counts differ"}]
    assert onhand.json("sync", "on", "Amber", "--force", "ours are right")["synchronize"] is True
    assert "left alone" in onhand.text("sync", "off", "Amber")


# Stock


def test_goods_are_received_once_under_their_reference(onhand):
    onhand("item", "add", "TEA")
    onhand("item", "add", "A=B")
    assert onhand.json("receive", "TEA=12", "A=B=2", "--reference", "PO1") == {"on_hand": {"TEA": 12, "A=B": 2}}
    assert "booked already" in onhand.text("receive", "TEA=12", "--reference", "PO1", code=1)
    assert "TEA            13" in onhand.text("receive", "TEA=1")
    assert "No item has the SKU" in onhand.text("receive", "TEA=1", "X=1", "Y=1", code=1)
    onhand("receive", "TEA", code=2)
    onhand("receive", code=2)
    assert onhand.json("item", "show", "TEA")["on_hand"] == 13


def test_a_delivery_may_come_from_a_file(onhand, tmp_path):
    onhand("item", "add", "TEA")
    file = tmp_path / "delivery.csv"
    file.write_text("SKU,Quantity\nTEA,2\nTEA,3\n")
    assert onhand.json("receive", "--file", file)["on_hand"] == {"TEA": 5}
    file.write_text("sku,units\nTEA,2\nTEA,-3\n,1\n")
    said = onhand.json("receive", "--file", file, code=1)["error"]["facts"]["faults"]
    assert [fault["line"] for fault in said] == [3, 4]
    assert onhand.json("item", "show", "TEA")["on_hand"] == 5
    onhand("receive", "TEA=1", "--file", file, code=2)


def test_all_movements_go_into_a_file(onhand, tmp_path, monkeypatch):
    monkeypatch.setattr(sheets, "MOVEMENTS_PAGE", 2)
    onhand("item", "add", "TEA", "--on-hand", 10)
    for reason in ("=1+1", "lent", "broken", "lost"):
        onhand("adjust", "TEA", "-1", "--reason", reason)
    for name in ("all.csv", "all.xlsx"):
        onhand("movements", "--out", tmp_path / name)
    lines = (tmp_path / "all.csv").read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "id,at,sku,kind,quantity,cart,order,reason,person,origin"
    assert [line.split(",")[7] for line in lines[1:]] == ["lost", "broken", "lent", "'=1+1", ""]
    sheet = load_workbook(tmp_path / "all.xlsx").active
    assert [row[4] for row in sheet.iter_rows(values_only=True)] == ["quantity", -1, -1, -1, -1, 10]


def test_a_negative_adjustment_is_typed_as_it_is_said(onhand):
    onhand("item", "add", "TEA", "--on-hand", 10)
    assert onhand.json("adjust", "TEA", "-3", "--reason", "broken")["on_hand"] == 7
    assert onhand.json("adjust", "TEA", "+1", "--reason", "found")["on_hand"] == 8
    assert onhand.json("adjust", "--reason", "counted", "TEA", "--counted", 4)["on_hand"] == 4
    assert onhand.json("adjust", "TEA", "-12", "--reason", "lent", "--below-zero")["on_hand"] == -8
    assert [m["quantity"] for m in onhand.json("movements", "TEA")["movements"]] == [-12, -4, 1, -3, 10]
    assert "needs a reason" in onhand.text("adjust", "TEA", "-1", code=1)
    onhand("adjust", "TEA", "--resaon", "typo", code=2)
    onhand("adjust", "TEA", "99999999999", "--reason", "too many", code=2)


def test_an_order_is_taken_and_listed(onhand):
    onhand("item", "add", "TEA", "--on-hand", 2)
    assert onhand.json("order", "add", "TEA=2", "--number", "T-1") == {"order": "T-1", "on_hand": {"TEA": 0}}
    assert "allow overselling" in onhand.text("order", "add", "TEA=1", code=1)
    assert "Order T-2 is booked." in onhand.text("order", "add", "TEA=1", "--oversell", "--number", "T-2")
    assert {row["order"] for row in onhand.json("order", "list")["orders"]} == {"T-1", "T-2"}
    assert "by hand" in onhand.text("order", "list")
    assert "sale" in onhand.text("movements")


# The whole


def test_differences_and_posts_are_listed(onhand, aligned):
    assert "No differences." in onhand.text("differences", "Amber", "--open")
    assert onhand.json("differences") == {"differences": []}
    onhand("decide", 1, "ours", code=1)
    onhand("decide", 1, "mine", code=2)
    onhand("adjust", "TEA", "+1", "--reason", "found")
    onhand("send-qoh", "Amber")
    assert "applied" in onhand.text("posts", "Amber")
    assert onhand.json("posts", "Amber", "--retry") == {"cart": "Amber", "retried": 0}
    onhand("posts", "--retry", code=2)


def test_status_is_no_failure_unless_it_is_to_be_checked(onhand, aligned):
    assert "No controller is at work" in onhand.text("status")
    status = onhand.json("status")
    assert (status["items"], status["controller"], [cart["state"] for cart in status["carts"]]) == (3, False, ["off"])
    assert status["oversell"] is None
    onhand("status", "--check", code=4)
    onhand("cart", "edit", "Amber", "--inactive")
    onhand("status", "--check")


def test_prove_says_which_balance_is_wrong(onhand):
    onhand("item", "add", "TEA", "--on-hand", 2)
    assert onhand.json("prove")["holds"] is True
    assert "Proved" in onhand.text("prove")
    with sqlite3.connect(onhand.store) as db:
        db.execute("UPDATE items SET on_hand = 3")
    assert "TEA" in onhand.text("prove", code=6)
    assert onhand.json("prove", code=6)["items"] == [{"sku": "TEA", "balance": 3, "movements": 2}]


# The store data file


def test_a_store_is_made_once_and_brought_up_to_date(onhand):
    assert "exists already" in onhand.text("init", code=1)
    upgraded = onhand.json("init", "--upgrade")
    assert upgraded["before"] == upgraded["after"]


def test_without_a_store_the_command_says_how_to_make_one(onhand, tmp_path):
    onhand.store = tmp_path / "none.db"
    assert "onhand init" in onhand.text("status", code=1)
    assert "onhand init" in onhand.text("init", "--upgrade", code=1)
    assert not onhand.store.exists()


def test_an_older_schema_is_refused_with_advice(onhand):
    with sqlite3.connect(onhand.store) as db:
        db.execute("UPDATE alembic_version SET version_num = '0000'")
    said = onhand.json("item", "list", code=1)["error"]
    assert "onhand init --upgrade" in said["message"]
    assert said["facts"]["found"] == "0000"


def test_a_file_that_is_something_else_is_refused(onhand):
    onhand.store.write_text("Dear diary, " * 1000)
    onhand("status", code=1)


def test_a_file_that_cannot_be_written_says_so(onhand):
    with onhand.store.open("r+b") as file:
        file.seek(18)
        file.write(b"\x03")  # SQLite's own mark: a newer program may write this, we may only read
    assert "cannot be written" in onhand.text("item", "add", "TEA", code=5)


@pytest.mark.parametrize("variable", ["ONHAND_PORT", "ONHAND_LOG_LEVEL"])
def test_a_variable_that_does_not_fit_ends_the_program_with_a_sentence(onhand, variable):
    done = onhand.program("status", code=2, env=environment(**{variable: "nonsense"}))
    assert variable in done.stderr.replace("\n", "")
    assert "Traceback" not in done.stderr


def test_options_may_stand_before_or_after_the_command(onhand, tmp_path):
    onhand("item", "add", "TEA", "--person", "Bob", "--on-hand", 1)
    assert json.loads(onhand("--json", "movements").stdout)["movements"][0]["person"] == "Bob"
    assert "There is no store data file" in onhand.text("status", "--store", tmp_path / "other.db", code=1)


def test_the_store_of_the_command_line_is_stronger_than_the_variable(onhand, tmp_path, monkeypatch):
    monkeypatch.setenv("ONHAND_STORE", str(tmp_path / "other.db"))
    onhand("item", "add", "TEA")
    assert json.loads(onhand.program("item", "list", "--json").stdout)["items"][0]["sku"] == "TEA"
    named = CliRunner().invoke(app, ["status"])
    assert named.exit_code == 1
    assert "other.db" in named.output


def test_wrong_usage_is_json_too_where_json_was_asked_for(onhand):
    done = onhand.program("item", "show", "--json", code=2)
    assert json.loads(done.stdout)["error"]["code"] == "usage"
    assert "Missing argument" in onhand.program("item", "show", code=2).stderr


def test_verbose_shows_the_log_on_stderr_only(onhand):
    done = onhand.program("item", "add", "TEA", "--json", "--verbose")
    assert json.loads(done.stdout)["sku"] == "TEA"
    assert "item.added" in done.stderr


def test_a_count_sheet_goes_out_comes_back_and_is_posted(onhand, tmp_path):
    for sku in ("TEA", "MUG", "POT"):
        onhand("item", "add", sku, "--on-hand", 10)
    assert "Count sheet 1, Shelf A, has 3 lines" in onhand.text("count", "add", "Shelf A")
    out = tmp_path / "sheet.xlsx"
    onhand("count", "export", 1, "--out", out)
    book = load_workbook(out)
    assert list(book.active.iter_rows(values_only=True)) == [
        ("sku", "name", "counted"),
        ("MUG", None, None),
        ("POT", None, None),
        ("TEA", None, None),
    ]
    book.active["C2"], book.active["C4"] = 8, 0
    book.save(out)
    assert onhand.text("count", "import", 1, out) == "2 lines are entered, 1 had no count.\n"
    assert "replace that count, or add" in onhand.text("count", "import", 1, out, code=3)
    onhand("count", "enter", 1, "mug=1", "--how", "add")
    onhand("order", "add", "MUG=2")
    shown = onhand.text("count", "show", 1)
    assert "2 of 3 lines are counted" in shown
    assert "Expected" not in shown
    assert "expected" not in json.dumps(onhand.json("count", "show", 1))
    review = onhand.json("count", "review", 1)
    assert [(row["sku"], row["variance"]) for row in review["rows"]] == [("TEA", -10), ("MUG", -1)]
    assert "2 of 2 counted lines differ, +0 and -11 units; 1 lines are not counted" in onhand.text("count", "review", 1)
    assert "2 counts are booked, 0 fitted, 1 were not counted" in onhand.text("count", "post", 1)
    assert [onhand.json("item", "show", sku)["on_hand"] for sku in ("TEA", "MUG", "POT")] == [0, 7, 10]
    assert "posted already" in onhand.text("count", "post", 1, code=1)
    onhand("count", "add", "Again", "--sku", "TEA", "--sku", "mug")
    onhand("count", "discard", 2)
    assert [s["state"] for s in onhand.json("count", "list")["sheets"]] == ["discarded", "posted"]


def test_a_shelf_may_have_been_counted_before_it_is_typed(onhand):
    onhand("item", "add", "TEA", "--on-hand", 10)
    onhand("count", "add", "Shelf A")
    onhand("count", "enter", 1, "TEA=3", "--counted-at", "2020-01-01T10:00:00", code=1)
    assert "There is no supplier" in onhand.text("count", "add", "B", "--supplier", "Nobody", code=1)
