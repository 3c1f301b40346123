"""Measures the cost of hostile files: each is read in a separate process, and the system reports its peak memory.

Path: pytest, no store needed.
Promise: a file of some kilobytes, however it is packed or encoded, is refused within ``GROWTH_MAX`` more memory than an honest one.
Never: measures this process, whose memory other tests have grown already.
"""

from __future__ import annotations

import codecs
import io
import json
import subprocess
import sys
import zipfile

import pytest
from openpyxl import Workbook

pytestmark = pytest.mark.slow  # a process for each file

GROWTH_MAX = 50 * 1024 * 1024  # bytes above what reading an honest file takes
PROBE = """
import json, sys
from onhand.files import sheets
from onhand.domain.errors import Refused
content = open(sys.argv[1], "rb").read()
try:
    sheets.read(content, sheets.ITEMS)
    said = "read"
except Refused as refused:
    said = refused.message
# Not getrusage: its peak begins with what the process had that started this one.
(peak,) = [int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(json.dumps({"said": said, "peak": peak * 1024}))
"""
SPREADSHEET = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
ENTITIES = (
    '<!DOCTYPE w [<!ENTITY a "' + "x" * 50 + f'">]><worksheet {SPREADSHEET}><sheetData><row r="1">'
    '<c r="A1" t="inlineStr"><is><t>' + "&a;" * 4_000_000 + "</t></is></c></row></sheetData></worksheet>"
)
WIDE = f"<worksheet {SPREADSHEET}><sheetData><row>" + "<c/>" * 1_900_000 + "</row></sheetData></worksheet>"
MANY = f"<worksheet {SPREADSHEET}><cols>" + "<col/>" * 4_100_000 + "</cols></worksheet>"


def honest() -> bytes:
    book = Workbook()
    book.active.append(["sku", "on_hand"])
    book.active.append(["TEA", 5])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def bomb(part: bytes, name: str = "xl/worksheets/sheet1.xml", called: str | None = None) -> bytes:
    """An honest workbook with another sheet in it; ``called``: the name that the workbook gives that sheet."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(honest())) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for known in old.namelist():
            content = old.read(known)
            if called is not None and known.endswith(("workbook.xml.rels", "[Content_Types].xml")):
                content = content.replace(b"worksheets/sheet1.xml", called.encode())
            if known == name:
                new.writestr(known if called is None else f"xl/{called}", part)
            else:
                new.writestr(known, content)
    return out.getvalue()


def probed(content: bytes, tmp_path) -> dict:
    """What a process of its own says to this file, and its peak memory in bytes."""
    file = tmp_path / "file.xlsx"
    file.write_bytes(content)
    done = subprocess.run([sys.executable, "-c", PROBE, file], capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def usual(tmp_path_factory) -> int:
    found = probed(honest(), tmp_path_factory.mktemp("honest"))
    assert found["said"] == "read"
    return found["peak"]


DECLARED_UTF16 = '<?xml version="1.0" encoding="UTF-16"?>'
BOMBS = {
    "entities": lambda: bomb(ENTITIES.encode()),
    "entities in UTF-16": lambda: bomb(ENTITIES.encode("utf-16")),
    "entities in UTF-16 without a mark": lambda: bomb((DECLARED_UTF16 + ENTITIES).encode("utf-16-le")),
    "entities in UTF-16, the other order": lambda: bomb(codecs.BOM_UTF16_BE + ENTITIES.encode("utf-16-be")),
    "entities under another name": lambda: bomb(ENTITIES.encode("utf-16"), called="worksheets/picture.png"),
    "entities in UTF-8 under another name": lambda: bomb(ENTITIES.encode(), called="worksheets/picture.png"),
    "a wide row": lambda: bomb(WIDE.encode()),
    "a wide row in UTF-16": lambda: bomb(WIDE.encode("utf-16")),
    "a wide row under another name": lambda: bomb(WIDE.encode(), called="worksheets/picture.png"),
    "very many columns": lambda: bomb(MANY.encode()),
    "very many columns in UTF-16": lambda: bomb(MANY.encode("utf-16")),
    "a long text": lambda: bomb(b"<a>" + b" " * 200_000_000),
    "a long text in UTF-16": lambda: bomb(codecs.BOM_UTF16_LE + b"<\0a\0>\0" + b" \0" * 80_000_000),
    "another part": lambda: bomb(b"\0" * 200_000_000, name="docProps/app.xml"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_zip_bomb_costs_little_memory(name, usual, tmp_path):
    content = BOMBS[name]()
    assert len(content) < 500_000
    found = probed(content, tmp_path)
    assert found["said"] != "read"
    assert found["peak"] < usual + GROWTH_MAX


@pytest.mark.parametrize(
    "head",
    [
        b'<?xml version="1.0" encoding="ISO-8859-1"?>',
        b"<?xml version='1.0' encoding='utf-16'?>",
        b'<?xml version="1.0"' + b" " * 2000 + b'encoding="latin1"?>',
        b'<?xml version="1.0" encoding = "UTF-7" ?>',
        b'<?xml version="1.0" encoding=UTF-7?>',
    ],
)
def test_a_part_that_declares_another_encoding_is_refused(head, tmp_path):
    sheet = f'<worksheet {SPREADSHEET}><sheetData><row><c t="inlineStr"><is><t>sku</t></is></c></row></sheetData></worksheet>'
    assert probed(bomb(b'<?xml version="1.0" encoding="utf-8"?>' + sheet.encode()), tmp_path)["said"] == "read"
    assert "UTF-8" in probed(bomb(head + sheet.encode()), tmp_path)["said"]
