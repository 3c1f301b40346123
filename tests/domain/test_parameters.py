"""Holds the system parameters to their defaults and bounds, and what is typed for one to being a value or refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.errors import Refused
from onhand.domain.parameters import PARAMETERS


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("SynchQOH", " Yes ", True),
        ("SynchQOH", "0", False),
        ("TickSeconds", "0.05", 0.05),
        ("TickSeconds", "3600", 3600.0),
        ("BatchSize", " 2000 ", 2000),
        ("EditPolicy", "ASK", "ask"),
        ("BrakePercent", "100", 100.0),
        ("HintURL", " https://onhand.example:8443/ ", "https://onhand.example:8443"),
        ("HintURL", "http://10.0.0.7", "http://10.0.0.7"),
        ("HintURL", "http://PHOENIX/", "http://PHOENIX"),
        ("HintURL", "https://[2001:db8::7]", "https://[2001:db8::7]"),
        ("HintURL", "  ", ""),
    ],
)
def test_a_parameter_is_read_as_typed(name: str, text: str, value: object) -> None:
    parsed = PARAMETERS[name].parse(text)
    assert (parsed, type(parsed)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SynchQOH", "maybe"),
        ("TickSeconds", "0.049"),
        ("TickSeconds", "nan"),
        ("TickSeconds", "inf"),
        ("TickSeconds", ""),
        ("BatchSize", "0"),
        ("BatchSize", "2001"),
        ("BatchSize", "1.5"),
        ("EditPolicy", "mine"),
        ("BrakeListings", "1" * 5000),
        ("HintURL", "onhand.example"),
        ("HintURL", "ftp://onhand.example"),
        ("HintURL", "https://onhand.example/hint"),
        ("HintURL", "https://onhand.example?x"),
        ("HintURL", "https://ann@onhand.example"),
        ("HintURL", "https://onhand.example'.phpinfo().'"),
        ("HintURL", "https://onhand.example\nx"),
        ("HintURL", "https://" + "a" * 201),
    ],
)
def test_a_parameter_out_of_bounds_is_refused_with_what_is_possible(name: str, text: str) -> None:
    with pytest.raises(Refused, match="it is") as refused:
        PARAMETERS[name].parse(text)
    assert refused.value.facts == {"parameter": name}
    assert PARAMETERS[name].possible() in refused.value.message


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("SynchQOH", ["True", "False"]),
        ("EditPolicy", ["ours", "theirs", "ask"]),
        ("HintURL", ["blank", "https://"]),
        ("BatchSize", ["whole number", "1", "2,000"]),
        ("TickSeconds", ["a number", "0.05", "3,600"]),
    ],
)
def test_what_is_possible_is_said_with_its_values(name: str, values: list[str]) -> None:
    possible = PARAMETERS[name].possible()
    assert possible.startswith("it is ")
    assert all(value in possible for value in values)


@pytest.mark.parametrize("known", PARAMETERS.values(), ids=lambda known: known.name)
def test_a_default_can_be_typed_and_is_within_its_bounds(known) -> None:
    assert known.parse(str(known.default)) == known.default
    assert re.fullmatch(r"([A-Z]|… )[a-zA-Z ,:;-]+[a-z]\.", known.meaning), "one sentence a clerk can read"


@pytest.mark.parametrize(
    ("group", "name", "default", "bounds", "choices"),
    [
        ("Program", "SynchQOH", False, (0, 0), ()),
        ("Stock", "BigVariance", 10, (0, 1_000_000), ()),
        ("Carts", "TickSeconds", 1.0, (0.05, 3600.0), ()),
        ("Carts", "SettleSeconds", 3.0, (0.1, 600.0), ()),
        ("Carts", "BatchSize", 1000, (1, 2000), ()),
        ("Carts", "EditPolicy", "ours", (0, 0), ("ours", "theirs", "ask")),
        ("Carts", "BrakePercent", 5.0, (0.1, 100.0), ()),
        ("Carts", "BrakeListings", 20, (1, 1_000_000), ()),
        ("Carts", "HintURL", "", (0, 0), ()),
    ],
)
def test_the_system_parameters_a_merchant_begins_with(
    group: str, name: str, default: object, bounds: tuple[float, float], choices: tuple[str, ...]
) -> None:
    known = PARAMETERS[name]
    assert (known.group, known.name, known.default) == (group, name, default)
    assert type(known.default) is type(default)
    assert (known.low, known.high, known.choices) == (*bounds, choices)


def test_no_other_parameters_exist() -> None:
    assert list(PARAMETERS) == [
        *("SynchQOH", "BigVariance", "TickSeconds", "SettleSeconds", "BatchSize"),
        *("EditPolicy", "BrakePercent", "BrakeListings", "HintURL"),
    ]


@pytest.mark.parametrize(("words", "value"), [("true yes on 1 YES", True), ("false no off 0 Off", False)])
def test_a_switch_understands_several_words(words: str, value: bool) -> None:
    assert {PARAMETERS["SynchQOH"].parse(word) for word in words.split()} == {value}


@given(st.sampled_from(sorted(PARAMETERS)), st.text(max_size=20))
def test_whatever_is_typed_is_a_value_or_refused(name: str, text: str) -> None:
    try:
        value = PARAMETERS[name].parse(text)
    except Refused:
        return
    assert PARAMETERS[name].parse(str(value)) == value
