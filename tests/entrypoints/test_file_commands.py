"""Tests the commands that read files: confirmation, kept sales, and remembered mappings."""

from __future__ import annotations

import pytest

OLD = "sku,name,on_hand,reorder_point,reorder_to,supplier,ignore_qoh,drop_ship\nT6,New name of T6,10,,,,no,no\n"


@pytest.fixture
def sold(onhand, tmp_path):
    """T6 was 10 when a file was exported; 3 were sold since."""
    onhand("item", "add", "T6", "--on-hand", 10)
    onhand("item", "export", "--out", tmp_path / "new.csv")
    onhand("order", "add", "T6=3")
    (tmp_path / "old.csv").write_text(OLD)
    return onhand


def on_hand(onhand, sku="T6") -> int:
    return onhand.json("item", "show", sku)["on_hand"]


def test_importing_an_older_export_keeps_later_sales(sold, tmp_path):
    file = tmp_path / "new.csv"
    edited = file.read_text(encoding="utf-8-sig").replace("T6,,10", "T6,New name,10")
    file.write_text(edited)
    sold("item", "import", file)
    assert on_hand(sold) == 7
    assert sold.json("item", "show", "T6")["name"] == "New name"
    file.write_text(edited.replace("New name,10", "New name,12"))
    assert "7 → 9" in sold.text("item", "import", file, "--dry-run")
    for _ in range(2):
        sold("item", "import", file)
        assert on_hand(sold) == 9


def test_a_file_without_a_time_needs_confirmation(sold, tmp_path):
    file = tmp_path / "old.csv"
    said = sold.text("item", "import", file, "--dry-run")
    assert "7 → 10" in said
    assert "3 sold" in said
    assert "7 → 10" in sold.text("item", "import", file, code=1)
    refused = sold.json("item", "import", file, code=1)["error"]["facts"]
    assert (refused["reason"], refused["rows"][0]["changes"]["on_hand"], refused["rows"][0]["sold"]) == (
        "overwrites",
        [7, 10],
        3,
    )
    assert on_hand(sold) == 7
    sold("item", "import", file, "--yes")
    assert on_hand(sold) == 10


def test_a_mapping_is_remembered_for_files_of_its_kind(onhand, tmp_path):
    onhand("item", "add", "B", "--on-hand", 1)
    file = tmp_path / "twocolumns.csv"
    file.write_text("sku,quantity,on hand\nB,12,13\n")
    refused = onhand.json("item", "import", file, "--dry-run", code=1)["error"]["facts"]
    assert refused["doubtful"] == {"on_hand": ["quantity", "on hand"]}
    onhand("item", "import", file, "--map", "on hand=on_hand", "--dry-run")
    onhand.json("item", "import", file, "--dry-run", code=1)  # a look keeps nothing
    onhand("item", "import", file, "--map", "on hand=on_hand", "--yes")
    assert on_hand(onhand, "B") == 13
    assert onhand.json("item", "import", file)["unchanged"] == 1
    onhand("item", "import", file, "--map", "quantity=on_hand", "--map", "on hand=", "--yes")
    assert on_hand(onhand, "B") == 12
    onhand("item", "import", file, "--map", "quantity", code=2)
    onhand("item", "import", file, "--map", "quantity=price", code=1)


def test_receipts_and_counts_take_the_same_files(onhand, tmp_path):
    onhand("item", "add", "B", "--on-hand", 1)
    file = tmp_path / "delivery.csv"
    file.write_text("Lieferschein 7\nArtikelnummer;Preis;Menge\nB;2,50;1.000\n")
    assert onhand.json("receive", "--file", file, code=1)["error"]["facts"]["ambiguous"] is True
    assert onhand.json("receive", "--file", file, "--decimal", ",")["on_hand"] == {"B": 1001}
    file.write_text("Was;Wieviel\nB;5\n")
    onhand("receive", "--file", file, code=1)
    onhand("receive", "--file", file, "--map", "Was=sku", "--map", "Wieviel=units")
    assert onhand.json("receive", "--file", file)["on_hand"] == {"B": 1011}
    onhand("count", "add", "Shelf")
    onhand("count", "import", 1, file, code=1)
    onhand("count", "import", 1, file, "--map", "Was=sku", "--map", "Wieviel=counted")
    onhand("count", "post", 1)
    assert on_hand(onhand, "B") == 5


def test_a_template_is_filled_in_and_imported(onhand, tmp_path):
    file = tmp_path / "items.csv"
    onhand("template", "items", "--out", file)
    columns = file.read_text(encoding="utf-8-sig").strip().split(",")
    assert columns[:3] == ["sku", "name", "on_hand"]
    with file.open("a") as opened:
        opened.write("TEA,Green,5" + "," * (len(columns) - 3) + "\n")
    assert onhand.json("item", "import", file)["added"] == 1
    for kind in ("counts", "receipts"):
        onhand("template", kind, "--out", tmp_path / f"{kind}.xlsx")


def test_a_count_below_zero_is_exported_and_imported(onhand, tmp_path):
    onhand("item", "add", "NEG", "--on-hand", 1)
    onhand("adjust", "NEG", "-3", "--reason", "x", "--below-zero")
    for name in ("e.csv", "e.xlsx"):
        onhand("item", "export", "--out", tmp_path / name)
        found = onhand.json("item", "import", tmp_path / name, "--dry-run")
        assert (found["changed"], found["unchanged"]) == (0, 1)


def test_a_program_needs_confirmation_too(onhand, tmp_path):
    onhand("item", "add", "TEA", "--on-hand", 1)
    assert onhand.json("item", "add", "TЕA", code=1)["error"]["facts"]["looks_like"] == "TEA"
    assert onhand.json("item", "show", "TEA\u200b")["sku"] == "TEA"
