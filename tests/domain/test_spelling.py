"""Holds the reading of SKUs to what a person sees."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.errors import Refused
from onhand.domain.listings import Direction, Problem, Shown, Tie, plan
from onhand.domain.spelling import Text, as_seen, look, mended, spoiled, strangers
from onhand.domain.stock import Item, check_sku, is_sku, sku_key

INVISIBLE = [
    "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u200e", "\u200f", "\u061c", "\u034f", "\u180e",
    "\ufe0f", "\U000e0100", "\U000e0041", "\u3164", "\uffa0", "\u115f", "\u2064",
]  # fmt: skip
BLANKS = ["\u00a0", "\u2002", "\u2009", "\u200a", "\u202f", "\u205f", "\u3000", "\u2007", "\u2800"]


@pytest.mark.parametrize("letter", INVISIBLE, ids=ascii)
def test_what_nobody_sees_does_not_make_another_sku(letter: str) -> None:
    for sku in (f"{letter}TEA-1", f"TEA{letter}-1", f"TEA-1{letter}", f" {letter} TEA-1 "):
        assert check_sku(sku) == "TEA-1"
        assert sku_key(sku) == sku_key("tea-1")
    with pytest.raises(Refused):
        check_sku(letter)


@pytest.mark.parametrize("letter", BLANKS, ids=ascii)
def test_every_blank_is_a_blank(letter: str) -> None:
    assert check_sku(f"{letter}TEA{letter}1{letter}") == "TEA 1"


@pytest.mark.parametrize(
    "sku", ["TEA\u202e1", "TEA\u2067x", "T\u2028A", "T\u2029A", "T\ufffdA", "T\x85A", "T\x1bA"], ids=ascii
)
def test_what_cannot_be_seen_as_it_is_is_refused(sku: str) -> None:
    assert not is_sku(sku)


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_reading_twice_is_reading_once(text: str) -> None:
    seen = as_seen(text)
    assert as_seen(seen) == seen
    assert sku_key(seen) == sku_key(text)
    assert look(seen) == look(text)
    assert look(text.upper()) == look(text.upper().upper())


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30))
def test_a_sku_of_plain_letters_looks_like_itself_only(sku: str) -> None:
    assert look(sku) == sku_key(sku)


@pytest.mark.parametrize(
    "sku",
    [
        "TЕA-10",
        "ТЕА-10",
        "ΤΕΑ-10",
        "TEA–10",
        "TEA‑10",
        "ＴＥＡ-10",
        "TEA−10",
        "𝐓𝐄𝐀-10",
        "TEA-１０",
        "tеa-10",
        "TEA-①０".replace("①", "1"),
    ],
)
def test_what_looks_the_same_has_the_same_look(sku: str) -> None:
    assert look(sku) == look("TEA-10")
    assert sku_key(sku) != sku_key("TEA-10")
    assert unicodedata.name(next(letter for letter in sku if not letter.isascii())) in strangers(sku)


@pytest.mark.parametrize(
    ("one", "other"), [("TEA", "TÉA"), ("O1", "01"), ("l1", "11"), ("rn", "m"), ("в", "b"), ("10µF", "10mF")]
)
def test_what_can_be_told_apart_has_another_look(one: str, other: str) -> None:
    assert look(one) != look(other)


@pytest.mark.parametrize(
    "sku",
    [
        "1.00E-05", "1,00E+05", "1e5", "1.2E+17", "1.0E5", "1E+05", "1E-5", "-1.5E+3", "１Ｅ＋５", "1.00e−05", "1×10^5", "1.2x10^5",
        "1*10^5", "1,5 × 10⁵", "01.Feb", "1-Feb", "2-Jan", "Feb-26", "Mrz 26", "01. Mai", "1/2/2026", "01.02.2026", "2026-02-01",
        "2026-02-01 00:00:00", "123456789012345000000",
    ],
)  # fmt: skip
def test_what_a_spreadsheet_spoiled_is_named(sku: str) -> None:
    assert spoiled(sku)
    assert spoiled(f" {sku}\u200b")


@pytest.mark.parametrize(
    "sku", ["E+05", "1-2", "FEB-26", "12.34.56", "1E5X", "X1E5", "00123", "1.5", "TEA", "10x10", "123456789012345"]
)
def test_what_is_a_sku_is_left_alone(sku: str) -> None:
    assert spoiled(sku) is None


@given(
    st.text("äöüßéèçñøåłżőžАБЯ日本–’“ €TEAea 1", min_size=1, max_size=20),
    st.sampled_from(["latin1", "cp1252"]),
    st.integers(1, 2),
)
def test_a_text_in_a_broken_character_set_is_read_as_it_was_meant(text: str, taken_for: str, times: int) -> None:
    broken = text
    for _ in range(times):
        code = broken.encode()
        broken = "".join(bytes([n]).decode(taken_for, "ignore") or chr(n) for n in code)
    said, how = mended(broken)
    assert said == text or how is Text.DOUBTFUL
    assert (how is Text.PLAIN) == text.isascii()


@pytest.mark.parametrize(
    "text", ["Käse", "CAFÉ", "Grün & süß", "日本", "Чай", "ÑANDÚ", "Tea – 5 €", "naïve", "Â", "Ã", "a Ã b"]
)
def test_a_text_that_is_in_order_is_left_alone(text: str) -> None:
    assert mended(text) == (text, Text.PLAIN)


@pytest.mark.parametrize("text", ["CAFÉ®", "É»", "caf\ufffd", "cafÃ© – é", "R™ Ä™"])
def test_a_text_that_may_be_meant_so_is_reported_and_left_alone(text: str) -> None:
    said, how = mended(text)
    assert (said, how) in {(text, Text.DOUBTFUL), (text, Text.PLAIN)}
    assert how is Text.DOUBTFUL or text.startswith("R")


def test_no_item_is_made_of_a_sku_that_only_looks_like_another() -> None:
    items = {1: Item(1, "TEA", "", 0)}
    skus = {10: "TЕA", 11: "MUG–1", 12: "MUG-1", 13: "POT", 14: "ΡOΤ-2"}
    shown = [Shown(product, sku, "", 5, Tie(None, Problem.UNMATCHED)) for product, sku in skus.items()]
    lines = {line.product: line for line in plan(Direction.GET, shown, items, 0, create=True)}
    assert [product for product, line in lines.items() if line.problem is Problem.LOOKS_ALIKE] == [10, 11, 12]
    assert [product for product, line in lines.items() if line.create] == [13, 14]
    assert all(line.change == 0 for line in lines.values() if not line.create)
