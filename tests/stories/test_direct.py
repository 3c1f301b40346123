"""Shops that are reached through their databases, among others: in step at ten looks a second, and woken by the row log."""

from __future__ import annotations

import time

import pytest

from tests.servers import MariaDB
from tests.shops.direct import PASSWORD, direct
from tests.shops.families import OsCommerce23
from tests.stories.conftest import both_engines
from tests.stories.stage import Crowd, Stage

pytestmark = [pytest.mark.servers, pytest.mark.long]

Direct = direct(OsCommerce23)
Woken = direct(OsCommerce23, "rowlog=1")


def let_in(stage, shop):
    """From here on the cart is reached through its database; nothing is aligned anew."""
    stage.verb("cart_edit", cart=shop.name, url=shop.driver.address)
    stage.verb("cart_password", cart=shop.name, password=PASSWORD)


@pytest.fixture
def stage(tmp_path, mariadb, php, engine):
    with Stage(tmp_path, {"MUG": 200, "PEN": 200, "CAP": 200}) as stage:
        for _ in range(2):
            stage.open_shop(Direct(mariadb, php, engine))
        stage.align()
        yield stage


def test_a_cart_goes_from_the_file_to_its_database_and_back_in_the_middle_of_its_epoch(stage):
    amber, birch = stage.shops
    amber.sell("MUG", 1)
    stage.all_show(MUG=199)
    let_in(stage, amber)
    birch.sell("MUG", 2)
    amber.sell("PEN", 3)
    stage.all_show(MUG=197, PEN=197)
    key = stage.verb("cart_edit", cart=amber.name, url=amber.driver.url) and stage.verb("cart_key", cart=amber.name)
    (amber.driver.root / "onhand-key.php").write_text(key["text"])
    birch.sell("CAP", 4)
    stage.all_show(CAP=196)
    stage.all_is_well()
    assert stage.cart(amber)["halted"] is None


@both_engines
def test_crowds_trade_in_shops_reached_directly_and_every_count_comes_out(stage):
    for shop in stage.shops:
        let_in(stage, shop)
        stage.verb("cart_edit", cart=shop.name, tick_seconds=0)
    crowd = Crowd()
    for shop in stage.shops:
        crowd.let(lambda shop=shop: (shop.sell("MUG", 1, think_us=2000), time.sleep(0.05)), people=2)
        crowd.let(lambda shop=shop: (shop.sell("PEN", 1), time.sleep(0.05)))
    crowd.let(lambda: (stage.receive("MUG", 5), time.sleep(0.2)))
    time.sleep(3)
    crowd.stop()
    stage.all_is_well(within=30)


def test_a_sale_wakes_a_look_long_before_the_next_tick(tmp_path, php):
    with (
        MariaDB(options=("--log-bin", "--binlog-format=ROW")) as server,
        Stage(tmp_path, {"MUG": 50}) as stage,
    ):
        for _ in range(2):
            stage.open_shop(Woken(server, php))
        stage.align()
        for shop in stage.shops:
            let_in(stage, shop)
            stage.verb("cart_edit", cart=shop.name, tick_seconds=60)
        stage.eventually(lambda: listeners(server) == 2)
        time.sleep(0.5)
        amber, birch = stage.shops
        for units in (49, 48, 47):
            amber.sell("MUG", 1)
            stage.eventually(lambda units=units: birch.shows("MUG") == units, within=5)
        assert stage.cart(amber)["hinted_at"]


def listeners(server) -> int:
    with server.connect() as root, root.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE COMMAND = 'Binlog Dump'")
        return cursor.fetchone()[0]
