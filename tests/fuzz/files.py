"""Files that people may upload, spoilt in every way: tables as CSV and XLSX.

Path: ``run`` makes a ``Files`` and calls ``one`` for input after input.
Promise: a file is read or refused in a sentence; nothing else is an answer.
Never: books anything; ``api`` does that with files, too.
"""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Sequence
from functools import cache

from onhand.domain.errors import Refused
from onhand.files import sheets, workbooks
from onhand.files.layouts import COUNTS, ITEMS, RECEIPTS, Layout
from tests.fuzz import mutations
from tests.fuzz.outcome import Outcome

LAYOUTS = (ITEMS, COUNTS, RECEIPTS)  # those of which people give us files
DELIMITERS = (",", ";", "\t")
ENCODINGS = ("utf-8", "utf-8-sig", "cp1252", "utf-16", "latin-1")
SENTENCE_MAX = 2_000  # characters of a refusal, with what it quotes of the file
WORKBOOK_SHARE = 0.05  # they take a hundred times as long
SAVED = 12  # workbooks as a spreadsheet saves them, for each layout; what is spoilt is one of them


def table(rng: random.Random, layout: Layout) -> list[list[str]]:
    """Rows with a heading, most of them as they should be."""
    columns = [column.name for column in layout.columns]
    if rng.random() < 0.2:
        rng.shuffle(columns)
    if rng.random() < 0.2:
        columns[rng.randrange(len(columns))] = mutations.text(rng)
    rows = [columns]
    for number in range(rng.randrange(6)):
        good = [
            f"SKU-{number}" if name == "sku" else str(rng.choice(("", "1", "12", "yes", "Tea"))) for name in columns
        ]
        if rng.random() < 0.5:
            good[rng.randrange(len(good))] = mutations.text(rng)
        rows.append(good)
    return rows


def csv(rng: random.Random, rows: Sequence[Sequence[str]]) -> bytes:
    """Rows as some program would write them."""
    delimiter = rng.choice(DELIMITERS)
    quote = rng.random() < 0.5
    lines = [delimiter.join(f'"{cell}"' if quote else cell for cell in row) for row in rows]
    return rng.choice(("\n", "\r\n", "\r")).join(lines).encode(rng.choice(ENCODINGS), errors="replace")


def workbook(rng: random.Random, layout: Layout) -> bytes:
    """A workbook of which one part was spoilt, or the whole."""
    whole = _saved(layout, rng.randrange(SAVED))
    if rng.random() < 0.2:
        return mutations.spoilt(rng, whole)
    parts = zipfile.ZipFile(io.BytesIO(whole))
    out, victim = io.BytesIO(), rng.choice(parts.namelist())
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as fresh:
        for name in parts.namelist():
            content = parts.read(name)
            if name == victim:
                content = rng.choice((_respelt, _typed, mutations.spoilt))(rng, content)
            # With a date of its own: a seed makes the same file at any time.
            fresh.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


@cache
def _saved(layout: Layout, number: int) -> bytes:
    rows = table(random.Random(number), layout)
    clean = [["".join(letter for letter in cell if letter.isprintable())[:1000] for cell in row] for row in rows]
    return b"".join(workbooks.write(clean))


def _respelt(rng: random.Random, content: bytes) -> bytes:
    """The same XML in another encoding, or with a declaration that a table has no use for."""
    if rng.random() < 0.5:
        return content.decode(errors="replace").encode(rng.choice(("utf-16", "utf-16-le", "utf-32", "utf-7")))
    entity = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    return content.replace(b"?>", b"?>" + entity, 1).replace(b"<v>", b"<v>&b;")


def _typed(rng: random.Random, content: bytes) -> bytes:
    """The same cells, said to be of another type or at another place."""
    for old, new in (
        (b't="inlineStr"', b't="%s"' % rng.choice((b"s", b"n", b"b", b"e", b"d"))),
        (b'r="A1"', b'r="ZZZ99999999"'),
    ):
        if rng.random() < 0.5:
            content = content.replace(old, new)
    return content


class Files:
    """Feeds files to the reader."""

    name = "files"

    def __init__(self, seed: int, outcome: Outcome) -> None:
        self._seed, self._outcome = seed, outcome

    def made(self, number: int) -> tuple[Layout, bytes]:
        """The input of that number."""
        rng = random.Random(f"{self._seed}/files/{number}")
        layout = rng.choice(LAYOUTS)
        content = workbook(rng, layout) if rng.random() < WORKBOOK_SHARE else csv(rng, table(rng, layout))
        return layout, mutations.spoilt(rng, content) if rng.random() < 0.4 else content

    def one(self, number: int) -> None:
        """Try the input of that number."""
        layout, content = self.made(number)
        try:
            sheets.read(content, layout)
            answer = "read"
        except Refused as refused:
            answer = "refused"
            if not refused.message or len(refused.message) > SENTENCE_MAX:
                self._outcome.blame(self.name, number, refused.message, content)
        except Exception as error:  # noqa: BLE001 - this is what the run looks for
            answer = type(error).__name__
            self._outcome.blame(self.name, number, repr(error), content)
        self._outcome.count(self.name, answer)
