"""Holds the reading of CSV files to its promise: whole, or refused with every bad line named.

Path: pytest, no store needed.
Promise: what merchants' spreadsheets write is read; what is wrong in them is named by line.
Never: imports anything into a store; that is ``test_commands.py``.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand import csvfiles
from onhand.domain.errors import Refused
from onhand.domain.stock import QUANTITY_MAX, Item
from onhand.services.items import Entry


def faults(read, text):
    """Line and fault of every bad line."""
    with pytest.raises(Refused) as refusal:
        read(text)
    return [(fault["line"], fault["fault"]) for fault in refusal.value.facts["faults"]]


@pytest.mark.parametrize(
    "text",
    [
        "sku,name,on_hand\nTEA,Green,5\n",
        "\ufeffSKU;Title;QOH\r\n tea ;Green;+5\r\n\r\n",
        'sku\tname\tquantity\n"TEA"\tGreen\t5',
        "on hand,sku,name\n5,TEA,Green\n,,\n",
    ],
)
def test_what_spreadsheets_write_is_read(text):
    (entry,) = csvfiles.read_items(text)
    assert (entry.sku.upper(), entry.name, entry.on_hand) == ("TEA", "Green", 5)


def test_quantity_and_name_may_be_left_out():
    assert csvfiles.read_items("sku\nTEA\n") == [Entry(2, "TEA", "", None)]
    assert csvfiles.read_items("sku,on_hand\nTEA,\n") == [Entry(2, "TEA", "", None)]


def test_every_bad_line_is_named():
    text = "sku,on_hand\nTEA,5\n,1\nMUG,1.5\nPOT,-1\ntea,1\nCUP\nJAR,1,2\nPAN,99999999999\n"
    named = faults(csvfiles.read_items, text)
    assert [line for line, _ in named] == [3, 4, 5, 6, 7, 8, 9]
    assert named[1][1] == "on_hand '1.5' is not a whole number"
    assert named[3][1] == "the SKU 'tea' stands in line 2 already"
    assert named[4][1] == "1 cells where the header has 2"


def test_a_line_number_counts_the_lines_within_quotes():
    assert faults(csvfiles.read_items, 'sku,name\nTEA,"two\nlines"\n,x\n')[0][0] == 4


def test_an_open_quote_is_a_fault_of_its_line():
    assert "not CSV" in faults(csvfiles.read_items, 'sku,name\nTEA,"open\n')[0][1]


@pytest.mark.parametrize("text", ["", "name\nx\n", "sku,sku\nA,B\n", "sku,price\nA,1\n", "sku,\nA,\n"])
def test_a_header_that_does_not_fit_is_refused(text):
    with pytest.raises(Refused, match="The first line must name the columns: sku"):
        csvfiles.read_items(text)


def test_digits_without_end_are_no_number():
    assert "is not a whole number" in faults(csvfiles.read_items, f"sku,on_hand\nTEA,{'9' * 10_000}\n")[0][1]


def test_too_many_faults_are_counted():
    with pytest.raises(Refused) as refusal:
        csvfiles.read_items("sku\n" + "x\x07\n" * 300)
    assert len(refusal.value.facts["faults"]) == csvfiles.FAULTS_MAX
    assert refusal.value.facts["count"] == 300


def test_a_delivery_is_read_as_it_stands():
    assert csvfiles.read_delivery("sku,qty\nTEA,1\ntea,2\n") == [("TEA", 1), ("tea", 2)]
    assert [line for line, _ in faults(csvfiles.read_delivery, "sku,units\nTEA,0\nMUG,\n,1\nPOT,1\n")] == [2, 3, 4]
    with pytest.raises(Refused, match="sku and units"):
        csvfiles.read_delivery("sku\nTEA\n")


def test_bytes_that_are_no_text_are_named_by_line():
    assert csvfiles.decoded("\ufeffsku\nTÄA\n".encode()) == "sku\nTÄA\n"
    assert faults(csvfiles.decoded, b"sku,name\nTEA,ok\nMUG,caf\xe9\n") == [(3, "not UTF-8")]


def test_a_file_beyond_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr(csvfiles, "BYTES_MAX", 10)
    with pytest.raises(Refused, match="split it"):
        csvfiles.decoded(b"x" * 11)
    monkeypatch.setattr(csvfiles, "LINES_MAX", 2)
    with pytest.raises(Refused, match="more than 2 lines"):
        csvfiles.read_items("sku\nA\nB\nC\n")


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20).map(str.strip)
shelf = st.lists(
    st.tuples(words.filter(bool), words, st.integers(0, QUANTITY_MAX)), unique_by=lambda line: csvfiles.sku_key(line[0])
)


@given(shelf)
def test_what_is_written_is_read_again(lines):
    text = csvfiles.write_items([Item(1, *line) for line in lines])
    assert [(e.sku, e.name, e.on_hand) for e in csvfiles.read_items(text)] == lines


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    for read in (csvfiles.read_items, csvfiles.read_delivery):
        try:
            read(text)
        except Refused:
            continue
