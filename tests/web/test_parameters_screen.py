"""Holds System Parameters to showing what holds, who set it and which carts differ, and to refusing what cannot be."""

from __future__ import annotations

import re
from html import unescape

import pytest

from onhand.domain.parameters import PARAMETERS
from onhand.domain.people import Role
from tests.web.conftest import Client, House, flash, text


def send(client: Client, name: str, value: str, page: str | None = None):
    """Set a parameter by its own form on the page."""
    html = page or client.shown("/parameters")
    row = html.partition(f'<tr id="{name}">')[2].partition("</tr>")[0]
    hidden = {k: unescape(v) for k, v in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', row)}
    return client.post("/parameters", data={**hidden, "value": value})


def row(html: str, name: str) -> str:
    return html.partition(f'<tr id="{name}">')[2].partition("</tr>")[0]


def test_every_parameter_is_there_with_its_meaning_default_and_bounds(house: House) -> None:
    page = house.browser.shown("/parameters")
    for known in PARAMETERS.values():
        shown = text(row(page, known.name))
        assert known.meaning in shown
        assert str(known.default) in shown
        assert known.possible().removeprefix("it is ") in shown
        assert "Never" in shown
    for group in {known.group for known in PARAMETERS.values()}:
        assert f">{group}</h2>" in page


def test_a_change_is_shown_with_who_made_it_and_is_in_the_audit_log(house: House) -> None:
    manager = house.client(Role.MANAGER)
    answer = send(manager, "SynchQOH", "True")
    assert "SynchQOH is now True" in flash(answer.text)
    shown = row(answer.text, "SynchQOH")
    assert "<option selected>True</option>" in shown.replace('value="True" ', "")
    assert "by Ann the manager" in text(shown)
    entries = house.do("audit_list", what="param_set")["entries"]
    assert [entry["person"] for entry in entries] == ["Ann the manager"]
    assert 'href="/audit?what=param_set"' in house.browser.shown("/parameters")
    assert 'href="/audit?what=param_set"' not in answer.text  # the log is for administrators


@pytest.mark.parametrize(
    ("name", "value"),
    [("TickSeconds", "0"), ("TickSeconds", "nan"), ("BatchSize", "1.5"), ("BatchSize", ""), ("EditPolicy", "mine"),
     ("SynchQOH", "perhaps"), ("BrakeListings", "<b>many</b>"), ("TickSeconds", "9" * 400), ("TickSeconds", "x" * 600)],
)  # fmt: skip
def test_a_value_that_cannot_be_is_refused_by_its_field_and_stays_as_typed(house: House, name: str, value: str) -> None:
    before = house.do("param_get", name=name)["value"]
    answer = send(house.browser, name, value)
    assert answer.status_code == 422
    shown = row(answer.text, name)
    assert 'class="fault"' in shown
    assert answer.text.count('class="fault"') == 1
    assert "<b>many" not in answer.text
    if not PARAMETERS[name].choices and not isinstance(PARAMETERS[name].default, bool):
        assert value in [unescape(typed) for typed in re.findall(r' value="([^"]*)"', shown)]
    assert house.do("param_get", name=name)["value"] == before


def test_a_stale_page_is_refused_with_the_value_that_holds_and_can_be_sent_again(house: House) -> None:
    page = house.browser.shown("/parameters")
    send(house.client(Role.MANAGER), "TickSeconds", "2")
    answer = send(house.browser, "TickSeconds", "5", page)
    assert answer.status_code == 409
    assert "TickSeconds was changed since you opened this page" in text(answer.text)
    assert "TickSeconds now 2.0" in text(answer.text)
    assert house.do("param_get", name="TickSeconds")["value"] == 2.0
    send(house.browser, "TickSeconds", "5", answer.text)
    assert house.do("param_get", name="TickSeconds")["value"] == 5.0


def test_carts_with_a_value_of_their_own_are_named(house: House) -> None:
    house.do("cart_add", name="Amber & Sons", url="https://amber.example/onhand.php")
    house.do("cart_edit", cart="Amber & Sons", tick_seconds=0.5, policy="ask")
    page = house.browser.shown("/parameters")
    assert "Amber & Sons : 0.5" in text(row(page, "TickSeconds"))
    assert "Amber & Sons : ask" in text(row(page, "EditPolicy"))
    assert "Amber" not in row(page, "SettleSeconds")
    assert 'href="/carts/1"' in row(page, "TickSeconds")


def test_a_viewer_sees_all_and_changes_nothing(house: House) -> None:
    viewer = house.client(Role.VIEWER)
    page = viewer.shown("/parameters")
    assert "<select" not in page
    assert "TickSeconds" in page
    csrf = re.search(r'name="csrf" value="([^"]*)"', page)[1]
    sent = {"csrf": csrf, "name": "SynchQOH", "value": "True", "seen": "False"}
    assert viewer.post("/parameters", data=sent).status_code == 403
    assert house.client(Role.CLERK).post("/parameters", data=sent).status_code in {403, 409}
    assert house.do("param_get", name="SynchQOH")["value"] is False


def test_a_parameter_that_is_not_there_is_refused(house: House) -> None:
    csrf = re.search(r'name="csrf" value="([^"]*)"', house.browser.shown("/parameters"))[1]
    answer = house.browser.post("/parameters", data={"csrf": csrf, "name": "Colour", "value": "red"})
    assert answer.status_code == 422
    assert "There is no parameter 'Colour'" in text(answer.text)
