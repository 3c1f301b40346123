"""Holds the reading of SKUs to what a person sees."""

from __future__ import annotations

import re
import string
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from onhand.domain.errors import Refused
from onhand.domain.listings import Direction, Problem, Shown, Tie, plan
from onhand.domain.spelling import Text, as_seen, look, mended, spoiled, strangers, unreadable, writable
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


@pytest.mark.parametrize(("first", "last"), [(0x180B, 0x180F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF)], ids=hex)
def test_variation_selectors_are_invisible_and_their_neighbours_are_not(first: int, last: int) -> None:
    assert as_seen("T" + "".join(map(chr, range(first, last + 1)))) == "T"
    for neighbour in (first - 1, last + 1):
        seen = unicodedata.category(chr(neighbour)) != "Cf"
        assert as_seen(f"T{chr(neighbour)}") == (f"T{chr(neighbour)}" if seen else "T")


@pytest.mark.parametrize("letter", BLANKS, ids=ascii)
def test_every_blank_is_a_blank(letter: str) -> None:
    assert check_sku(f"{letter}TEA{letter}1{letter}") == "TEA 1"


@pytest.mark.parametrize(
    "sku", ["TEA\u202e1", "TEA\u2067x", "T\u2028A", "T\u2029A", "T\ufffdA", "T\x85A", "T\x1bA"], ids=ascii
)
def test_what_cannot_be_seen_as_it_is_is_refused(sku: str) -> None:
    assert not is_sku(sku)


@pytest.mark.parametrize("sign", "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2", ids=ascii)
def test_a_number_sign_has_a_shape_and_stays(sign: str) -> None:
    assert check_sku(f"{sign}12") == f"{sign}12"


@pytest.mark.parametrize(
    ("letters", "why"),
    [
        ("\t\x00\x1b\x85\u2028\u2029\ud800", "contains something that is no character of a text, such as a tab: remove it"),
        ("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
         "contains a mark that changes the order of its letters: type it again without it"),
        ("\ufffd", "contains a character that could not be read: type it again"),
        (string.ascii_letters + string.digits + string.punctuation + " ", None),
    ],
    ids=["no character", "order", "lost", "plain"],
)  # fmt: skip
def test_a_sku_is_read_as_it_is_or_the_reason_is_said(letters: str, why: str | None) -> None:
    for letter in letters:
        assert unreadable(f"TEA{letter}1") == why


texts = st.text(st.characters() | st.sampled_from("X\r\n\t \x00\ud800\ufffe\uffff"), max_size=30)


@given(texts)
@example("X\n\r\nX\tX")
@example("T\r\rA\r")
@example("T\ud800A\x00")
@example("\ufffe\uffffX\x85")
def test_a_file_can_hold_every_text_and_no_more_of_it_is_lost_than_has_to_be(text: str) -> None:
    def held(letter: str) -> str:
        odd = unicodedata.category(letter) in {"Cc", "Cs"} and letter not in "\n\t"
        return "\ufffd" if odd or letter in {"\ufffe", "\uffff"} else letter

    assert writable(text) == "".join(map(held, re.sub("\r\n?", "\n", text))).strip()
    assert writable(writable(text)) == writable(text)


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
    ("strange", "plain"),
    [
        ("АВЕЅІЈКМНОРСТУХԚԜҮѴ", "ABESIJKMHOPCTYXQWYV"),
        ("аеѕіјорсухԛԝԁһүѵ", "aesijopcyxqwdhyv"),
        ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϳοϲν", "ABEZHIKMNOPTYXCjocv"),
        ("ՍՏՕօոսհց", "USOonuhg"),
        ("ᎪᏴᏟᎠᎬᎻᎥᎫᏦᏞᎷᏢᏒᏚᎢᏙᏔᏃ", "ABCDEHiJKLMPRSTVWZ"),
        ("ıɡɑℓǀ∣", "igall|"),
        ("‐‑‒–—―−⁃˗﹣ー─➖", "-" * 13),
        ("‘’‛′ʹʼ´ˈ", "'" * 8),
        ("“”„‟″ʺ", '"' * 6),
        ("⁄∕⧸∖⧵", "///\\\\"),
        ("×✕✖⨯", "xxxx"),
        ("․‧·•∙⋅", "......"),
        ("‚،։∶ː⁎∗＿ˍ", ",,:::**__"),
    ],
    ids=lambda row: ascii(row[0]),
)  # fmt: skip
def test_letters_of_other_alphabets_look_like_ours(strange: str, plain: str) -> None:
    assert len(strange) == len(plain)
    for one, other in zip(strange, plain, strict=True):
        assert look(f"T{one}1") == look(f"T{other}1"), unicodedata.name(one)


@pytest.mark.parametrize("letter", sorted({*string.printable} - {*string.whitespace, "`"}))
def test_a_plain_letter_looks_like_itself_beside_any_other(letter: str) -> None:
    assert look(f"É{letter} 1") == f"é{letter.casefold()} 1"


def test_only_letters_that_look_like_others_are_named_three_at_most() -> None:
    assert strangers("TÉA-1") == strangers("TEA") == ""
    assert strangers("TЕА") == "Е is CYRILLIC CAPITAL LETTER IE, А is CYRILLIC CAPITAL LETTER A"
    assert strangers("ТЕАМ") == strangers("ТЕА") == strangers("ТЕАТ")
    assert strangers("A\x85B") == "\x85 is nameless"


@pytest.mark.parametrize(
    ("one", "other"), [("TEA", "TÉA"), ("O1", "01"), ("l1", "11"), ("rn", "m"), ("в", "b"), ("10µF", "10mF")]
)
def test_what_can_be_told_apart_has_another_look(one: str, other: str) -> None:
    assert look(one) != look(other)


@pytest.mark.parametrize(
    ("skus", "what"),
    [
        (
            ["1.00E-05", "1,00E+05", "1e5", "1.2E+17", "1.0E5", "1E+05", "1E-5", "-1.5E+3", "１Ｅ＋５", "1.00e−05", "1×10^5", "1.2x10^5",
             "1*10^5", "1·10**5", "1✕10^-5", "1 Е 5", "1,5 × 10⁵", "1.5x10⁻¹²", "1✕ 10⁺³"],
            "was shortened by a spreadsheet to a power of ten",
        ),
        (
            ["01.Feb", "1-Feb", "2-Jan", "Feb-26", "Mrz 26", "01. Mai", "1/2/2026", "01.02.2026", "2026-02-01", "2026-02-01 00:00:00",
             "1 dic 2026", "31/12/1999", "1999-12-31T00:00", "sept. 2026", "févr-26", "Août.1999", "1. 2.2026".replace(" ", "")],
            "was turned into a date by a spreadsheet",
        ),
        (["123456789012345000000", "123456789012345000"], "seems to have lost its last digits in a spreadsheet"),
    ],
    ids=["power", "date", "digits"],
)  # fmt: skip
def test_what_a_spreadsheet_spoiled_is_named(skus: list[str], what: str) -> None:
    for sku in skus:
        assert spoiled(sku) == what, sku
        assert spoiled(f" {sku}\u200b") == what, sku


MONTHS = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Mrz", "Mär", "Mai", "Okt", "Dez", "Jän",
    "janv", "févr", "mars", "avr", "mai", "juin", "juil", "août", "sept", "déc", "ene", "abr", "ago", "set", "dic", "gen", "mag", "giu",
    "lug", "ott", "mei", "maj", "mrt",
]  # fmt: skip


@pytest.mark.parametrize("month", MONTHS)
def test_a_month_is_known_in_the_languages_of_spreadsheets(month: str) -> None:
    for written in (month, month.lower(), month.capitalize()):
        assert spoiled(f"1-{written}") == spoiled(f"{written} 26") == "was turned into a date by a spreadsheet"


@pytest.mark.parametrize(
    "sku", ["E+05", "1-2", "FEB-26", "12.34.56", "1E5X", "X1E5", "00123", "1.5", "TEA", "10x10", "123456789012345", "12345678901234000",
            "012345678901234000", "2026-13-01", "2026-02-32", "32.1.2026", "1.32.2026", "1.2-2026", "1.2.2126", "2126-02-01", "1-Febr",
            "Feb-1", "Feb-2126", "111-Feb", "1-2-3", "1x10", "1x11^5", "1E", "1x10⁵⁵x", "X-Feb"]
)  # fmt: skip
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
    "text", ["ßž", "Käse", "CAFÉ", "Grün & süß", "日本", "Чай", "ÑANDÚ", "Tea – 5 €", "naïve", "Â", "Ã", "a Ã b"]
)
def test_a_text_that_is_in_order_is_left_alone(text: str) -> None:
    assert mended(text) == (text, Text.PLAIN)


@pytest.mark.parametrize("text", ["CAFÉ®", "É»", "caf\ufffd", "cafÃ© – é", "R™ Ä™"])
def test_a_text_that_may_be_meant_so_is_reported_and_left_alone(text: str) -> None:
    said, how = mended(text)
    assert (said, how) in {(text, Text.DOUBTFUL), (text, Text.PLAIN)}
    assert how is Text.DOUBTFUL or text.startswith("R")


@pytest.mark.parametrize(
    ("broken", "meant"),
    [
        ("cafÃ©", "café"),
        ("KÃ¤se\n\tgroß".replace("ß", "Ã\x9f"), "Käse\n\tgroß"),
        ("Ã\x84rger", "Ärger"),
        ("â‚¬ 5", "€ 5"),
        ("Å¾Ã©", "žé"),
        ("Ð§Ð°Ð¹", "Чай"),
        ("æ—¥æœ¬", "日本"),
    ],
)
def test_a_text_that_nobody_can_have_meant_is_read_back(broken: str, meant: str) -> None:
    assert mended(broken) == (meant, Text.MENDED)


SIGNS = "®©™°»”’…–—²³¹½¼¾ªº§¶·¡¿«“‘€£¢¥"


@given(st.lists(st.tuples(st.sampled_from("ÄÉÑÕÖÜÇÈÊËÎÏÔÚÛŽŠ"), st.sampled_from(SIGNS)), min_size=1))
@example([("É", sign) for sign in SIGNS])
def test_a_capital_letter_before_a_sign_may_be_meant(pairs: list[tuple[str, str]]) -> None:
    text = "Café " + " ".join("".join(pair) for pair in pairs)
    said, how = mended(text)
    assert said == text
    assert how is not Text.MENDED


@pytest.mark.parametrize("text", ["ðŸ¿¾", "î„£", "Â…"], ids=ascii)
def test_what_would_be_no_letter_was_not_meant(text: str) -> None:
    """A noncharacter, one for private use, and a control character."""
    assert mended(text) == (text, Text.DOUBTFUL)


def test_no_item_is_made_of_a_sku_that_only_looks_like_another() -> None:
    items = {1: Item(1, "TEA", "", 0)}
    skus = {10: "TЕA", 11: "MUG–1", 12: "MUG-1", 13: "POT", 14: "ΡOΤ-2"}
    shown = [Shown(product, sku, "", 5, Tie(None, Problem.UNMATCHED)) for product, sku in skus.items()]
    lines = {line.product: line for line in plan(Direction.GET, shown, items, 0, create=True)}
    assert [product for product, line in lines.items() if line.problem is Problem.LOOKS_ALIKE] == [10, 11, 12]
    assert [product for product, line in lines.items() if line.create] == [13, 14]
    assert all(line.change == 0 for line in lines.values() if not line.create)
