"""Holds log-in, users, tokens, one's own account and the audit log to what an administrator and everybody else do with them."""

from __future__ import annotations

import re
from html import unescape

import pytest

from onhand.domain.people import Role
from onhand.services import people
from onhand.verbs import run
from onhand.web.visit import SESSION_COOKIE
from tests.web.conftest import Client, House, text

PASSWORD = "correct horse battery"


def stranger(house: House) -> Client:
    return Client(house.api)


def made(html: str) -> str:
    """The link or token that a page shows once."""
    return unescape(re.search(r'<code id="made">([^<]*)</code>', html)[1])


def hidden(html: str, action: str) -> dict[str, str]:
    """The hidden fields of a page's form."""
    form = html.partition(f'action="{action}"')[2].partition("</form>")[0]
    return {k: unescape(v) for k, v in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form)}


def log(house: House) -> list[tuple[str, str]]:
    return [(row["person"], row["verb"]) for row in house.do("audit_list")["entries"]]


def test_the_first_administrator_comes_in_by_the_link_and_by_nothing_else(house: House) -> None:
    house.app.database.write(lambda books: books._connection.exec_driver_sql("DELETE FROM sessions"))
    house.app.database.write(lambda books: books._connection.exec_driver_sql("DELETE FROM users"))
    eve = stranger(house)
    assert "The first administrator comes in by the one-time link" in text(eve.shown("/login"))
    assert "This link was used, or has ended" in text(eve.shown("/begin/guessed", 404))
    link = f"/begin/{people.first_link(house.app.house)}"
    browser = stranger(house)
    refused = browser.fill(link, link, name="Ann", password=PASSWORD, again=PASSWORD + "x")
    assert refused.status_code == 422
    assert "The two passwords differ" in text(refused.text)
    assert 'value="Ann"' in refused.text
    assert PASSWORD not in refused.text
    assert "A password has 10 to 200 characters" in text(
        browser.fill(link, link, name="Ann", password="short", again="short").text
    )
    assert browser.fill(link, link, name="Ann", password=PASSWORD, again=PASSWORD).url.path == "/"
    assert "Ann" in browser.shown("/people")
    assert "This link was used" in text(eve.shown(link, 404))
    assert ("Ann", people.CHOOSE) in log(house)


def test_a_wrong_password_is_told_like_a_wrong_name_and_the_name_is_kept(house: House) -> None:
    browser = stranger(house)
    said = set()
    for name in ("Ann the administrator", "Nobody"):
        answer = browser.fill("/login?next=/inventory", "/login", name=name, password="wrong horse battery")
        assert answer.status_code == 422
        assert f'value="{name}"' in answer.text
        assert "wrong horse" not in answer.text
        said.add(re.search(r'role="alert"><p>(.*?)</p>', answer.text, re.DOTALL)[1])
    assert len(said) == 1
    right = browser.fill("/login?next=/carts", "/login", name="ann THE administrator", password=PASSWORD)
    assert right.url.path == "/carts"


def test_who_guesses_is_told_to_wait(house: House) -> None:
    browser = stranger(house)
    for _ in range(people.TRIES):
        browser.fill("/login", "/login", name="Ann the administrator", password="wrong horse battery")
    answer = browser.fill("/login", "/login", name="Ann the administrator", password=PASSWORD)
    assert answer.status_code == 503
    assert re.search(r"Too many wrong tries: try again in \d+ seconds", text(answer.text))
    assert SESSION_COOKIE not in browser.cookies


@pytest.mark.parametrize(
    "address", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_log_in_leads_to_pages_of_ours_only(house: House, address: str) -> None:
    browser = stranger(house)
    page = browser.get("/login", params={"next": address}).text
    sent = {**hidden(page, "/login"), "next": address, "name": "Ann the administrator", "password": PASSWORD}
    answer = browser.post("/login", data=sent, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


def test_an_invited_clerk_chooses_a_password_and_works(house: House) -> None:
    answer = house.browser.fill("/people", "/people/invite", name="Ida <i>", role="clerk")
    link = made(answer.text)
    assert link.startswith("http://testserver/begin/")
    assert "<i>" not in answer.text
    assert made(house.browser.fill("/people", "/people/invite", name="Bob", role="viewer").text) != link
    assert "begin/" not in house.browser.shown("/people")
    assert "invited" in text(house.browser.shown("/people"))
    path, ida = link.removeprefix("http://testserver"), stranger(house)
    assert "Welcome, Ida <i>" in text(ida.shown(path))
    ida.fill(path, path, password=PASSWORD, again=PASSWORD)
    assert "you are here as clerk" in text(ida.shown("/account"))
    for page in ("/people", "/people/1", "/audit"):
        assert "ask a administrator" in text(ida.shown(page, 403)).replace("an admin", "a admin")


def test_a_user_that_cannot_be_is_refused_and_what_was_typed_stays(house: House) -> None:
    answer = house.browser.fill("/people", "/people/invite", name="ANN the administrator", role="manager")
    assert answer.status_code == 422
    assert "choose another name" in text(answer.text)
    assert 'value="ANN the administrator"' in answer.text
    assert '<option value="manager" selected>' in answer.text
    assert house.browser.fill("/people", "/people/invite", name="x" * 61, role="clerk").status_code == 422
    assert house.browser.fill("/people", "/people/invite", name="Bob", role="king").status_code == 422


def test_a_role_is_changed_once_and_a_stale_page_is_refused(house: House) -> None:
    clerk = house.client(Role.CLERK)
    first, second = (hidden(house.browser.shown("/people/2"), "/people/2") for _ in range(2))
    saved = house.browser.post("/people/2", data={**first, "role": "viewer", "active": "yes"})
    assert "Ann the clerk is saved." in text(saved.text)
    stale = house.browser.post("/people/2", data={**second, "role": "manager", "active": "yes"})
    assert stale.status_code == 409
    assert "was changed since you opened this page" in text(stale.text)
    assert "role now viewer" in text(stale.text)
    assert '<option value="manager" selected>' in stale.text
    assert "you are here as viewer" in text(clerk.shown("/account"))
    house.browser.fill("/people/2", "/people/2", role="viewer")
    assert clerk.get("/", follow_redirects=False).status_code == 303
    assert "kept out" in text(house.browser.shown("/people"))
    assert "/people/2/link" not in house.browser.shown("/people/2")


def test_the_last_administrator_stays(house: House) -> None:
    answer = house.browser.fill("/people/1", "/people/1", role="clerk", active="yes")
    assert answer.status_code == 422
    assert "is the last administrator: make another one first" in text(answer.text)


def test_a_new_link_ends_the_sessions_of_its_user(house: House) -> None:
    clerk = house.client(Role.CLERK)
    answer = house.browser.fill("/people/2", "/people/2/link")
    assert clerk.get("/", follow_redirects=False).status_code == 303
    path, fresh = made(answer.text).removeprefix("http://testserver"), stranger(house)
    fresh.fill(path, path, password="another horse battery", again="another horse battery")
    assert "you are here as clerk" in text(fresh.shown("/account"))
    house.browser.shown("/people/99", 404)
    house.browser.shown("/people/x", 404)


def test_a_session_is_ended_by_an_administrator(house: House) -> None:
    clerk = house.client(Role.CLERK)
    answer = house.browser.fill("/people/2", "/people/2/session")
    assert "That session is ended" in text(answer.text)
    assert clerk.get("/", follow_redirects=False).status_code == 303
    again = house.browser.post("/people/2/session", data=hidden(house.browser.shown("/people"), "/people/invite"))
    assert again.status_code == 422
    assert ("Ann the administrator", "session_revoke") in log(house)


def test_a_token_is_shown_once_works_and_is_ended(house: House) -> None:
    house.client(Role.CLERK)
    sent = {"name": "Till", "user": "Ann the clerk", "scopes": ["read", "stock"], "days": "30"}
    answer = house.browser.fill("/people", "/people/token", **sent)
    token = made(answer.text)
    assert people.bearer(house.app.house, token).name == "Ann the clerk (token Till)"
    page = house.browser.shown("/people")
    assert token not in page
    assert "Till Ann the clerk read, stock never" in text(page)
    assert "Till (read, stock)" in text(house.browser.shown("/people/2"))
    ended = house.browser.fill("/people", "/people/token/revoke")
    assert "The token is ended" in text(ended.text)
    assert people.bearer(house.app.house, token) is None
    assert "No program has a token." in text(house.browser.shown("/people"))
    assert "Till" in text(house.browser.shown("/people?ended=yes"))


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"scopes": []}, "Choose at least one scope."),
        ({"scopes": ["manage"]}, "Ann the clerk is a clerk"),
        ({"days": "0"}, "Give at least 1."),
        ({"days": "soon"}, "Give a whole number."),
        ({"name": ""}, "This is needed."),
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


def test_ones_own_password_is_changed_with_the_old_one(house: House) -> None:
    clerk = house.client(Role.CLERK)
    other = stranger(house)
    other.fill("/login", "/login", name="Ann the clerk", password=PASSWORD)
    fresh = {"password": "another horse battery", "again": "another horse battery"}
    answer = clerk.fill("/account", "/account", old="wrong horse battery", **fresh)
    assert answer.status_code == 422
    assert "This is not your password." in text(answer.text)
    assert "another horse" not in answer.text
    answer = clerk.fill("/account", "/account", old=PASSWORD, **fresh)
    assert "Your password is changed" in text(answer.text)
    assert other.get("/", follow_redirects=False).status_code == 303
    assert ("Ann the clerk", people.CHANGE) in log(house)
    assert "another horse" not in str(house.do("audit_list"))


def test_ones_own_sessions_are_ended_but_nobody_elses(house: House) -> None:
    clerk, manager = house.client(Role.CLERK), house.client(Role.MANAGER)
    other = stranger(house)
    other.fill("/login", "/login", name="Ann the clerk", password=PASSWORD)
    named = house.do("session_list", user="Ann the manager")["sessions"][0]["session"]
    sent = hidden(clerk.shown("/account"), "/account")
    assert clerk.post("/account/session", data={**sent, "session": named}).status_code == 422
    manager.shown("/account")
    assert "That session is ended" in text(clerk.fill("/account", "/account/session").text)
    assert other.get("/", follow_redirects=False).status_code == 303
    assert clerk.shown("/account").count("this one") == 1


def test_the_audit_log_is_asked_for_a_person_a_verb_and_a_day(house: House) -> None:
    house.client(Role.CLERK)
    house.browser.fill("/people", "/people/invite", name="Bob", role="viewer")
    page = text(house.browser.shown("/audit"))
    assert "Ann the administrator screen user_add" in page
    assert "Ann the clerk screen password_choose" in page
    only = text(house.browser.shown("/audit?who=Ann+the+clerk").partition('id="entries"')[2])
    assert "password_choose" in only
    assert "user_add" not in only
    only = text(house.browser.shown("/audit?what=user_add").partition('id="entries"')[2])
    assert "Bob" in only
    assert "password_choose" not in only
    assert "Nothing of that kind was done." in text(house.browser.shown("/audit?day=2020-01-01"))
    today = house.app.clock.now().astimezone().date()
    assert "user_add" in text(house.browser.shown(f"/audit?day={today}").partition('id="entries"')[2])
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
        seen += re.findall(r"S\d\d\d", page.partition('id="entries"')[2])
        on = re.search(r'<a href="([^"]*)" rel="next"', page)
        page = house.browser.shown(unescape(on[1])) if on else ""
    assert seen == [f"S{number:03}" for number in range(119, -1, -1)]
