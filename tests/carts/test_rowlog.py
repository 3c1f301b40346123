"""The row log of a real MariaDB as a hint: it is heard at once, and whatever ails it, the shop is served all the same."""

from __future__ import annotations

import sys
import threading
import time

import pytest
import structlog

from onhand.carts.rowlog import RowLog
from onhand.domain.errors import Retriable
from onhand.domain.shop import Change
from tests.servers import MariaDB
from tests.shops import families
from tests.shops.direct import PASSWORD, direct

pytestmark = pytest.mark.servers

OsCommerce23 = direct(families.OsCommerce23, "rowlog=1")
SOON_SECONDS = 5.0  # this machine may be busy; alone it takes some milliseconds


@pytest.fixture(scope="module", params=["ROW", "STATEMENT"])
def logging_mariadb(request):
    with MariaDB(durable=True, options=("--log-bin", f"--binlog-format={request.param}")) as server:
        yield server


@pytest.fixture
def driver(logging_mariadb, php):
    shop = OsCommerce23(logging_mariadb, php)
    yield shop
    shop.close()


@pytest.fixture
def moved():
    return threading.Event()


@pytest.fixture
def shop(driver, moved):
    shop = driver.new_client(moved=moved.set)
    yield shop
    shop.disconnect()


def listening(shop, driver):
    """Waits until the listener hears."""
    shop.hello()
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if driver.sql(
            "SELECT 1 FROM information_schema.PROCESSLIST WHERE COMMAND = 'Binlog Dump' AND USER = %s", (driver.login,)
        ):
            time.sleep(0.1)
            return
        time.sleep(0.02)
    raise AssertionError("Nobody listens.")


def test_a_sale_is_heard_at_once(driver, shop, moved):
    product = driver.add_product("A", 10)
    listening(shop, driver)
    assert not moved.is_set()
    driver.sell(product, 1)
    assert moved.wait(SOON_SECONDS)


def test_what_concerns_no_stock_is_not_heard(driver, shop, moved):
    product = driver.add_product("A", 10)
    other = OsCommerce23(driver.mariadb, driver.php)
    listening(shop, driver)
    driver.setting("STOCK_CHECK", "false")
    other.sell(other.add_product("A", 10), 1)
    epoch = shop.hello(fresh_epoch_after=shop.hello().epoch).epoch
    assert not moved.wait(1.5)
    other.close()
    shop.apply(
        epoch, 1, [Change(product, 1)]
    )  # our own posts are heard too; the look they bring about sees nothing new
    assert moved.wait(SOON_SECONDS)


def test_it_ends_when_the_shop_is_let_go(driver, moved):
    shop = driver.new_client(moved=moved.set)
    listening(shop, driver)
    listener = shop._rowlog
    shop.disconnect()
    listener.join(5)
    assert not listener.is_alive()


def test_without_the_owners_word_nobody_listens(driver, moved):
    shop = driver.new_client(address=driver.address.replace("?rowlog=1", ""), moved=moved.set)
    shop.hello()
    assert shop._rowlog is None
    shop.disconnect()


def test_a_server_that_goes_and_comes_back_is_heard_again(driver, shop, moved):
    product = driver.add_product("A", 10)
    listening(shop, driver)
    driver.mariadb.kill()
    time.sleep(0.3)
    driver.mariadb.restart()
    driver.reconnect()
    with pytest.raises(Retriable):
        shop.hello()
    listening(shop, driver)
    moved.clear()
    driver.sell(product, 1)
    assert moved.wait(SOON_SECONDS)


def why_not(shop):
    """What the log says, once, and that the shop is served all the same."""
    with structlog.testing.capture_logs() as logs:
        shop.hello()
        shop._rowlog.join(4)
        assert shop.look(0, 0, 1, True, False)
    assert PASSWORD not in str(logs)
    (entry,) = logs
    assert entry["event"] == "rowlog.off"
    return entry["why"]


def test_without_the_rights_it_says_so(driver, shop):
    driver.sql(f"REVOKE REPLICATION SLAVE, BINLOG MONITOR ON *.* FROM '{driver.login}'@'127.0.0.1'")
    assert "onhand cart grants" in why_not(shop)


def test_without_a_binary_log_it_says_so(mariadb, php, moved):
    other = OsCommerce23(mariadb, php)
    shop = other.new_client(moved=moved.set)
    assert "switch log_bin on" in why_not(shop)
    shop.disconnect()
    other.close()


def test_without_the_extra_it_says_so_and_ends(driver, shop, monkeypatch):
    monkeypatch.setitem(sys.modules, "pymysqlreplication", None)
    assert "mysql-cdc" in why_not(shop)
    assert not shop._rowlog.is_alive()


def test_pauses_grow_and_are_bounded(driver, monkeypatch):
    listener = RowLog(driver.shop()._server, "", lambda: None)
    waited = []

    def wait(seconds):
        waited.append(seconds)
        return len(waited) > 12 and listener.stop()

    monkeypatch.setattr(listener, "_listen", lambda: "it is broken")
    monkeypatch.setattr(listener._stopping, "wait", wait)
    listener.run()
    assert 1 <= waited[0] <= 2
    assert 300 <= waited[-1] <= 600
