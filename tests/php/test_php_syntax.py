"""Holds every PHP file that goes into a shop to what is promised of it: no PHP from 5.6 to 8.5 objects to a line of it.

Path: pytest. Debian's PHP looks in every run, the others in ``make test-php``.
Promise: each version's own parser is asked. What it merely frowns at, such as a word that is to go, counts too.
Never: runs a file.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.php.wasm import lint
from tests.shops.shop import CONNECTOR

VERSIONS = ("5.6", "7.0", "7.1", "7.2", "7.3", "7.4", "8.0", "8.1", "8.2", "8.3", "8.4", "8.5")
# All parts of the connector are in the connector.
FILES = sorted(path for path in CONNECTOR.parent.rglob("*.php") if path.parent.name != "parts")


def objections(said: str) -> list[str]:
    return [line for line in said.splitlines() if line and not line.startswith("No syntax errors detected in ")]


@pytest.mark.servers
@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(CONNECTOR.parent)))
def test_the_php_of_this_machine_has_no_objection(file: Path):
    checked = subprocess.run(["php", "-l", file], capture_output=True, text=True, check=False)
    assert objections(checked.stdout + checked.stderr) == []
    assert checked.returncode == 0


@pytest.mark.php
@pytest.mark.parametrize("version", VERSIONS)
def test_no_php_has_an_objection(version: str):
    passed, said = lint(version, FILES)
    assert objections(said) == []
    assert said.count("No syntax errors detected in ") == len(FILES)
    assert passed


@pytest.mark.php
@pytest.mark.parametrize(
    ("version", "line", "objection"),
    [
        ("5.6", "$a = $b ?? 1;", "syntax error"),
        ("7.3", "$f = fn($x) => $x;", "syntax error"),
        ("7.4", "$a = 'text'; echo $a{0};", "Deprecated"),
        ("8.0", "$a = 'text'; echo $a{0};", "no longer supported"),
        ("8.4", "function f(int $x = null) {}", "Deprecated"),
    ],
)
def test_what_a_php_does_not_like_is_seen(tmp_path: Path, version: str, line: str, objection: str):
    file = tmp_path / "file.php"
    file.write_text(f"<?php {line}\n")
    passed, said = lint(version, [file])
    assert passed == (objection == "Deprecated")
    assert objection in "\n".join(objections(said))
