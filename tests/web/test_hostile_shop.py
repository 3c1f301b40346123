"""A shop that lies in every way we know, as one of two carts: its own trouble, and nobody else's."""

from __future__ import annotations

import json

import pytest
from structlog.testing import capture_logs

from onhand.carts.sample import SampleShop, catalogue, serve
from onhand.running.controller import Driver
from onhand.services.looking import PAGES_MAX
from onhand.services.memory import Memory
from onhand.services.ports import ROWS_MAX
from tests.hostile import ENDLESS_LINES, ENDLESS_ROWS, LIES, HostileShop

pytestmark = pytest.mark.long

AMBER, HOSTILE = "Amber", "Birch & Sons"
SCREENS = ("/", "/carts", "/start")
TROUBLE_MAX = 600  # characters of a sentence
SHOWN_MAX = 100_000  # characters of a page; a shop's own words are a small part of it


class Street:
    """A house with an honest and a hostile shop, whose drivers take their steps when they are told to."""

    def __init__(self, house, tmp_path) -> None:
        self.house, self.app = house, house.app
        self.fronts = []
        self.shops = [SampleShop(tmp_path / f"{n}.db", n).create(catalogue(12)) for n in ("amber", "hostile")]
        house.connect(self.shops[0], AMBER, self._honest)
        house.connect(self.shops[1], HOSTILE, self._hostile)
        house.do("get_qoh", cart=AMBER, create=True)
        house.do("send_qoh", cart=HOSTILE)
        house.do("param_set", name="SynchQOH", value="True")
        for name in (AMBER, HOSTILE):
            house.do("sync_on", cart=name)

    def _honest(self, shop, own) -> str:
        self.fronts.append(serve(shop, port=0, key_id=own.key_id, secret=own.secret))
        return self.fronts[-1].connector_url

    def _hostile(self, shop, own) -> str:
        self.hostile = HostileShop(shop, own.key_id, own.secret)
        return self.hostile.url

    def cart(self, name):
        return self.app.read(lambda books: books.carts.named(name))

    def step(self, name) -> Driver:
        """A fresh driver's first step, with everything due that is asked now and then."""
        cart = self.cart(name)
        shop = self.app.connectors.open(cart)
        driver = Driver(self.app.house, cart, shop, Memory(hello_due=1e-9), lambda: 0.0)
        driver.step()
        shop.disconnect()
        return driver

    def close(self) -> None:
        self.hostile.stop()
        for front in self.fronts:
            front.stop()
        for shop in self.shops:
            shop.close()


@pytest.fixture
def street(house, tmp_path):
    street = Street(house, tmp_path)
    yield street
    street.close()


def faults_of(street, lie) -> list[str]:
    """What is wrong in this house while the shop tells this lie; nothing, as a rule."""
    wrong, street.hostile.asked = [], []
    street.house.do("receive", lines=[(street.shops[0].find(1).sku, 1)])  # so that something is to be posted
    with capture_logs() as logs, street.hostile.telling(lie, moving=lie.verb == "listings"):
        driver = street.step(HOSTILE)
        honest = street.step(AMBER)
        pages = {path: street.house.browser.get(path) for path in (*SCREENS, f"/carts/{street.cart(HOSTILE).id}")}
        for verb, given in (("status", {}), ("cart_list", {}), ("cart_show", {"cart": HOSTILE})):
            json.dumps(street.house.do(verb, **given), ensure_ascii=False).encode()  # as the API does
    trouble = driver.pulse.trouble or ""
    if lie.verb not in street.hostile.asked:
        wrong.append(f"{lie.verb} was never asked")
    if not trouble or trouble != street.cart(HOSTILE).trouble or len(trouble) > TROUBLE_MAX:
        wrong.append(f"trouble: {trouble[:TROUBLE_MAX]!r}")
    if "Fault in OnHand" in trouble or any(line["event"] == "tick.broke" for line in logs):
        wrong.append("a fault of ours")
    if honest.pulse.trouble is not None:
        wrong.append(f"the honest shop's: {honest.pulse.trouble}")
    wrong += [f"{path}: {page.status_code}" for path, page in pages.items() if page.status_code != 200]
    wrong += [f"{path}: {len(page.text)} letters" for path, page in pages.items() if len(page.text) > SHOWN_MAX]
    if street.cart(HOSTILE).halted:
        wrong.append(f"stopped: {street.cart(HOSTILE).halted}")
    if (after := street.step(HOSTILE)).pulse.trouble is not None:
        wrong.append(f"not healed: {after.pulse.trouble}")
    return wrong


@pytest.mark.timeout(360)  # a minute on an idle machine
def test_a_shop_that_lies_is_in_trouble_alone_and_every_screen_stays(street):
    lies = [
        lie for lie in LIES if lie.verb != "orders"
    ]  # those are asked about now and then only: see the test of the verbs
    assert len(lies) >= 50
    found = {str(lie): wrong for lie in lies if (wrong := faults_of(street, lie))}
    assert found == {}
    assert street.house.do("prove")["holds"]
    for name in (AMBER, HOSTILE):
        assert street.step(name).pulse.in_step, name


def test_a_shop_with_products_without_end_is_in_trouble_alone(street):
    assert faults_of(street, ENDLESS_ROWS) == []


@pytest.mark.timeout(360)  # a minute on an idle machine
def test_order_lines_without_end_make_nobody_wait(street):
    """A shop that had some hundred thousand lines booked in one commit once made a clerk wait for sixteen seconds."""
    lines = []
    with street.hostile.telling(ENDLESS_LINES):
        for _ in range(3):
            began = street.cart(HOSTILE).cursor_line
            driver = street.step(HOSTILE)
            lines.append(street.cart(HOSTILE).cursor_line - began)
            assert driver.pulse.trouble is None
            assert not driver.pulse.in_step
    assert lines == [PAGES_MAX * ROWS_MAX] * 3
    assert street.step(AMBER).pulse.in_step
