"""Tests that every kind of error has a meaning at every entry point, and is sent without loss."""

import pytest

from onhand import wire
from onhand.cli.console import Call
from onhand.domain.errors import OnHandError
from onhand.lock import Owned, Owner
from onhand.verbs import Invalid


def kinds(root=OnHandError):
    """All error classes that exist, those of adapters included; read when the test runs."""
    for kind in root.__subclasses__():
        yield kind
        yield from kinds(kind)


def test_every_kind_of_error_has_a_row():
    for kind in kinds():
        assert kind.code in wire.KINDS, kind
        assert issubclass(kind, wire.KINDS[kind.code].error), kind


def test_every_row_has_a_kind_of_error():
    assert {kind.code for kind in kinds()} == set(wire.KINDS)


@pytest.mark.parametrize("code", wire.KINDS)
def test_a_failed_command_has_the_exit_code_of_its_row(code, capsys):
    error = wire.error_of({"code": code, "message": "What to do.", "facts": {"sku": "TEA"}})
    assert Call().fail(error) == Call(as_json=True).fail(error) == wire.KINDS[code].exit
    out, err = capsys.readouterr()
    assert "What to do." in err
    assert f'"code": "{code}"' in out


@pytest.mark.parametrize("code", wire.KINDS)
def test_an_error_is_the_same_after_sending(code):
    said = {"code": code, "message": "What to do.", "facts": {"sku": "TEA", "left": 3}}
    again = wire.error_of(said)
    assert type(again) is wire.KINDS[code].error
    assert wire.data_of(again) == said


def test_an_unknown_code_is_a_fault():
    assert wire.error_of({"code": "from the future", "message": "?"}).code == "broken"


def test_an_owners_token_is_not_sent():
    said = wire.data_of(Owned(Owner(1, "serve", None, "secret-token")))
    assert "secret-token" not in str(said)
    assert said["code"] == "owned"


def test_wrong_arguments_are_wrong_usage():
    assert wire.kind_of(Invalid("No.")).exit == wire.USAGE
