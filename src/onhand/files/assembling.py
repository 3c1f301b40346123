"""Puts ``connector/onhand.php`` together from its parts and from the facts about each cart.

Path: ``make connector`` and ``make check`` run it as a program; ``shopfiles`` leaves a part out.
Promise: the file in the repository is what the parts and ``domain.families`` give; ``make check`` fails where it is not.
Never: runs in a shop, or while OnHand runs, except to leave a part out.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from onhand.domain.families import (
    BEARING,
    DOWNLOADS_SUBTRACTED,
    FAMILIES,
    NEEDED,
    OTHER_STOCK,
    SENT_AS_WELL,
    SETTINGS,
    SWITCHES,
    TELLING,
    VERSION_FILES,
    VERSION_TABLES,
)

FACTS = "facts"  # the part that is no file
# In the order in which they are read, and a class after the one that it extends.
PARTS = (
    "request",
    "verbs",
    "asked",
    "memory",
    FACTS,
    "family",
    "tables",
    "oscommerce4",
    "database",
    "configuration",
    "caller",
    "answers",
)
WIDTH = 130
_OPENING = "<?php\n"
_HEAD = "// ==== "  # begins the line with the title of each part

_FACTS_BEGIN = """\
// ==== The facts about each cart ===========================================================================
// Generated from src/onhand/domain/families.py, where each fact is explained. Change them there and run `make connector`.

"""
_FACTS_END = "\n// End of what is generated.\n"

Php = str | Mapping[str, "Php"] | tuple["Php", ...]


def assembled(parts: Path) -> str:
    """Return the whole file."""
    texts = [_facts() if name == FACTS else _text(parts / f"{name}.php") for name in PARTS]
    return _OPENING + "\n".join(texts)


def without_part(whole: str, title: str) -> str:
    """Return the file without the part of this title. The connector says so itself where a shop needs it."""
    pieces = re.split(rf"(?m)^(?={re.escape(_HEAD)})", whole)
    kept = [piece for piece in pieces if not piece.startswith(f"{_HEAD}{title} =")]
    if len(kept) == len(pieces):
        raise ValueError(f"there is no part {title!r}")
    return "".join(kept)


def main(arguments: list[str]) -> int:
    """Write the file, or with ``--check`` only say whether it is as it should be. Return the exit code."""
    folder = Path(__file__).parents[3] / "connector"
    file, text = folder / "onhand.php", assembled(folder / "parts")
    if arguments == ["--check"]:
        if file.read_text() != text:
            sys.stderr.write("connector/onhand.php is not what its parts and the facts give: run `make connector`.\n")
            return 1
        return 0
    file.write_text(text)
    return 0


def _text(part: Path) -> str:
    return part.read_text().removeprefix(_OPENING)


def _facts() -> str:
    return _FACTS_BEGIN + "\n".join(_functions()) + _FACTS_END


def _functions() -> Iterator[str]:
    yield _function("marks", "Columns by which each cart is recognised.", {each.key: each.marks for each in FAMILIES})
    yield _function(
        "own_parts",
        "Columns of products that only shops with a part of their own here have, and their titles.",
        {each.own_part_place: each.title for each in FAMILIES if each.own_part},
    )
    yield _function("needed_columns", "Without these nothing is a shop.", NEEDED)
    yield _function("bearing_columns", "Columns whose types go into the hello.", BEARING)
    yield _function(
        "telling_tables", "Tables, by their usual names, that tell the family and what it keeps where.", TELLING
    )
    yield _function(
        "other_stock",
        "Columns with the ids of products whose quantity the shop works out from others, and on which condition.",
        {each.place: each.when for each in OTHER_STOCK},
    )
    yield _function(
        "settings_tables",
        "Tables of settings, of which the first that is there counts. `before` comes before the name of each setting.",
        tuple(
            {"table": each.table, "name": each.name, "value": each.value, "order": each.order, "before": each.before}
            for each in SETTINGS
        ),
    )
    yield _switches()
    yield _function(
        "downloads_subtracted",
        "Settings with which a shop subtracts what it sells as a download like anything else.",
        DOWNLOADS_SUBTRACTED,
    )
    yield _function(
        "sent_as_well", "Columns that say of a product with a file that goods are sent as well, and when.", SENT_AS_WELL
    )
    yield _function(
        "version_tables",
        "Places that have a version, and the question that reads it.",
        tuple({"place": each.place, "question": each.question} for each in VERSION_TABLES),
    )
    yield _function(
        "version_files",
        "Files that have a version, and what it looks like there.",
        tuple({"file": each.file, "pattern": each.pattern} for each in VERSION_FILES),
    )


def _function(name: str, says: str, facts: Php) -> str:
    return f"/** {says} */\nfunction onhand_{name}() {{\n    return {_php(facts, 1)};\n}}\n"


def _switches() -> str:
    facts: Php = {"usual": SWITCHES, **{each.own_part: each.switches for each in FAMILIES if each.own_part}}
    return (
        "/** Settings that decide how a shop sells: those of most carts, or of one with a part of its own. */\n"
        f"function onhand_switches($which) {{\n    $switches = {_php(facts, 1)};\n    return $switches[$which];\n}}\n"
    )


def _php(value: Php, depth: int) -> str:
    """Write a value as PHP 5.6 has it: on one line where it fits, else one line for each member."""
    if isinstance(value, str):
        return _quoted(value)
    named = value.items() if isinstance(value, Mapping) else ((None, member) for member in value)
    members = [
        f"{_quoted(name)} => {_php(member, depth + 1)}" if name else _php(member, depth + 1) for name, member in named
    ]
    line = f"array({', '.join(members)})"
    if "\n" not in line and len(line) + 4 * depth <= WIDTH:
        return line
    indent = "    " * (depth + 1)
    return "array(\n" + "".join(f"{indent}{member},\n" for member in members) + "    " * depth + ")"


def _quoted(text: str) -> str:
    """Within PHP's single quotes a backslash is itself, except before another one, before a quote and at the end."""
    return "'" + re.sub(r"\\(?=[\\']|$)|'", lambda found: "\\" + found[0], text) + "'"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
