"""Holds log-in, users, tokens, one's own account and the audit log to what an administrator and everybody else do with them."""

from __future__ import annotations

import re
from html import unescape

import pytest

from onhand.domain.people import Role
from onhand.services import gate, people
from onhand.verbs import run
from onhand.web.visit import SESSION_COOKIE, within
from onhand.words import ACTION_LABELS
from tests.web.conftest import Client, House, flash, is_empty, states, text

PASSWORD = "correct horse battery"


@pytest.fixture
def stranger(house: House) -> Client:
    """A browser that is not logged in, where there is an administrator already."""
    house.session(Role.ADMINISTRATOR)
    return Client(house.api)


def log_in(client: Client, name: str = "Ann the administrator", password: str = PASSWORD, page: str = "/login"):
    return client.fill(page, "/login", name=name, password=password)


def made(html: str) -> str:
    """The link or token that a page shows once."""
    return unescape(re.search(r'<code id="made">([^<]*)</code>', html)[1])


def hidden(html: str, action: str) -> dict[str, str]:
    """The hidden fields of a page's form."""
    form = html.partition(f'action="{action}"')[2].partition("</form>")[0]
    return {k: unescape(v) for k, v in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form)}


def log(house: House) -> list[tuple[str, str]]:
    return [(row["person"], row["verb"]) for row in house.do("audit_list")["entries"]]


def actions(html: str) -> list[str]:
    """What the audit log's table says was done, the newest first."""
    return re.findall(r'data-action="([^"]*)"', html)


def role(client: Client) -> Role:
    """What the account page says its user is."""
    return Role(re.search(r'data-role="([^"]*)"', client.shown("/account"))[1])


def test_the_first_administrator_comes_in_by_the_link_and_by_nothing_else(unopened: House) -> None:
    stranger, browser = Client(unopened.api), Client(unopened.api)
    assert 'name="password"' not in stranger.shown("/login"), "nobody can log in yet"
    assert "This link was used, or has ended" in text(stranger.shown("/begin/guessed", 404))
    link = f"/begin/{people.first_link(unopened.app.house)}"
    refused = browser.fill(link, link, name="Ann", password=PASSWORD, again=PASSWORD + "x")
    assert refused.status_code == 422
    assert 'id="again-fault"' in refused.text
    assert 'value="Ann"' in refused.text
    assert PASSWORD not in refused.text
    short = browser.fill(link, link, name="Ann", password="short", again="short")
    assert "A password has 10 to 200 characters" in text(short.text)
    assert browser.fill(link, link, name="Ann", password=PASSWORD, again=PASSWORD).url.path == "/"
    assert "Ann" in browser.shown("/people")
    assert "This link was used" in text(stranger.shown(link, 404))
    assert ("Ann", people.CHOOSE) in log(unopened)


def test_logging_in_leads_to_where_one_wanted_to_go(house: House, stranger: Client) -> None:
    sent = stranger.get("/parameters?group=Carts", follow_redirects=False)
    assert sent.status_code == 303
    assert log_in(stranger, "ann THE administrator", page=sent.headers["location"]).url.path == "/parameters"
    cookie = next(found for found in stranger.cookies.jar if found.name == SESSION_COOKIE)
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "lax"


@pytest.mark.parametrize(
    "address", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "", "/a\nb"]
)
def test_nobody_is_led_to_another_site(address: str) -> None:
    assert within(address) == "/"


def test_a_wrong_password_is_told_like_a_wrong_name_and_only_the_name_is_kept(house: House, stranger: Client) -> None:
    said = set()
    for name in ("Ann the administrator", "Nobody"):
        answer = log_in(stranger, name, "wrong horse battery")
        assert answer.status_code == 422
        assert f'value="{name}"' in answer.text
        assert "wrong horse" not in answer.text
        said.add(re.search(r'role="alert"><p>(.*?)</p>', answer.text, re.DOTALL)[1])
    assert len(said) == 1
    assert SESSION_COOKIE not in stranger.cookies


def test_who_guesses_is_told_to_wait(house: House, stranger: Client) -> None:
    for _ in range(gate.TRIES):
        log_in(stranger, password="wrong horse battery")
    answer = log_in(stranger)
    assert answer.status_code == 429
    assert re.search(r"Too many wrong tries: try again in \d+ seconds", text(answer.text))
    assert SESSION_COOKIE not in stranger.cookies


def test_an_invited_clerk_chooses_a_password_and_works(house: House, stranger: Client) -> None:
    answer = house.browser.fill("/people", "/people/invite", name="Ida <i>", role="clerk")
    link = made(answer.text)
    assert link.startswith("http://testserver/begin/")
    assert "<i>" not in answer.text
    assert made(house.browser.fill("/people", "/people/invite", name="Bob", role="viewer").text) != link
    page = house.browser.shown("/people")
    assert "begin/" not in page
    assert states(page).count("invited") == 2
    path = link.removeprefix("http://testserver")
    assert "Welcome, Ida <i>" in text(stranger.shown(path))
    stranger.fill(path, path, password=PASSWORD, again=PASSWORD)
    assert role(stranger) is Role.CLERK
    for page in ("/people", "/people/1", "/audit"):
        assert "administrator" in text(stranger.shown(page, 403))


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"name": "ANN the administrator", "role": "manager"}, "choose another name"),
        ({"name": "", "role": "manager"}, "Enter a value."),
        ({"name": "x" * 61, "role": "manager"}, "Give at most 60 characters."),
        ({"name": "Bob", "role": "king"}, "role"),
    ],
)
def test_a_user_that_cannot_be_is_refused_and_what_was_typed_stays(house: House, wanted, said) -> None:
    answer = house.browser.fill("/people", "/people/invite", **wanted)
    assert answer.status_code == 422
    assert said in text(answer.text)
    assert f'value="{wanted["name"]}"' in answer.text
    assert ('<option value="manager" selected>' in answer.text) == (wanted["role"] == "manager")
    assert len(house.do("user_list")["users"]) == 1


def test_a_role_is_changed_once_and_a_stale_page_is_refused(house: House) -> None:
    clerk = house.client(Role.CLERK)
    first, second = (hidden(house.browser.shown("/people/2"), "/people/2") for _ in range(2))
    saved = house.browser.post("/people/2", data={**first, "role": "viewer", "active": "yes"})
    assert "Ann the clerk" in flash(saved.text)
    stale = house.browser.post("/people/2", data={**second, "role": "manager", "active": "yes"})
    assert stale.status_code == 409
    assert "was changed since you opened this page" in text(stale.text)
    assert "viewer" in text(re.search(r'<dl class="current">.*?</dl>', stale.text)[0])
    assert '<option value="manager" selected>' in stale.text
    assert role(clerk) is Role.VIEWER
    house.browser.fill("/people/2", "/people/2", role="viewer")  # the box is not checked
    assert clerk.get("/", follow_redirects=False).status_code == 303
    assert "inactive" in states(house.browser.shown("/people"))
    assert "/people/2/link" not in house.browser.shown("/people/2")


def test_the_last_administrator_stays(house: House) -> None:
    answer = house.browser.fill("/people/1", "/people/1", role="clerk", active="yes")
    assert answer.status_code == 422
    assert "is the last administrator: make another one first" in text(answer.text)


def test_a_new_link_ends_the_sessions_of_its_user(house: House, stranger: Client) -> None:
    clerk = house.client(Role.CLERK)
    answer = house.browser.fill("/people/2", "/people/2/link", sessions="yes")
    assert clerk.get("/", follow_redirects=False).status_code == 303
    path = made(answer.text).removeprefix("http://testserver")
    stranger.fill(path, path, password="another horse battery", again="another horse battery")
    assert role(stranger) is Role.CLERK
    for other in ("99", "x", "-1"):
        house.browser.shown(f"/people/{other}", 404)


def test_a_session_is_ended_by_an_administrator(house: House) -> None:
    clerk = house.client(Role.CLERK)
    sent = hidden(house.browser.shown("/people/2"), "/people/2/session")
    assert flash(house.browser.post("/people/2/session", data=sent).text)
    assert clerk.get("/", follow_redirects=False).status_code == 303
    again = house.browser.post("/people/2/session", data=sent)
    assert again.status_code == 422
    assert "There is no such session any more." in text(again.text)
    assert log(house)[0] == ("Ann the administrator", "session_revoke")


def test_a_token_is_shown_once_works_and_is_ended(house: House) -> None:
    house.client(Role.CLERK)
    sent = {"name": "Till", "user": "Ann the clerk", "scopes": ["read", "stock"], "days": "30"}
    token = made(house.browser.fill("/people", "/people/token", **sent).text)
    page = house.browser.shown("/people")
    assert token not in page
    assert "Till Ann the clerk read, stock" in text(page)
    assert states(page)[-1] == "valid"
    assert "Till (read, stock)" in text(house.browser.shown("/people/2"))
    assert people.bearer(house.app.house, token).name == "Ann the clerk (token Till)"
    ended = house.browser.fill("/people", "/people/token/revoke")
    assert flash(ended.text)
    assert people.bearer(house.app.house, token) is None
    assert is_empty(house.browser.shown("/people"))
    assert "Till" in text(house.browser.shown("/people?ended=yes"))
    assert token not in str(house.do("audit_list"))


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"scopes": []}, "Choose at least one scope."),
        ({"scopes": ["manage"]}, "Ann the clerk is a clerk"),
        ({"days": "0"}, "Give at least 1."),
        ({"days": "soon"}, "Give a whole number."),
        ({"name": ""}, "Enter a value."),
        ({"user": "Nobody"}, "There is no user named 'Nobody'"),
    ],
)
def test_a_token_that_cannot_be_is_refused_and_what_was_typed_stays(house: House, wanted, said) -> None:
    house.client(Role.CLERK)
    sent = {"name": "Till", "user": "Ann the clerk", "scopes": ["stock"], "days": "30", **wanted}
    answer = house.browser.fill("/people", "/people/token", **sent)
    assert answer.status_code in {422, 403}
    assert said in text(answer.text)
    form = answer.text.partition('action="/people/token"')[2]
    assert f'value="{sent["days"]}"' in form
    assert ('value="stock" checked' in form) == ("stock" in sent["scopes"])
    assert house.do("token_list", ended=True)["tokens"] == []


def test_ones_own_password_is_changed_with_the_old_one(house: House, stranger: Client) -> None:
    clerk = house.client(Role.CLERK)
    log_in(stranger, "Ann the clerk")
    fresh = {"password": "another horse battery", "again": "another horse battery"}
    answer = clerk.fill("/account", "/account", old="wrong horse battery", **fresh)
    assert answer.status_code == 422
    assert 'id="old-fault"' in answer.text
    assert "another horse" not in answer.text
    answer = clerk.fill("/account", "/account", old=PASSWORD, sessions="yes", **fresh)
    assert flash(answer.text)
    assert stranger.get("/", follow_redirects=False).status_code == 303
    assert log(house)[0] == ("Ann the clerk", people.CHANGE)
    assert "another horse" not in str(house.do("audit_list"))


def test_ones_own_sessions_are_ended_but_nobody_elses(house: House, stranger: Client) -> None:
    clerk, manager = house.client(Role.CLERK), house.client(Role.MANAGER)
    log_in(stranger, "Ann the clerk")
    others = house.do("session_list", user="Ann the manager")["sessions"][0]["session"]
    sent = hidden(clerk.shown("/account"), "/account")
    assert clerk.post("/account/session", data={**sent, "session": others}).status_code == 422
    manager.shown("/account")
    assert flash(clerk.fill("/account", "/account/session").text)
    assert stranger.get("/", follow_redirects=False).status_code == 303
    assert clerk.shown("/account").count('action="/account/session"') == 0, "only the own one is left"


def test_the_audit_log_is_asked_for_a_person_a_verb_and_a_day(house: House) -> None:
    house.client(Role.CLERK)
    house.browser.fill("/people", "/people/invite", name="Bob", role="viewer")
    page = house.browser.shown("/audit")
    assert actions(page)[0] == "user_add"
    assert f"{ACTION_LABELS['user_add']} name: Bob · role: viewer" in text(page)
    assert "password_choose" in actions(page)
    only = actions(house.browser.shown("/audit?who=Ann+the+clerk"))
    assert "password_choose" in only
    assert "user_add" not in only
    page = house.browser.shown("/audit?what=user_add")
    assert "Bob" in text(page)
    assert set(actions(page)) == {"user_add"}
    today = house.app.clock.now().astimezone().date()
    assert "user_add" in actions(house.browser.shown(f"/audit?day={today}"))
    for nothing in ("who=Eve", "what=prove", "day=2020-01-01"):
        assert is_empty(house.browser.shown(f"/audit?{nothing}"))
    for bad in ("day=yesterday", "before=x", "before=-1", "day=9999-12-31", "day=0001-01-01", f"who={'x' * 600}"):
        answer = house.browser.get(f"/audit?{bad}")
        assert answer.status_code == 422, bad
        assert 'role="alert"' in answer.text


def test_a_long_audit_log_is_read_page_by_page(house: House) -> None:
    for number in range(120):
        run(house.app, "item_add", {"sku": f"S{number:03}", "name": "x" * 60}, lambda *_: None)
    page, seen = house.browser.shown("/audit?what=item_add"), []
    while page:
        assert len(page) < 100_000
        seen += re.findall(r"S\d\d\d", text(page.partition('<div id="entries"')[2]))
        on = re.search(r'<a href="([^"]*)" rel="next"', page)
        page = house.browser.shown(unescape(on[1])) if on else ""
    assert seen == [f"S{number:03}" for number in range(119, -1, -1)]
