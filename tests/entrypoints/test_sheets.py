"""Tests that CSV and XLSX files are read completely, or refused with every bad line named.

Path: pytest, no store needed.
Promise: what merchants' spreadsheets write is read; what is wrong in them is named by line and column; bombs do not go off.
Never: imports anything into a store; that is ``test_commands.py``.
"""

from __future__ import annotations

import csv
import io
import re
import struct
import tracemalloc
import zipfile
from contextlib import suppress
from datetime import date, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from onhand.domain.errors import Refused
from onhand.domain.spelling import writable
from onhand.domain.stock import QUANTITY_MAX, check_sku, is_sku, sku_key
from onhand.files import sheets, workbooks
from onhand.files.sheets import COUNTS, ITEMS, MOVEMENTS, RECEIPTS, Form


def rows(content, layout=ITEMS):
    """The values of every line of a file that is in order."""
    return [values for _, values in sheets.read(_bytes(content), layout).rows]


def faults(content, layout=ITEMS):
    """Return the line and the fault of every bad line."""
    with pytest.raises(Refused) as refusal:
        sheets.read(_bytes(content), layout)
    return [(fault["line"], fault["fault"]) for fault in refusal.value.facts["faults"]]


def places(content, layout=ITEMS):
    """Return the line and column of every fault."""
    with pytest.raises(Refused) as refusal:
        sheets.read(_bytes(content), layout)
    return [(fault["line"], fault["column"]) for fault in refusal.value.facts["faults"]]


def xlsx(*lines, change=lambda sheet: None):
    """A file as a spreadsheet writes it."""
    book = Workbook()
    for line in lines:
        book.active.append(line)
    change(book.active)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def repacked(content, **parts):
    """The same file with some of its parts replaced, as only ill will does."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, parts.get(name.rpartition("/")[2].removesuffix(".xml"), old.read(name)))
    return out.getvalue()


def _bytes(content):
    return content.encode() if isinstance(content, str) else content


@pytest.mark.parametrize(
    "text",
    [
        "sku,name,on_hand\nTEA,Green,5\n",
        "\ufeffSKU;Title;QOH\r\n tea ;Green;+5\r\n\r\n",
        'sku\tname\tquantity\n"TEA"\tGreen\t5',
        "on hand,sku,name\n5,TEA,Green\n,,\n",
        "sku,name,on_hand\nTEA,Green,5\n".encode("utf-16"),
        "sku\tname\tqoh\r\nTEA\tGreen\t5\r\n".encode("utf-16-le"),
        "sku\tname\tqoh\r\nTEA\tGreen\t5\r\n".encode("utf-16-be"),
        xlsx(["SKU", "Name", "QOH", None], ["TEA", "Green", 5, None], [None, None]),
        xlsx(["on_hand", "sku", "name"], [], [5.0, " TEA", "Green "]),
        xlsx(["sku", "name", "on_hand"], ["TEA", "Green", "5"]),
    ],
)
def test_what_spreadsheets_write_is_read(text):
    (entry,) = rows(text)
    assert {**entry, "sku": entry["sku"].upper()} == {"sku": "TEA", "name": "Green", "on_hand": 5}


def test_an_old_encoding_is_read_with_a_remark():
    table = sheets.read("sku;name\nTEA;Grüner Tee – 5 €\n".encode("cp1252"), ITEMS)
    assert table.rows == [(2, {"sku": "TEA", "name": "Grüner Tee – 5 €"})]
    [remark] = table.remarks
    assert "Windows-1252" in remark
    assert sheets.read("sku;name\nTEA;Grüner Tee\n".encode(), ITEMS).remarks == []


def test_blank_cells_are_left_out():
    assert rows("sku\nTEA\n") == rows("sku,on_hand,name\nTEA,,\n") == [{"sku": "TEA"}]


def test_all_columns_of_an_item_are_read():
    text = "sku,reorder_point,reorder_to,supplier,ignore_qoh,drop_ship\nTEA,5,20,Leaf & Co,yes,FALSE\nMUG,,,,,\n"
    tea, mug = rows(text)
    assert tea.pop("supplier") == "Leaf & Co"
    assert tea == {"sku": "TEA", "reorder_point": 5, "reorder_to": 20, "ignore_qoh": True, "drop_ship": False}
    assert mug == {"sku": "MUG"}
    assert rows(xlsx(["sku", "drop_ship"], ["TEA", True])) == [{"sku": "TEA", "drop_ship": True}]
    assert places("sku,drop_ship\nTEA,perhaps\n") == [(2, "drop_ship")]


def test_every_bad_line_is_named():
    text = "sku,on_hand\nTEA,5\n,1\nMUG,1.5\nPOT,-1\ntea,1\nCUP\nJAR,1,2\nPAN,99999999999\n"
    assert places(text) == [(3, "sku"), (4, "on_hand"), (6, "sku"), (7, ""), (8, ""), (9, "on_hand")]
    assert "'1.5'" in faults(text)[1][1]
    lines = [["sku", "on_hand"], ["TEA", 5], [None, 1], ["MUG", 1.5], ["POT", -1], ["tea", 1], ["CUP", 1, 2]]
    assert [line for line, _ in faults(xlsx(*lines))] == [3, 4, 6, 7]


def test_the_message_and_its_facts_name_the_place():
    with pytest.raises(Refused) as refusal:
        sheets.read(b"sku,on_hand\nTEA,5\nMUG,x\nPOT,y\n", ITEMS)
    first = refusal.value.facts["faults"][0]
    assert (first["line"], first["column"], refusal.value.facts["count"]) == (3, "on_hand", 2)
    assert refusal.value.message.startswith(f"Line 3: {first['fault']} (")


def test_a_line_number_counts_the_lines_within_quotes():
    assert faults('sku,name\nTEA,"two\nlines"\n,x\n')[0][0] == 4


def test_an_open_quote_is_a_fault_of_its_line():
    assert "not CSV" in faults('sku,name\nTEA,"open\n')[0][1]


@pytest.mark.parametrize(
    ("text", "fact", "value"),
    [
        ("", "needed", ["sku"]),
        ("name\nx\n", "missing", ["sku"]),
        ("sku,sku\nA,B\n", "doubtful", {"sku": ["sku", "sku"]}),
        ("sku,qoh,on_hand\nA,1,2\n", "doubtful", {"on_hand": ["qoh", "on_hand"]}),
        (xlsx(["name"], ["x"]), "missing", ["sku"]),
    ],
)
def test_an_unclear_header_needs_a_mapping(text, fact, value):
    with pytest.raises(Refused) as refused:
        rows(text)
    assert refused.value.facts[fact] == value


def test_endless_digits_are_not_a_number():
    assert places(f"sku,on_hand\nTEA,{'9' * 10_000}\n") == [(2, "on_hand")]


def test_too_many_faults_are_counted():
    with pytest.raises(Refused) as refusal:
        rows("sku\n" + "x\x07\n" * 300)
    assert len(refusal.value.facts["faults"]) == sheets.FAULTS_MAX
    assert refusal.value.facts["count"] == 300


def test_a_delivery_is_read_unchanged():
    assert rows("sku,qty\nTEA,1\ntea,2\n", RECEIPTS) == [{"sku": "TEA", "units": 1}, {"sku": "tea", "units": 2}]
    assert [line for line, _ in faults("sku,units\nTEA,0\nMUG,\n,1\nPOT,1\n", RECEIPTS)] == [2, 3, 4]
    with pytest.raises(Refused) as refused:
        rows("sku\nTEA\n", RECEIPTS)
    assert refused.value.facts["missing"] == ["units"]


def test_a_blank_count_is_not_zero():
    counted = rows("sku,name,counted\nTEA,Green,0\nMUG,,\n", COUNTS)
    assert counted == [{"sku": "TEA", "name": "Green", "counted": 0}, {"sku": "MUG"}]
    assert places("sku,counted\nTEA,1\ntea,2\n", COUNTS) == [(3, "sku")]


# What spreadsheets do to SKUs


def test_a_sku_that_became_an_exact_number_is_read():
    lines = [["sku"], [12345], [12345.0], [100000.0], [7], ["1E+05"]]

    def dress(sheet):
        sheet["A3"].value, sheet["A5"].number_format = 54321.0, "00000"

    assert [row["sku"] for row in rows(xlsx(*lines, change=dress))] == [
        "12345",
        "54321",
        "100000",
        "00007",
        "1E+05",
    ]


@pytest.mark.parametrize("value", [1.5, 1e15, 1.2345678901234567e18, date(2026, 2, 1), True, time(9), 0.5])
def test_a_sku_that_lost_digits_is_refused(value):
    ((line, fault),) = faults(xlsx(["name", "sku"], ["x", value]))
    assert line == 2
    assert fault.startswith("B2 holds")


def test_a_permanently_shortened_sku_is_refused():
    assert [line for line, _ in faults("sku\n1E+05\n1.23457E+11\nE+05\n")] == [2, 3]
    assert [line for line, _ in faults("sku;name\n1,23457E+11;x\n")] == [2]


# Formulas


def test_a_formula_is_refused_by_cell():
    formulas = xlsx(["sku", "on_hand"], ["TEA", "=1+1"], ["=A2", 1])
    assert places(formulas) == [(2, "on_hand"), (3, "sku")]
    assert [fault.split()[0] for _, fault in faults(formulas)] == ["B2", "A3"]
    assert places(xlsx(["sku"], ["#N/A"])) == [(2, "sku")]


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+49 30", "-5", "@SUM(1)", "'=1", "''s", "1E+05", "#N/A", "'s Ware"])
def test_a_text_like_a_formula_never_runs_and_reads_back(name):
    line = ["TEA", name, -5, *[None] * 6, True, None, None]
    plain = sheets.written(ITEMS, [line], Form.CSV).decode("utf-8-sig")
    ((_, cell, units, *_),) = list(csv.reader(io.StringIO(plain)))[1:]
    assert cell[0] not in "=+-@"
    assert units == "-5"  # a number is a number
    book = load_workbook(io.BytesIO(sheets.written(ITEMS, [line], Form.XLSX)))
    assert book.active["B2"].data_type == "s"
    for form in Form:
        ((_, _), (_, values)) = sheets.read(
            sheets.written(ITEMS, [["A", "", 1, *[None] * 9], [*line[:2], 5, *line[3:]]], form), ITEMS
        ).rows
        assert values == {"sku": "TEA", "name": name, "on_hand": 5, "drop_ship": True}


# Every text that an item can have, and often what hurts: signs that spreadsheets run, in every width, behind every delimiter.
HURTS = "=+-@'\"＝＋－＠﹢−;,\t\n |1E5.\u00a0\u200b\ufeff"
letters = st.characters(codec="utf-8", exclude_categories=["Cs", "Cn"]) | st.sampled_from(HURTS)
words = st.text(letters, max_size=20).map(str.strip)
numbers = st.none() | st.integers(0, QUANTITY_MAX)
skus = st.text(letters, max_size=20) | st.from_regex(
    r"[0-9]{1,3}([.,][0-9]{2})?E[+-]?[0-9]{1,2}|'?0*[0-9]+|1[./-]2[./-]2026", fullmatch=True
)
barcodes = words.filter(lambda word: not re.match(r"[0-9][.,][0-9]+[Ee]", word))
shelf = st.lists(
    st.tuples(
        skus.filter(is_sku).map(check_sku), words, st.integers(-QUANTITY_MAX, QUANTITY_MAX), numbers, numbers, words, barcodes, words,
        st.booleans(),
        st.booleans(), st.integers(-QUANTITY_MAX, QUANTITY_MAX), st.integers(0, 10**15 - 1),
    ),
    unique_by=lambda line: sku_key(line[0]),
    max_size=5,
)  # fmt: skip


@pytest.mark.slow  # hundreds of files
@settings(max_examples=200, deadline=None)
@given(shelf, st.sampled_from(Form))
def test_written_files_read_back_unchanged(lines, form):
    lines = [tuple(writable(v) if isinstance(v, str) else v for v in line) for line in lines]
    content = sheets.written(ITEMS, lines, form)
    for (_, read), line in zip(sheets.read(content, ITEMS).rows, lines, strict=True):
        assert read == {name: value for name, value in zip(ITEMS.names, line, strict=True) if value not in (None, "")}


DANGEROUS = "=+-@\uff1d\uff0b\uff0d\uff20\u2212"


@pytest.mark.slow  # hundreds of files
@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(skus.filter(is_sku).map(check_sku), words), max_size=3), st.sampled_from(",;\t"))
def test_no_spreadsheet_of_any_language_runs_written_text(lines, delimiter):
    """Whatever delimiter it takes, and however it treats quotes, no cell begins with a sign that it would run."""
    content = sheets.written(
        MOVEMENTS, [[None, None, sku, *[None] * 4, name, None, None] for sku, name in lines], Form.CSV
    )
    text = content.decode("utf-8-sig")
    careless = [cell for line in re.split("[\r\n]+", text) for cell in line.split(delimiter)]
    careful = [cell for line in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) for cell in line]
    for cell in [*careful, *(careless if delimiter != "," else [])]:
        first = re.sub(r"^[\s\"\ufeff\u200b]+", "", cell)[:1]
        assert first == "" or first not in DANGEROUS, cell


# Files that mean no good


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_file_is_read_or_refused(content):
    for layout in (ITEMS, COUNTS, RECEIPTS):
        for given_ in (content, b"PK\x03\x04" + content):
            with suppress(Refused):
                sheets.read(given_, layout)


@given(st.integers(0, 6000), st.integers(0, 255))
@settings(max_examples=60)
def test_a_damaged_workbook_is_read_or_refused(place, byte):
    content = bytearray(DAMAGEABLE)
    content[place % len(content)] = byte
    with suppress(Refused):
        sheets.read(bytes(content), ITEMS)


DAMAGEABLE = xlsx(["sku", "on_hand"], ["TEA", 5], ["MUG", 3])


@pytest.mark.parametrize("spoiled", ["4.00638E+12", "4,00638E+12", "1.2e5"])
def test_a_barcode_that_a_spreadsheet_shortened_is_refused(spoiled):
    ((line, said),) = faults(f"sku;barcode\nTEA;{spoiled}\n")
    assert line == 2
    assert spoiled in said


def test_a_file_beyond_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr(sheets, "FILE_BYTES_MAX", 10)
    with pytest.raises(Refused, match="split it"):
        rows("x" * 11)
    monkeypatch.undo()
    monkeypatch.setattr(sheets, "ROWS_MAX", 2)
    for content in ("sku\nA\nB\nC\n", xlsx(["sku"], ["A"], ["B"], ["C"])):
        with pytest.raises(Refused, match="more than 2 lines"):
            rows(content)


def test_an_endless_workbook_is_refused_before_it_is_unpacked():
    bomb = repacked(DAMAGEABLE, sheet1=b"<a>" + b" " * (workbooks.UNPACKED_BYTES_MAX + 1))
    assert len(bomb) < 1_000_000
    tracemalloc.start()
    with pytest.raises(Refused, match="unpacks to more than"):
        rows(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


SPREADSHEET = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


@pytest.mark.parametrize(
    ("part", "said"),
    [
        # Entities that multiply: a billion words in a few lines.
        (
            '<!DOCTYPE b [<!ENTITY a "'
            + "x" * 100_000
            + '">'
            + "".join(
                f'<!ENTITY {chr(98 + n)} "{"&" + chr(97 + n) + ";"}{("&" + chr(97 + n) + ";") * 9}">' for n in range(9)
            )
            + f"]><worksheet {SPREADSHEET}><sheetData><row><c t='inlineStr'><is><t>&j;</t></is></c></row></sheetData></worksheet>",
            "damaged",
        ),
        (f'<worksheet {SPREADSHEET}><sheetData><row r="99999999999"><c r="A1"/></row></sheetData></worksheet>', "."),
        (
            f'<worksheet {SPREADSHEET}><sheetData><row r="1"><c r="XFD1"><v>1</v></c></row></sheetData></worksheet>',
            "cells",
        ),
        (f"<worksheet {SPREADSHEET}><sheetData><row>", "damaged"),
    ],
    ids=["entities", "a far row", "a far column", "cut off"],
)
def test_a_hostile_workbook_is_refused(part, said):
    with pytest.raises(Refused, match=said):
        rows(repacked(DAMAGEABLE, sheet1=part))


@pytest.mark.slow  # large files
@pytest.mark.parametrize(
    "part",
    [
        f"<worksheet {SPREADSHEET}><sheetData><row>" + "<c/>" * 3_000_000 + "</row></sheetData></worksheet>",
        f"<worksheet {SPREADSHEET}><sheetData><row>" + "<c/><!--<row>-->" * 300_000 + "</row></sheetData></worksheet>",
        f"<worksheet {SPREADSHEET}><cols>" + "<col/>" * 5_000_000 + "</cols></worksheet>",
    ],
    ids=["one row", "hidden in comments", "outside of rows"],
)
def test_a_workbook_of_very_many_elements_is_refused_before_they_are_read(part):
    bomb = repacked(DAMAGEABLE, sheet1=part)
    tracemalloc.start()
    with pytest.raises(Refused, match=r"XLSX file is damaged|save it as CSV"):
        rows(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_a_workbook_with_a_false_size_is_cut_off():
    bomb = bytearray(repacked(DAMAGEABLE, sheet1=b"<a>" + b" " * 50_000_000))
    entry = bomb.index(b"xl/worksheets/sheet1.xml", bomb.index(b"PK\x01\x02")) - 46
    struct.pack_into("<I", bomb, entry + 24, 100)
    with pytest.raises(Refused, match="damaged"):
        rows(bytes(bomb))


def test_a_row_is_found_wherever_the_file_is_cut(monkeypatch):
    many = xlsx(["sku", "on_hand"], *([f"S{number}", number] for number in range(2000)))
    monkeypatch.setattr(workbooks, "ROW_TAGS_MAX", 20)
    for size in (64, 1000, 1001):
        monkeypatch.setattr(workbooks, "PIECE_BYTES", size)
        assert len(rows(many)) == 2000


def test_the_declared_size_of_a_sheet_is_ignored():
    with zipfile.ZipFile(io.BytesIO(DAMAGEABLE)) as packed:
        sheet = packed.read("xl/worksheets/sheet1.xml").decode()
    assert '<dimension ref="A1:B3"' in sheet
    assert len(rows(repacked(DAMAGEABLE, sheet1=sheet.replace("A1:B3", "A1:B2")))) == 2


def test_a_workbook_with_more_sheets_has_a_remark():
    book = Workbook()
    book.active.append(["sku"])
    book.active.append(["TEA"])
    book.create_sheet("Old")
    out = io.BytesIO()
    book.save(out)
    assert sheets.read(out.getvalue(), ITEMS).remarks == ["The file has 2 sheets. Only the first, 'Sheet', was read."]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel file"),
        (repacked(b"PK\x05\x06" + b"\0" * 18), "XLSX"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "."),
        (b"sku,name\nTEA,ok\nMUG,caf\x81\n", "Line 3 is not readable text"),
        (b"sku\nTE\0A\n", "."),
    ],
)
def test_a_file_that_is_not_a_table_is_refused(content, said):
    with pytest.raises(Refused, match=said):
        rows(content)


# Writing much


@pytest.mark.slow  # large files
def test_many_movements_are_written_in_little_memory(monkeypatch):
    def many(count):
        for number in range(count):
            yield [number, "2026-01-01", "TEA", "sale", -1, "Amber", str(number), "", "", f"line/{number}"]

    tracemalloc.start()
    size = sum(map(len, sheets.write(MOVEMENTS, many(50_000), Form.CSV)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 2_000_000
    assert peak < 1_000_000  # it does not grow with the rows
    monkeypatch.setattr(workbooks, "LINES_MAX", 100)
    with pytest.raises(Refused, match="use CSV"):
        list(sheets.write(MOVEMENTS, many(100), Form.XLSX))


def test_the_ending_decides_the_format():
    assert [Form.of(name) for name in ("a.xlsx", "A.XLSX", "a.csv", "a", "-")] == [Form.XLSX] * 2 + [Form.CSV] * 3
