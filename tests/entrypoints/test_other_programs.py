"""Tests files of other programs, each with one product and 12 on hand."""

from __future__ import annotations

import io

import pytest
from openpyxl import Workbook

from onhand.domain.errors import Refused
from onhand.domain.numbers import Mark
from onhand.files import sheets
from onhand.files.headings import normal
from onhand.files.sheets import COUNTS, ITEMS, RECEIPTS, Choice

SHOPIFY = (
    "Handle,Title,Option1 Name,Option1 Value,SKU,HS Code,COO,Location,Bin name,Incoming (not editable),Unavailable (not editable),"
    "Committed (not editable),Available (not editable),On hand (current),On hand (new)\n"
    "mug-blue,Mug blue,Title,Default Title,MUG-B,,,Main,,0,0,1,11,12,12\n"
)
FILES = {
    "shopify": SHOPIFY,
    "easy populate": (
        "v_products_model,v_products_type,v_products_name_1,v_products_description_1,v_products_quantity,v_status\n"
        'MUG-B,1,Mug,"A,\nb",12,1\n'
    ),
    "easy populate, minimal": "v_products_model,v_products_quantity\nMUG-B,12\n",
    "quickbooks": "My Company\nInventory Stock Status by Item\nAs of 11/28/2026\n,Item,Description,On Hand\n,MUG-B,Mug,12\nTOTAL,,,12\n",
    "linnworks": "SKU,ItemTitle,StockLevel\nMUG-B,Mug,12.00\n",
    "woocommerce": "ID,Type,SKU,Name,Published,Stock,Categories\n7,simple,MUG-B,Mug,1,12,Mugs\n",
    "trailing headings": "sku,on_hand,,,\nMUG-B,12,,,\n",
    "trailing headings, short lines": "sku,on_hand,,,\nMUG-B,12\n",
    "qty": "SKU,Qty\nMUG-B,12\n",
    "local": "Local SKU;Quantity On Hand\nMUG-B;12,0\n",
    "german": "Lagerliste\n\nArtikelnummer;Bezeichnung;Lagerbestand;Preis\nMUG-B;Becher;12;9,90\n",
    "german, short": "Artikel-Nr.\tMenge\nMUG-B\t12\n",
    "french": "Référence;Désignation;Quantité\nMUG-B;Tasse;12,00\n",
    "spanish": "Código|Nombre|Existencias\nMUG-B|Taza|12\n",
    "excel's own mark": "sep=;\r\nSKU;Bestand\r\nMUG-B;12\r\n",
    "upper case and signs": "SKU #*,ON-HAND:\nMUG-B,12\n",
    "blank first lines": ",,\n,,\nsku,on_hand,\nMUG-B,12,\n",
    "quoting formulas": 'sku,on_hand\n"=""MUG-B""",12\n',
    "bare quoting formulas": 'sku,on_hand\n="MUG-B",12\n',
    "apostrophes": "sku,on_hand\n'MUG-B,12\n",
    "invisible": "\ufeffs\u200bku,on_hand\nMUG\u00ad-B\u200e,\u00a012\n",
}  # fmt: skip


def book(*lines, change=lambda sheet: None) -> bytes:
    made = Workbook()
    for line in lines:
        made.active.append(line)
    change(made.active)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


@pytest.mark.parametrize("name", FILES)
def test_files_of_other_programs_are_read(name: str) -> None:
    table = sheets.read(FILES[name].encode(), ITEMS)
    ((_, entry),) = table.rows
    assert (entry["sku"], entry["on_hand"]) == ("MUG-B", 12)
    left_out = {head["heading"] for head in table.headings if not head["column"]}
    assert not left_out or any(all(word in remark for word in left_out) for remark in table.remarks)


def test_files_of_other_programs_are_read_as_workbooks() -> None:
    for lines in (
        [[], [], ["sku", "on_hand"], ["MUG-B", 12]],
        [
            ["My stock"],
            [None],
            [None, "Item", "Description", "On Hand"],
            [None, "MUG-B", "Mug", 12.0],
            ["TOTAL", None, None, 12],
        ],
        [["SKU", "Qty", None, None], ["MUG-B", "12,00", None, None]],
    ):
        ((_, entry),) = sheets.read(book(*lines), ITEMS).rows
        assert (entry["sku"], entry["on_hand"]) == ("MUG-B", 12)


@pytest.mark.parametrize("layout", [COUNTS, RECEIPTS])
@pytest.mark.parametrize(
    "heading", ["Qty", "Quantity", "Menge", "Anzahl", "Quantité", "Cantidad", "v_products_quantity"]
)
def test_every_kind_of_file_takes_a_mapping(layout: sheets.Layout, heading: str) -> None:
    ((_, entry),) = sheets.read(f"Delivery 7\nArtikelnummer;Preis;{heading}\nMUG-B;1;12,0\n".encode(), layout).rows
    assert list(entry.values()) == ["MUG-B", 12]


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("sku,quantity,on hand\nB,12,13\n", "on_hand"),
        ("SKU,Artikelnummer,Qty\nA,B,1\n", "sku"),
        ("SKU,Stock,Bestand\nA,1,2\n", "on_hand"),
    ],
)
def test_two_possible_columns_need_a_choice(text: str, column: str) -> None:
    with pytest.raises(Refused) as refused:
        sheets.read(text.encode(), ITEMS)
    assert list(refused.value.facts["doubtful"]) == [column]
    assert len(refused.value.facts["doubtful"][column]) == 2
    heading = refused.value.facts["doubtful"][column][1]
    ((_, entry),) = sheets.read(text.encode(), ITEMS, Choice({heading: column})).rows
    assert str(entry[column]) == text.splitlines()[1].split(",")[text.splitlines()[0].split(",").index(heading)]


def test_a_mapping_names_the_columns() -> None:
    text = b"Was;Wieviel;Stock\nMUG-B;12;7\n"
    with pytest.raises(Refused) as refused:
        sheets.read(text, ITEMS)
    assert refused.value.facts["missing"] == ["sku"]
    assert [head["heading"] for head in refused.value.facts["headings"]] == ["Was", "Wieviel", "Stock"]
    chosen = {"was": "sku", "WIEVIEL": "On hand", "stock": ""}
    assert [row for _, row in sheets.read(text, ITEMS, Choice(chosen)).rows] == [{"sku": "MUG-B", "on_hand": 12}]
    kept = {normal(heading): column for heading, column in {"Was": "sku", "Wieviel": "on_hand"}.items()}
    table = sheets.read(text, ITEMS, Choice(remembered=kept))
    assert [row for _, row in table.rows] == [{"sku": "MUG-B", "on_hand": 12}], (
        "what was chosen goes before what is known"
    )
    assert sum("chose before" in remark for remark in table.remarks) == 2
    for wrong in ({"Was": "price"}, {"Nothing": "sku"}):
        with pytest.raises(Refused):
            sheets.read(text, ITEMS, Choice(wrong))


@pytest.mark.parametrize("number", ["1.000", "1,000", "12.345"])
def test_an_ambiguous_number_needs_a_decimal_mark(number: str) -> None:
    text = f'sku,on_hand\nMUG-B,"{number}"\n'.encode()
    with pytest.raises(Refused) as refused:
        sheets.read(text, ITEMS)
    assert refused.value.facts["ambiguous"] is True
    assert refused.value.facts["faults"][0]["ambiguous"] == number
    other = Mark.COMMA if "." in number else Mark.POINT
    ((_, entry),) = sheets.read(text, ITEMS, Choice(mark=other)).rows
    assert entry["on_hand"] == int(number.replace(".", "").replace(",", ""))


def test_a_number_in_a_workbook_is_not_ambiguous() -> None:
    ((_, entry),) = sheets.read(book(["sku", "on_hand"], ["MUG-B", 1000.0]), ITEMS).rows
    assert entry["on_hand"] == 1000
    with pytest.raises(Refused) as refused:
        sheets.read(book(["sku", "on_hand"], ["MUG-B", 1.234]), ITEMS)
    assert "ambiguous" not in refused.value.facts


# What spreadsheets make of SKUs


@pytest.mark.parametrize(
    "cell",
    ["1.00E-05", "1,00E+05", "1e5", "１E５", "1.2E+17", "01.Feb", "2-Jan", "2026-02-01", "=A2", '="a"&"b"', "a\u202eb"],
)
def test_a_spoiled_sku_in_csv_is_refused_by_name(cell: str) -> None:
    with pytest.raises(Refused) as refused:
        sheets.read(f"sku;on_hand\n{cell};12\n".encode(), ITEMS)
    assert (refused.value.facts["faults"][0]["line"], refused.value.facts["faults"][0]["column"]) == (2, "sku")


@pytest.mark.parametrize("sku", ["1.00E-05", "1e5", "01.Feb", "2026-02-01", "00123"])
def test_a_sku_marked_as_text_is_accepted(sku: str) -> None:
    for cell in (f"'{sku}", f'="{sku}"'):
        ((_, entry),) = sheets.read(f"sku;on_hand\n{cell};12\n".encode(), ITEMS).rows
        assert entry["sku"] == sku
    ((_, entry),) = sheets.read(book(["sku"], [sku]), ITEMS).rows
    assert entry["sku"] == sku
    ((_, entry),) = sheets.read(book(["sku"], [f'="{sku}"']), ITEMS).rows
    assert entry["sku"] == sku


@pytest.mark.parametrize(
    ("number_format", "value", "shown"),
    [
        ('"SKU-"00000', 123, "SKU-00123"), ("00000", 7, "00007"), ("000-000", 123456, "123-456"),
        ("000\\-00\\-0000", 123456789, "123-45-6789"),
        ("\\A0", 12, "A12"), ('0"-X"', 5, "5-X"), ("General", 123, "123"), ("0", 7, "7"), ("@", 7, "7"),
    ],
)  # fmt: skip
def test_a_number_in_a_sku_column_is_read_as_displayed(number_format: str, value: int, shown: str) -> None:
    def dress(sheet) -> None:
        sheet["A2"].number_format = number_format

    ((_, entry),) = sheets.read(book(["sku"], [value], change=dress), ITEMS).rows
    assert entry["sku"] == shown


@pytest.mark.parametrize(
    ("number_format", "value"),
    [("0.00", 5), ("#,##0", 1234), ("0%", 5), ("0E+00", 5), ("# ?/?", 5), ('0 "€"_)', 5), ("[$€-407] 0", 5), ("d.m.yy", 46054),
     ("hh:mm", 0.5),
     ("0;-0;x", 0), ("00000", -5), ("General", True), ("[Red]0", 5)],
)  # fmt: skip
def test_a_number_without_a_certain_display_is_refused_by_cell(number_format: str, value: float) -> None:
    def dress(sheet) -> None:
        sheet["A2"].number_format = number_format

    with pytest.raises(Refused) as refused:
        sheets.read(book(["sku"], [value], change=dress), ITEMS)
    assert "A2" in refused.value.facts["faults"][0]["fault"]


@pytest.mark.parametrize("form", sheets.Form)
@pytest.mark.parametrize("kind", sheets.KINDS)
def test_a_template_can_be_filled_in(kind: str, form: sheets.Form) -> None:
    table = sheets.read(sheets.template(sheets.KINDS[kind], form), sheets.KINDS[kind])
    assert table.rows == []
    assert not [head for head in table.headings if head["column"].startswith("exported")]
