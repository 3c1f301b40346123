"""Reads a SKU as a person does: what is invisible in it, what it looks like, and what a spreadsheet has made of it.

Path: ``stock.sku_key`` and ``stock.check_sku`` read every SKU with ``as_seen``, typed, from a file or from a shop; ``sheets`` asks
``spoiled``; ``storage.ledger`` and ``listings.plan`` compare ``look``; ``carts.legible`` mends texts with ``mended``.
Promise: two SKUs that differ only in invisible characters are one SKU; two that only look the same have the same ``look``.
Never: changes a character that a person can see. ``look`` is for comparing only and is never stored or shown.
"""

from __future__ import annotations

import re
import unicodedata
from enum import Enum
from itertools import pairwise

# Characters without a shape of their own. Arabic number signs (also Cf) do have one and stay.
_SIGNS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2")
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
_SELECTORS = ((0x180B, 0x180F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
# They reorder the characters around them, so that a person sees another text.
_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BLANK = "\u2800"  # a braille cell without dots
_UNREADABLE = "\N{REPLACEMENT CHARACTER}"


def _is_invisible(letter: str) -> bool:
    if letter in _REORDERING or letter in _SIGNS:
        return False
    code = ord(letter)
    return (
        unicodedata.category(letter) == "Cf"
        or letter in _FILLERS
        or any(low <= code <= high for low, high in _SELECTORS)
    )


def as_seen(text: str) -> str:
    """Return a SKU as a person sees it: invisible characters left out, every kind of blank a blank, no outer blanks."""
    if text.isascii():
        return text.strip()
    seen = (
        " " if unicodedata.category(letter) == "Zs" or letter == _BLANK else letter
        for letter in unicodedata.normalize("NFC", text)
        if not _is_invisible(letter)
    )
    return unicodedata.normalize("NFC", "".join(seen)).strip()


def unreadable(sku: str) -> str | None:
    """Return why a text cannot be read as a SKU, as an end of "This SKU …"; None if it can."""
    for letter in sku:
        if unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"}:
            return "contains something that is no character of a text, such as a tab: remove it"
        if letter in _REORDERING:
            return "contains a mark that changes the order of its letters: type it again without it"
        if letter == _UNREADABLE:
            return "contains a character that could not be read: type it again"
    return None


def writable(text: str) -> str:
    """Return a text as a file can hold it: one kind of line end, and a sign for each character that no table can hold."""
    if text.isprintable():
        return text.strip()
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(letter if _is_writable(letter) else _UNREADABLE for letter in plain).strip()


def _is_writable(letter: str) -> bool:
    if letter in {"\n", "\t"}:
        return True
    return unicodedata.category(letter) not in {"Cc", "Cs"} and letter not in "\ufffe\uffff"


# What a SKU looks like

# Letters of other alphabets that look like a Latin letter or a digit in most typefaces, upper and lower case apart: a Greek Μ looks
# like M, a μ does not. Latin letters and digits stay apart (O and 0, l and 1): real SKUs differ in them. The choice follows the list
# of confusable characters of Unicode Technical Standard 39, for the alphabets that shops in our languages have keyboards for.
_ALIKE = {
    # Cyrillic
    **dict(zip("АВЕЅІЈКМНОРСТУХԚԜҮѴ", "ABESIJKMHOPCTYXQWYV", strict=True)),
    **dict(zip("аеѕіјорсухԛԝԁһүѵ", "aesijopcyxqwdhyv", strict=True)),
    # Greek
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϳοϲν", "ABEZHIKMNOPTYXCjocv", strict=True)),
    # Armenian, and Cherokee capitals
    **dict(zip("ՍՏՕօոսհց", "USOonuhg", strict=True)),
    **dict(zip("ᎪᏴᏟᎠᎬᎻᎥᎫᏦᏞᎷᏢᏒᏚᎢᏙᏔᏃ", "ABCDEHiJKLMPRSTVWZ", strict=True)),
    # Latin letters and signs of other writing
    **dict(zip("ıɡɑℓǀ∣", "igall|", strict=True)),
    **dict.fromkeys("‐‑‒–—―−⁃˗﹣ー─➖", "-"),
    **dict.fromkeys("‘’‚‛′ʹʼ`´ˈ", "'"),
    **dict.fromkeys("“”„‟″ʺ", '"'),
    **dict.fromkeys("⁄∕⧸", "/"),
    **dict.fromkeys("∖⧵", "\\"),
    **dict.fromkeys("×✕✖⨯", "x"),
    **dict.fromkeys("․‧·•∙⋅", "."),
    **dict.fromkeys("‚،", ","),
    **dict.fromkeys("։∶ː", ":"),
    **dict.fromkeys("⁎∗", "*"),
    **dict.fromkeys("＿ˍ", "_"),
}
_LOOKS = str.maketrans(_ALIKE)


def look(sku: str) -> str:
    """Return what a SKU looks like: two SKUs with the same look cannot be told apart on paper. Case does not count, as in SKUs."""
    seen = as_seen(sku)
    if seen.isascii():
        return seen.casefold()
    # First as it is written, because wide letters and the like hide behind compatibility; then what that brought about.
    plain = unicodedata.normalize("NFKC", seen.translate(_LOOKS)).translate(_LOOKS)
    digits = (str(unicodedata.decimal(letter, letter)) for letter in plain)
    return unicodedata.normalize("NFC", " ".join("".join(digits).split())).casefold()


def strangers(sku: str) -> str:
    """Return the characters of a SKU that look like others, by their names in Unicode."""
    seen = as_seen(sku)
    strange = dict.fromkeys(letter for letter in seen if not letter.isascii() and look(letter) != letter.casefold())
    return ", ".join(f"{letter} is {unicodedata.name(letter, 'nameless')}" for letter in list(strange)[:3])


# What a spreadsheet makes of a SKU

_POWER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?( ?[EeЕе] ?[+-]?[0-9]+| ?[x*·.×✕] ?10 ?(\^|\*\*) ?[+-]?[0-9]+)")
_SUPERSCRIPT = re.compile(r"[0-9.,]+\s?[x*·×✕]\s?10[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_MONTHS = (
    "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec Mrz Mär Mai Okt Dez Jän janv févr mars avr mai juin juil août sept déc ene abr "
    "ago set dic gen mag giu lug ott mei maj feb mrt"
)
_MONTH = "|".join(sorted({m for word in _MONTHS.split() for m in (word, word.lower(), word.capitalize())}))
_DATES = (
    re.compile(rf"[0-9]{{1,2}}[-. /]{{1,2}}({_MONTH})\.?([-. /]{{1,2}}([0-9]{{2}}|[0-9]{{4}}))?"),
    re.compile(rf"({_MONTH})\.?[-. /]{{1,2}}([0-9]{{2}}|(19|20)[0-9]{{2}})"),
    re.compile(r"(0?[1-9]|[12][0-9]|3[01])([-./])(0?[1-9]|[12][0-9]|3[01])\2(19|20)[0-9]{2}( [0-9:]+)?"),
    re.compile(r"(19|20)[0-9]{2}([-./])(0?[1-9]|1[0-2])\2(0?[1-9]|[12][0-9]|3[01])([T ][0-9:.]+)?"),
)
_MAY_BE = re.compile(rf"[+-]?[0-9]|({_MONTH})")  # what all of these begin with
_LONG = re.compile(r"[1-9][0-9]{14,}0{3,}")


def spoiled(sku: str) -> str | None:
    """Return what a spreadsheet seems to have made of a SKU that was given as bare text; None if it reads as it was meant."""
    seen = as_seen(sku)
    plain = unicodedata.normalize("NFKC", seen).replace("\N{MINUS SIGN}", "-")
    if not _MAY_BE.match(plain):
        return None
    if _POWER.fullmatch(plain) or _SUPERSCRIPT.fullmatch(seen):
        return "was shortened by a spreadsheet to a power of ten"
    if any(date.fullmatch(plain) for date in _DATES):
        return "was turned into a date by a spreadsheet"
    if _LONG.fullmatch(plain):
        return "seems to have lost its last digits in a spreadsheet"
    return None


# Broken character sets

_C1_OF_CP1252 = {0x81: "\x81", 0x8D: "\x8d", 0x8F: "\x8f", 0x90: "\x90", 0x9D: "\x9d"}  # cp1252 leaves these five open
_BYTE_OF = {bytes([n]).decode("cp1252"): n for n in range(256) if n not in _C1_OF_CP1252} | {
    chr(n): n
    for n in range(0x80, 0xA0)  # what latin1 makes of them
}
_SURE = "ÂÃâ"  # leads of the commonest broken letters and of quotes and dashes; few words end in them
_SYMBOLS = "®©™°»”’…–—²³¹½¼¾ªº§¶·¡¿«“‘€£¢¥"  # may follow a capital letter without anything being broken
ROUNDS_MAX = 3  # how often a text was broken


class Text(Enum):
    """The possible reading of a text of a shop."""

    PLAIN = "plain"  # as it came
    MENDED = "mended"  # it was UTF-8 taken for Latin-1, and was read back
    DOUBTFUL = "doubtful"  # it may be that, or characters were lost: a person has to look


def mended(text: str) -> tuple[str, Text]:
    """Return a text whose UTF-8 was taken for Latin-1 or Windows-1252 (``Ã¤`` for ``ä``) as it was meant, and how sure that is."""
    if text.isascii():
        return text, Text.PLAIN
    found, how = text, Text.PLAIN
    for _ in range(ROUNDS_MAX):
        meant = _meant(found)
        if meant is None:
            break
        if not _is_sure(found, meant):
            return found, Text.DOUBTFUL
        found, how = meant, Text.MENDED
    if _UNREADABLE in found or (how is Text.PLAIN and _CUT.search(found)):
        return found, Text.DOUBTFUL
    return found, how


_CUT = re.compile(r"Ã[\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹Œ‘’“”•–—˜™š›œžŸ]|â€[\u0080-\u00bf™œ˜“”¦]")  # broken, but not whole


def _meant(text: str) -> str | None:
    """Return the text whose UTF-8 bytes these characters would be; None if they are no such bytes."""
    if text.isascii():
        return None
    try:
        meant = bytes(_BYTE_OF[letter] for letter in text).decode("utf-8")
    except (KeyError, UnicodeDecodeError):
        return None
    # ßž would be a letter of N'Ko. No SKU is written in the scripts of these blocks, and many words hold Ü, Ý, Þ or ß.
    return None if any("\u0700" <= letter <= "\u07ff" for letter in meant) else meant


def _is_sure(broken: str, meant: str) -> bool:
    """Return whether the broken text can hardly have been meant as it is: CAFÉ® is a name, and its last two bytes
    are one letter in UTF-8."""
    if any(unicodedata.category(letter) in {"Cn", "Co", "Cc"} and letter not in "\t\n\r" for letter in meant):
        return False
    if any("\x80" <= letter <= "\x9f" for letter in broken):
        return True
    pairs = [pair for pair in pairwise(broken) if min(pair) > "\x7f"]
    return any(lead in _SURE for lead, _ in pairs) or not {follower for _, follower in pairs} <= set(_SYMBOLS)
