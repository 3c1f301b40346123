"""The pages of a cart that is reached through its database: a password instead of files, and the rights its user needs."""

from __future__ import annotations

from onhand.domain.people import Role
from tests.web.conftest import flash
from tests.web.test_carts_screen import fault

ADDRESS = "mysql://stock@db.example/shop"


def test_it_is_added_with_its_password(house):
    answer = house.browser.fill("/carts/new", "/carts/new", name="Amber", url=ADDRESS, secret="hunter2")
    assert answer.url.path == "/carts/1"
    assert "Amber" in flash(answer.text)
    assert "hunter2" not in answer.text
    assert house.app.read(lambda books: books.carts.get(1)).settings.secret == "hunter2"


def test_a_password_in_the_address_is_refused_by_its_field(house):
    answer = house.browser.fill(
        "/carts/new", "/carts/new", name="Amber", url="mysql://stock:hunter2@db.example/shop", secret=""
    )
    assert answer.status_code == 422
    assert "Leave the password out" in fault(answer.text, "url")


def test_its_page_has_rights_and_a_password_and_no_files(house):
    house.do("cart_add", name="Amber", url=ADDRESS)
    for role in (Role.ADMINISTRATOR, Role.MANAGER):
        page = house.client(role).shown("/carts/1")
        assert "GRANT UPDATE (products_quantity, products_status) ON `shop`.`products`" in page
        assert 'type="password"' in page
        assert "onhand-key.php" not in page
        assert 'href="/carts/1/onhand.php"' not in page
    page = house.client(Role.CLERK).shown("/carts/1")
    assert "GRANT" not in page
    assert 'action="/carts/1/password"' not in page


def test_a_password_is_kept_and_never_shown(house):
    house.do("cart_add", name="Amber", url=ADDRESS)
    answer = house.browser.fill("/carts/1", "/carts/1/password", password="hunter2")
    assert "Amber" in flash(answer.text)
    assert "hunter2" not in answer.text
    assert house.app.read(lambda books: books.carts.get(1)).settings.secret == "hunter2"
    answer = house.browser.fill("/carts/1", "/carts/1/password", password="")
    assert answer.status_code == 422
    assert fault(answer.text, "password") == "Enter a value."
