"""Stories of a side that is put back to an earlier state, or is not the one it was: the cart stops, says so, and a person aligns it."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing

import pytest

from tests.builders import FILE
from tests.stories.conftest import both_engines
from tests.stories.stage import SETTLE_SECONDS, TICK_SECONDS, House

pytestmark = [pytest.mark.servers, pytest.mark.long]

ADVICE = "Compare, then align the cart with Send QOH or Get QOH."


def stops(stage, shop, *causes):
    """Waits until the cart is stopped; answers the sentence a person is told."""
    stage.eventually(lambda: stage.cart(shop)["state"] == "stopped")
    assert stage.causes(shop)[-1] in [(cause, 0) for cause in causes or ("restored from backup",)]
    return stage.cart(shop)["halted"]


class TestAShopRestoredFromABackup:
    @both_engines
    def test_is_told_left_alone_and_goes_on_after_send_qoh(self, stage):
        amber, birch = stage.shops
        amber.sell("MUG", 1)
        stage.all_show(MUG=9)
        back_up(amber)
        stage.receive("MUG", 5)
        amber.sell("PEN", 2)
        stage.all_show(MUG=14, PEN=8)
        stage.all_is_well()  # a mark on its way would meet the restore half way, and take its place
        restore(amber)
        assert (amber.shows("MUG"), amber.shows("PEN")) == (9, 10)

        assert "restored from a backup" in stops(stage, amber)
        birch.sell("MUG", 3)  # the other shop goes on
        stage.eventually(lambda: stage.on_hand()["MUG"] == 11)
        stage.looks_pass(at=[birch])
        assert (amber.shows("MUG"), amber.shows("PEN")) == (9, 10)

        stage.verb("send_qoh", cart="Amber")
        stage.all_show(MUG=11, PEN=8)
        amber.sell("PEN", 1)
        stage.all_show(PEN=7)
        stage.eventually(stage.in_step)
        assert stage.verb("prove")["holds"]

    @both_engines
    def test_with_nothing_but_sales_since_is_told_as_well(self, stage):
        amber, birch = stage.shops
        order = amber.sell("CAP", 1)
        stage.all_is_well()
        back_up(amber)
        amber.sell("PEN", 2)
        amber.driver.remove_order(order, restock=True)
        stage.all_show(PEN=8, CAP=10)
        stage.all_is_well()
        booked = stage.movements("PEN"), stage.movements("CAP")
        restore(amber)
        assert (amber.shows("PEN"), amber.shows("CAP")) == (10, 9)

        told = stops(stage, amber)
        assert told.endswith(f"the shop's database was restored from a backup. {ADVICE}")
        amber.sell("PEN", 1)  # what it sells until it is aligned, nobody books
        stage.looks_pass(at=[birch])
        assert (stage.movements("PEN"), stage.movements("CAP")) == booked
        assert (birch.shows("PEN"), birch.shows("CAP")) == (8, 10)

        stage.verb("send_qoh", cart="Amber")
        stage.all_show(PEN=8, CAP=10)
        stage.verb("adjust", sku="PEN", change=-1, reason="sold in Amber after the restore")
        stage.all_show(PEN=7)
        stage.eventually(stage.in_step)
        assert stage.verb("prove")["holds"]


@pytest.mark.parametrize(
    "kept_in", [FILE], indirect=True
)  # a server's is put back in tests/services/test_delivering.py
def test_our_own_store_put_back_from_a_copy_stops_the_carts_that_moved_on(stage, tmp_path):
    amber, birch = stage.shops
    stage.all_is_well()
    copy_store(tmp_path / "onhand.db", tmp_path / "copy.db")
    amber.sell("PEN", 2)
    stage.all_show(PEN=8)
    stage.all_is_well()
    stage.house.close()
    for beside in ("-wal", "-shm"):
        (tmp_path / f"onhand.db{beside}").unlink(missing_ok=True)
    shutil.copy(tmp_path / "copy.db", tmp_path / "onhand.db")
    stage.reopen()

    for shop in stage.shops:  # Birch was posted to, Amber sold
        told = stops(stage, shop)
        assert "OnHand's database was restored from a backup" in told
        assert told.endswith(ADVICE)
    assert stage.on_hand()["PEN"] == 10
    stage.verb("get_qoh", cart="Amber")
    stage.verb("send_qoh", cart="Birch")
    stage.all_show(MUG=10, PEN=8, CAP=10)
    assert stage.movements("PEN") == [("count", -2, None)]  # right, but the order's number is gone with our copy
    birch.sell("PEN", 1)
    stage.all_show(PEN=7)
    stage.eventually(stage.in_step)
    assert stage.verb("prove")["holds"]


class TestAnotherEpoch:
    MADE_AGAIN = f"The shop's OnHand table was made again, or another OnHand has just aligned this shop: if there is one, stop it. {ADVICE}"

    @both_engines
    def test_the_connectors_table_is_gone_from_the_shop(self, stage):
        amber, birch = stage.shops
        amber.driver.sql("DROP TABLE onhand_state")
        assert stops(stage, amber) == self.MADE_AGAIN
        stage.receive("MUG", 5)
        stage.eventually(lambda: birch.shows("MUG") == 15)
        assert amber.shows("MUG") == 10
        stage.verb("send_qoh", cart="Amber")
        stage.all_show(MUG=15)
        stage.all_is_well()

    def test_of_two_onhands_at_one_shop_only_the_one_that_aligned_it_last_posts(self, stage, tmp_path):
        amber, birch = stage.shops
        other = House(tmp_path / "other.db")
        try:
            driver = amber.driver
            other.verb("cart_add", name="Amber", url=driver.url, key_id=driver.key_id, secret=driver.secret_hex)
            other.verb("cart_edit", cart="Amber", tick_seconds=TICK_SECONDS, settle_seconds=SETTLE_SECONDS)
            other.verb("param_set", name="SynchQOH", value="True")
            other.verb("get_qoh", cart="Amber", create=True)
            other.verb("sync_on", cart="Amber")
            stops(stage, amber, "restored from backup", "shared shop")  # it had just aligned, or has posted since
            stage.receive("MUG", 5)
            other.verb("receive", lines=[["MUG", 1]])
            stage.eventually(lambda: (amber.shows("MUG"), birch.shows("MUG")) == (11, 15))

            stage.verb("send_qoh", cart="Amber")
            stage.eventually(lambda: other.verb("cart_show", cart="Amber")["halted"])
            stage.all_show(MUG=15)
            stage.all_is_well()
        finally:
            other.close()


def back_up(shop):
    """Copies every table of the shop, the connector's own memory included."""
    for (table,) in shop.driver.sql("SHOW TABLES"):
        shop.driver.sql(f"CREATE TABLE `saved_{table}` LIKE `{table}`")
        shop.driver.sql(f"INSERT INTO `saved_{table}` SELECT * FROM `{table}`")


def restore(shop):
    """Puts the copies in place of the tables, all at one moment."""
    saved = [table for (table,) in shop.driver.sql("SHOW TABLES LIKE 'saved\\_%'")]
    swaps = (
        f"`{t.removeprefix('saved_')}` TO `lost_{t.removeprefix('saved_')}`, `{t}` TO `{t.removeprefix('saved_')}`"
        for t in saved
    )
    shop.driver.sql("RENAME TABLE " + ", ".join(swaps))


def copy_store(store, copy):
    """As docs/operating.md says, while OnHand runs."""
    with closing(sqlite3.connect(store)) as live, closing(sqlite3.connect(copy)) as target:
        live.backup(target)
