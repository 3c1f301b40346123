"""Tests the wording of the commands in one place: a session of commands, compared with a file of their complete output.

Path: pytest; the session runs on a real store and a real sample shop. ``words/commands.txt`` has the expected output.
Promise: each changed word shows in the diff of that file. `ONHAND_WRITE_WORDS=1` writes it again; review its diff like code.
Never: tests what a command does; the other tests do, with codes and facts.
"""

from __future__ import annotations

import gc
import os
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from onhand.cli.console import in_words
from onhand.cli.program import app

WORDS = Path(__file__).parent / "words" / "commands.txt"
WRITE = "ONHAND_WRITE_WORDS"
VARYING = (  # times, secrets, addresses, durations
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (?:[A-Z]+|[+-]\d+)", "(time)"),
    (r"on \d{4}-\d\d-\d\d:", "on (day):"),
    (r"─{3,}", "───"),
    (r"\b(SQLite|Python) \d[\d.]*\d", r"\1 (version)"),
    (r"\b(?:\d+ (?:second|minute)s?) ago", "(time) ago"),
    (r"/begin/[\w-]+", "/begin/(secret)"),
    (r"onhand_[\w-]+|whsec_[\w+/=]+|\b[0-9a-f]{64}\b|'key_id' => '\w+'", "(secret)"),
    (r"http://127\.0\.0\.1:\d+", "http://127.0.0.1:(port)"),
    (r"(?m)^(hello|look|post [+-]1|seen there) +[\d.]+", r"\1  (milliseconds)"),
)
SESSION = """
status
user list
user add Ida --role clerk
user list
user edit Ida --role manager
user link Ida
user sessions
token list
token add Till --user Ida --scope read
token list
token revoke 1
item list
item add TEA --name "Green Tea" --on-hand 12
item add MUG --on-hand 1
item add TEA
item list
item edit TEA --reorder-point 20 --reorder-to 40
item show TEA
item show TAE
item history MUG
adjust TEA -1 --reason damaged
adjust TEA -1
receive TEA=5 --reference DN-1
receive TEA=5 --reference DN-1
order add TEA=2 --number T-1
order add MUG=9 --number T-2
order show T-1
order cancel T-1
order cancel T-1
order list
movements TEA
count list
count add Shelf
count enter 1 TEA=14
count enter 1 TEA=14
count show 1
count review 1
count post 1
count list
count add Again --sku TEA
count discard 2
supplier list
supplier add "Leaf & Co" --email leaf@example.com
item edit TEA --supplier "Leaf & Co"
purchase suggest
purchase raise
purchase send PO-1
purchase receive PO-1 TEA=25
purchase show PO-1
purchase receive PO-1
purchase list
param get SynchQOH
param set SynchQOH True
param set SynchQOH perhaps
cart list
differences
posts
webhook list
webhook add https://example.com/onhand
webhook list
webhook edit 1 --inactive
webhook remove 1
webhook show 1
task list
prove
"""
WITH_A_SHOP = """
cart test Amber
cart show Amber
get-qoh Amber --create --dry-run
get-qoh Amber --create
cart list
cart products Amber
cart evidence Amber
adjust TEA +1 --reason found
sync on Amber
param set SynchQOH True
sync on Amber
send-qoh Amber
posts Amber
posts Amber --retry
sync on Amber
status
item list
item show TEA
listing park Amber 1 --reason "shelf is being rebuilt"
cart products Amber
listing unpark Amber 1
listing ignore Amber 3
listing release Amber 3
sync off Amber
cart remove Amber --yes
status
"""
MOVE = """
item add TEA --on-hand 12
migrate --to (folder)/moved.db --dry-run
migrate --to (folder)/moved.db
migrate --to (folder)/moved.db --yes
status
migrate --reopen
migrate --reopen --yes
migrate --to (folder)/moved.db --yes
migrate --to (folder)/first.db --yes
"""


def said(onhand, session: str) -> str:
    """Return each command of a session with its exit code and its output, without what varies."""
    pages = []
    folder = str(onhand.store.parent)
    for line in session.strip().splitlines():
        words = shlex.split(line.replace("(folder)", folder))
        done = CliRunner().invoke(app, ["--store", str(onhand.store), "--person", "Ann", *words])
        output = done.output.replace(str(onhand.store), "onhand.db").replace(folder, "(folder)")
        for form, word in VARYING:
            output = re.sub(form, word, output)
        output = "\n".join(re.sub(r"(?<=\S) {2,}", "  ", row).rstrip() for row in output.splitlines())
        failed = f"  (exit code {done.exit_code})" if done.exit_code else ""
        pages.append(f"$ onhand {line}{failed}\n{output}\n")
    return "\n".join(pages)


@pytest.mark.parametrize(
    ("units", "words"), [(0, "0 units are left"), (1, "1 unit is left"), (1200, "1,200 units are left")]
)
def test_a_number_agrees_with_its_noun(units, words):
    assert in_words("{sku}: {left:unit is|units are} left", {"sku": "TEA", "left": units}) == f"TEA: {words}"


@pytest.mark.long  # a hundred commands
def test_each_command_says_the_expected_words(onhand, amber, tmp_path):
    gc.collect()  # a connection that a failed command of an earlier test left behind would be logged among the words
    office = type(onhand)(tmp_path / "office.db")
    office("init")
    first = type(onhand)(tmp_path / "first.db")
    first("init")
    found = f"{said(office, SESSION)}\n{said(onhand, WITH_A_SHOP)}\n{said(first, MOVE)}"
    if os.environ.get(WRITE):
        WORDS.parent.mkdir(exist_ok=True)
        WORDS.write_text(found)
    assert found == WORDS.read_text(), f"Words have changed: run this test with {WRITE}=1 and review the diff."
