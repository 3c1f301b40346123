"""Tests the commands: their answers for programs, their exit codes, and the facts in their text. Wording: ``test_command_words``.

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
    shown = onhand.json("item", "show", "tea")
    assert shown["on_hand"] == 5
    assert [(row["kind"], row["person"]) for row in shown["movements"]] == [("opening", "Ann")]


def test_a_cut_list_says_how_to_continue(onhand):
    onhand("item", "add", "A")
    onhand("item", "add", "B")
    assert "--after A," in onhand.text("item", "list", "--limit", 1)
    assert [row["sku"] for row in onhand.json("item", "list", "--after", "A")["items"]] == ["B"]


def test_an_unknown_sku_is_refused_with_code_and_message(onhand):
    said = onhand.json("item", "show", "NO", code=1)["error"]
    assert said["code"] == "refused"
    assert said["facts"] == {"unknown": ["NO"]}
    assert said["message"] in onhand.text("item", "show", "NO", code=1).replace("\n", " ")


def test_an_export_can_be_imported_again_unchanged(onhand, tmp_path):
    file = tmp_path / "items.csv"
    file.write_text("sku;name;qoh\nTEA;Grüner Tee;5\nMUG;;3\n")
    assert onhand.json("item", "import", file, "--dry-run")["added"] == 2
    assert onhand.json("item", "list")["items"] == []
    onhand("item", "import", file)
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


def test_an_import_reports_a_guessed_encoding(onhand, tmp_path):
    file = tmp_path / "items.csv"
    file.write_bytes("sku;name\nTEA;Grüner Tee\n".encode("cp1252"))
    assert "Windows-1252" in onhand.text("item", "import", file)
    assert "Grüner Tee" in onhand.text("item", "list")


def test_a_bad_file_names_its_lines_and_books_nothing(onhand, tmp_path):
    file = tmp_path / "items.csv"
    file.write_text("sku,on_hand\nTEA,5\nMUG,many\nTEA,1\n")
    faults = onhand.json("item", "import", file, code=1)["error"]["facts"]["faults"]
    assert [(fault["line"], fault["column"]) for fault in faults] == [(3, "on_hand"), (4, "sku")]
    said = onhand.text("item", "import", file, code=1)
    assert all(fault["fault"] in said for fault in faults)
    assert onhand.json("item", "list")["items"] == []


def test_a_missing_file_is_refused(onhand, tmp_path):
    missing = tmp_path / "none.csv"
    assert onhand.json("item", "import", missing, code=1)["error"]["facts"] == {"path": str(missing)}


def test_a_file_may_come_from_standard_input(onhand):
    done = onhand.program("item", "import", "-", "--json", input="sku,on_hand\nTEA,5\n")
    assert json.loads(done.stdout)["added"] == 1


def test_control_characters_are_not_printed(onhand):
    onhand("item", "add", "TEA", "--name", "red \x1b[31m [bold]tea")
    said = onhand.text("item", "list")
    assert "\x1b" not in said
    assert "[bold]tea" in said


# Parameters and carts


def test_parameters_are_listed_read_and_set(onhand):
    assert "SynchQOH" in onhand.text("param", "list")
    assert onhand.json("param", "set", "synchqoh", "yes")["value"] is True
    assert onhand.json("param", "get", "SynchQOH")["value"] is True
    onhand("param", "set", "SynchQOH", "perhaps", code=1)


def test_a_cart_is_added_shown_edited_and_removed(onhand):
    url = "https://shop.example/onhand.php"
    added = onhand.json("cart", "add", "My shop", "--url", url)
    assert added["state"] == "not aligned"
    assert "secret" not in json.dumps(added)
    assert url in onhand.text("cart", "list")
    assert onhand.json("cart", "edit", "my shop", "--policy", "ask", "--buffer", 2)["policy"] == "ask"
    shown = onhand.json("cart", "show", "My shop")
    assert (shown["state"], shown["buffer"]) == ("not aligned", 2)
    assert onhand.json("cart", "names") == {"carts": [{"id": 1, "name": "My shop"}]}
    assert "My shop" in onhand.text("cart", "names")
    onhand("cart", "remove", "My shop", code=1, typed="other\n")
    assert onhand.json("cart", "remove", "My shop", code=1)["error"]["code"] == "refused"
    onhand("cart", "remove", "My shop", typed="my shop\n")
    onhand("cart", "add", "Again", "--url", url)
    assert onhand.json("cart", "remove", "Again", "--yes") == {"removed": "Again"}
    assert onhand.json("cart", "list")["carts"] == []


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


def test_with_a_hint_address_the_hint_files_are_written_too(onhand, tmp_path):
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
    assert onhand.json("cart", "test", "Amber")["answered"]["products"] == 3
    assert [step["what"] for step in onhand.json("cart", "test", "Amber")["steps"]] == ["hello", "look"]
    assert {p["problem"] for p in onhand.json("cart", "products", "Amber")["products"]} == {"unmatched"}
    onhand("get-qoh", "Amber", "--create")
    steps = [step["what"] for step in onhand.json("cart", "test", "Amber", "--sku", "tea")["steps"]]
    assert steps[2:] == ["post +1", "seen there", "post -1", "seen there"]
    assert {p["sku"] for p in onhand.json("cart", "products", "Amber")["products"]} == {"TEA", "MUG", "POT"}
    assert onhand.json("cart", "products", "Amber", "--problem", "any")["products"] == []


def test_cart_evidence_shows_what_a_cart_followed_and_where_it_differed(onhand, aligned):
    [found] = onhand.json("cart", "evidence")["carts"]
    assert (found["name"], found["followed"], found["differed"]) == ("Amber", None, None)
    onhand("cart", "evidence", "amber")
    onhand("cart", "evidence", "Nobody", code=1)


def test_a_shop_that_is_down_is_a_temporary_problem(onhand, amber):
    amber.storefront.stop()
    assert onhand.json("cart", "test", "Amber", code=4)["error"]["code"] == "retriable"


def test_a_wrong_key_is_a_permanent_problem(onhand, amber):
    onhand("cart", "key", "Amber", "--renew")
    assert onhand.json("cart", "test", "Amber", code=5)["error"]["code"] == "permanent"


# Align and switch


def test_a_dry_run_of_get_qoh_shows_changes_and_problems(onhand, amber):
    amber.shop.add_product("DUP", "One", 1)
    amber.shop.add_product("dup", "Two", 1)
    amber.shop.add_product(None, "Nameless", 1)
    assert onhand.json("get-qoh", "Amber", "--create", "--dry-run")["counts"] == {
        "created": 3,
        "blank": 1,
        "duplicate": 2,
    }
    assert "Nameless" in onhand.text("get-qoh", "Amber", "--create", "--dry-run")
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
    assert "TEA" in onhand.text("sync", "on", "Amber", code=1)
    facts = onhand.json("sync", "on", "Amber", code=1)["error"]["facts"]
    assert facts["differing"] == [{"sku": "TEA", "here": 7, "there": 10, "why": "counts differ"}]
    assert onhand.json("sync", "on", "Amber", "--force", "ours are right")["synchronize"] is True
    assert onhand.json("sync", "off", "Amber")["synchronize"] is False


# Stock


def test_goods_are_received_once_under_their_reference(onhand):
    onhand("item", "add", "TEA")
    onhand("item", "add", "A=B")
    assert onhand.json("receive", "TEA=12", "A=B=2", "--reference", "PO1") == {"on_hand": {"TEA": 12, "A=B": 2}}
    onhand("receive", "TEA=12", "--reference", "PO1", code=1)
    assert "TEA            13" in onhand.text("receive", "TEA=1")
    unknown = onhand.json("receive", "TEA=1", "X=1", "Y=1", code=1)["error"]["facts"]["unknown"]
    assert unknown == ["X", "Y"]
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


def test_a_negative_adjustment_is_typed_as_a_negative_number(onhand):
    onhand("item", "add", "TEA", "--on-hand", 10)
    assert onhand.json("adjust", "TEA", "-3", "--reason", "broken")["on_hand"] == 7
    assert onhand.json("adjust", "TEA", "+1", "--reason", "found")["on_hand"] == 8
    assert onhand.json("adjust", "--reason", "counted", "TEA", "--counted", 4)["on_hand"] == 4
    assert onhand.json("adjust", "TEA", "-12", "--reason", "lent", "--below-zero")["on_hand"] == -8
    assert [m["quantity"] for m in onhand.json("movements", "TEA")["movements"]] == [-12, -4, 1, -3, 10]
    onhand("adjust", "TEA", "-1", code=1)
    onhand("adjust", "TEA", "--resaon", "typo", code=2)
    onhand("adjust", "TEA", "99999999999", "--reason", "too many", code=2)


def test_an_order_is_taken_and_listed(onhand):
    onhand("item", "add", "TEA", "--on-hand", 2)
    assert onhand.json("order", "add", "TEA=2", "--number", "T-1") == {"order": "T-1", "on_hand": {"TEA": 0}}
    onhand("order", "add", "TEA=1", code=1)
    assert "T-2" in onhand.text("order", "add", "TEA=1", "--oversell", "--number", "T-2")
    assert {row["order"] for row in onhand.json("order", "list")["orders"]} == {"T-1", "T-2"}
    assert {row["kind"] for row in onhand.json("movements")["movements"]} == {"opening", "sale"}


# The whole


def test_differences_and_posts_are_listed(onhand, aligned):
    assert onhand.json("differences", "Amber", "--open") == {"differences": []}
    assert onhand.json("differences") == {"differences": []}
    onhand("decide", 1, "ours", code=1)
    onhand("decide", 1, "mine", code=2)
    onhand("adjust", "TEA", "+1", "--reason", "found")
    onhand("send-qoh", "Amber")
    assert [row["state"] for row in onhand.json("posts", "Amber")["posts"]] == ["applied"]
    assert onhand.json("posts", "Amber", "--retry") == {"cart": "Amber", "retried": 0}
    onhand("posts", "--retry", code=2)


def test_status_fails_only_with_check(onhand, aligned):
    status = onhand.json("status")
    assert (status["items"], status["controller"], [cart["state"] for cart in status["carts"]]) == (3, False, ["off"])
    assert status["oversell"] is None
    onhand("status", "--check", code=4)
    onhand("cart", "edit", "Amber", "--inactive")
    onhand("status", "--check")


def test_prove_names_the_wrong_balance(onhand):
    onhand("item", "add", "TEA", "--on-hand", 2)
    assert onhand.json("prove")["holds"] is True
    with sqlite3.connect(onhand.store) as db:
        db.execute("UPDATE items SET on_hand = 3")
    assert "TEA" in onhand.text("prove", code=6)
    assert onhand.json("prove", code=6)["items"] == [{"sku": "TEA", "balance": 3, "movements": 2}]


# The store data file


def test_a_store_is_created_once_and_upgraded(onhand):
    assert onhand.json("init", code=1)["error"]["code"] == "refused"
    upgraded = onhand.json("init", "--upgrade")
    assert upgraded["before"] == upgraded["after"]


def test_without_a_store_the_message_names_init(onhand, tmp_path):
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


def test_another_kind_of_file_is_refused(onhand):
    onhand.store.write_text("Dear diary, " * 1000)
    onhand("status", code=1)


def test_a_file_that_cannot_be_written_is_a_permanent_problem(onhand):
    with onhand.store.open("r+b") as file:
        file.seek(18)
        file.write(b"\x03")  # SQLite's own mark: a newer program may write this, we may only read
    onhand("item", "add", "TEA", code=5)


@pytest.mark.parametrize("variable", ["ONHAND_PORT", "ONHAND_LOG_LEVEL"])
def test_an_invalid_variable_ends_the_program_with_a_message(onhand, variable):
    done = onhand.program("status", code=2, env=environment(**{variable: "nonsense"}))
    assert variable in done.stderr.replace("\n", "")
    assert "Traceback" not in done.stderr


def test_options_may_stand_before_or_after_the_command(onhand, tmp_path):
    onhand("item", "add", "TEA", "--person", "Bob", "--on-hand", 1)
    assert json.loads(onhand("--json", "movements").stdout)["movements"][0]["person"] == "Bob"
    other = tmp_path / "other.db"
    assert onhand.json("status", "--store", other, code=1)["error"]["facts"] == {"path": str(other)}


def test_the_store_option_wins_over_the_variable(onhand, tmp_path, monkeypatch):
    monkeypatch.setenv("ONHAND_STORE", str(tmp_path / "other.db"))
    onhand("item", "add", "TEA")
    assert json.loads(onhand.program("item", "list", "--json").stdout)["items"][0]["sku"] == "TEA"
    named = CliRunner().invoke(app, ["status"])
    assert named.exit_code == 1
    assert "other.db" in named.output


def test_wrong_usage_is_json_with_json(onhand):
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
    assert onhand.json("count", "add", "Shelf A")["lines"] == 3
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
    imported = onhand.json("count", "import", 1, out)
    assert (imported["entered"], imported["blank"]) == (2, 1)
    onhand("count", "import", 1, out, code=3)
    onhand("count", "enter", 1, "mug=1", "--how", "add")
    onhand("order", "add", "MUG=2")
    shown = onhand.json("count", "show", 1)
    assert (shown["counted"], shown["lines"]) == (2, 3)
    assert "expected" not in json.dumps(shown)
    assert "expected" not in onhand.text("count", "show", 1).lower()
    review = onhand.json("count", "review", 1)
    assert [(row["sku"], row["variance"]) for row in review["rows"]] == [("TEA", -10), ("MUG", -1)]
    assert (review["differing"], review["more"], review["fewer"]) == (2, 0, -11)
    posted = onhand.json("count", "post", 1)
    assert (posted["booked"], posted["same"], posted["uncounted"]) == (2, 0, 1)
    assert [onhand.json("item", "show", sku)["on_hand"] for sku in ("TEA", "MUG", "POT")] == [0, 7, 10]
    onhand("count", "post", 1, code=1)
    onhand("count", "add", "Again", "--sku", "TEA", "--sku", "mug")
    onhand("count", "discard", 2)
    assert [s["state"] for s in onhand.json("count", "list")["sheets"]] == ["discarded", "posted"]


def test_a_count_can_be_entered_with_an_earlier_time(onhand):
    onhand("item", "add", "TEA", "--on-hand", 10)
    onhand("count", "add", "Shelf A")
    onhand("count", "enter", 1, "TEA=3", "--counted-at", "2020-01-01T10:00:00", code=1)
    onhand("count", "add", "B", "--supplier", "Nobody", code=1)
