"""Tests that help and docs cover every command.

Path: pytest, over the Typer application itself.
Promise: a new command without help or docs fails here.
Never: lists the commands by hand.
"""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from click import unstyle
from typer.main import get_command
from typer.testing import CliRunner

from onhand.cli.console import ASKS
from onhand.cli.deriving import forms
from onhand.cli.program import app
from onhand.requests.declaring import declaration
from onhand.verbs import VERBS
from onhand.verbs.registry import model_of

DOCS = Path(__file__).parents[2] / "docs" / "cli.md"
HEAVY = ("alembic", "fastapi", "httpx2", "pydantic", "sqlalchemy", "structlog", "uvicorn")


def commands(group, words=()):
    """Every command with the words that call it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*words, name))
        else:
            yield " ".join((*words, name)), command


ALL = dict(commands(get_command(app)))


@pytest.mark.parametrize("words", ALL)
def test_every_command_has_help(words):
    result = CliRunner().invoke(app, [*words.split(), "--help"], terminal_width=200)
    assert result.exit_code == 0
    assert ALL[words].help
    plain = unstyle(result.output)  # a build machine counts as a terminal with colours
    for option in ("--json", "--store", "--person", "--verbose"):
        assert option in plain


@pytest.mark.parametrize("words", ALL)
def test_every_command_has_an_example_in_the_docs(words):
    assert f"\nonhand {words}" in DOCS.read_text()


def test_every_option_is_in_the_docs():
    text = DOCS.read_text()
    missing = {
        (words, option)
        for words, command in ALL.items()
        for parameter in command.params
        if parameter.param_type_name == "option"
        for option in [*parameter.opts, *parameter.secondary_opts]
        if option not in text
    }
    assert not missing


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_command_with_all_its_arguments_or_a_reason(verb):
    request = VERBS[verb].request
    takers = [command for command in ALL.values() if request in ASKS.get(inspect.unwrap(command.callback), ())]
    if declaration(request).no_command:
        assert not takers
        return
    assert takers
    for form in forms(request):
        (info,) = form.parameter.annotation.__metadata__
        wanted = set(info.param_decls or ()) or {info.metavar}
        for command in takers:
            taken = {"/".join([*p.opts, *p.secondary_opts]) for p in command.params} | {
                p.metavar for p in command.params
            }
            assert wanted & taken, (verb, form.name)


@pytest.mark.parametrize("verb", VERBS)
def test_every_argument_has_a_description(verb):
    described = model_of(VERBS[verb].request).model_json_schema().get("properties", {})
    assert [name for name, one in described.items() if not one.get("description", "").endswith((".", ">"))] == []


def test_every_exit_code_is_in_the_docs_and_in_help():
    text = DOCS.read_text()
    said = " ".join(CliRunner().invoke(app, ["--help"]).output.split())
    for code in range(7):
        assert f"\n| {code} |" in text
    assert all(f" {code} " in said for code in range(7))


def test_help_imports_nothing_heavy():
    program = f"import sys, onhand.cli.program; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_version_prints_the_version():
    assert CliRunner().invoke(app, ["--version"]).output.startswith("onhand ")
