"""Stories of the way between OnHand and a shop: answers get lost, requests come twice, servers and workers die."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.servers import PhpServer
from tests.shops.families import OsCommerce23
from tests.stories.conftest import both_engines
from tests.stories.relay import Relay
from tests.stories.stage import RACES, Stage, eventually

pytestmark = [pytest.mark.servers, pytest.mark.long]


@pytest.fixture
def own_php():
    """A PHP server for Amber's connector alone, to be stopped and killed."""
    with PhpServer(workers=4) as server:
        yield server


@pytest.fixture
def stage(tmp_path, mariadb, php, own_php, engine):
    with Stage(tmp_path, {"MUG": 10, "PEN": 10, "CAP": 10}) as stage:
        stage.open_shop(OsCommerce23(mariadb, php, engine, connector_php=own_php))
        stage.open_shop(OsCommerce23(mariadb, php, engine))
        stage.align()
        yield stage


@pytest.fixture
def relayed(tmp_path, mariadb, php, engine):
    """A stage on which Amber is reached through a relay; answers (stage, relay)."""
    driver = OsCommerce23(mariadb, php, engine)
    relay = Relay(driver.url)
    with Stage(tmp_path, {"MUG": 10, "PEN": 10, "CAP": 10}) as stage:
        stage.open_shop(driver, url=relay.url)
        stage.open_shop(OsCommerce23(mariadb, php, engine))
        stage.align()
        yield stage, relay
    relay.close()


def test_a_shop_that_is_down_keeps_nobody_waiting_and_catches_up(stage, own_php):
    amber, birch = stage.shops
    own_php.stop()
    stage.eventually(lambda: "cannot be reached" in stage.trouble(amber))

    birch.sell("MUG", 2)
    amber.sell("MUG", 1)  # the shop's pages live on another server: it sells while we cannot see it
    stage.receive("PEN", 5)
    stage.eventually(lambda: (birch.shows("MUG"), birch.shows("PEN")) == (8, 15), within=5)
    assert (amber.shows("MUG"), amber.shows("PEN")) == (9, 10)

    assert own_php._started()  # on the same port, as before
    stage.all_show(MUG=7, PEN=15)
    stage.all_is_well()
    assert stage.trouble(amber) == ""
    assert stage.differences() == []


@both_engines
def test_an_answer_that_is_lost_is_asked_for_again(relayed):
    stage, relay = relayed
    amber, _ = stage.shops
    relay.loses = lambda asked: asked["verb"] == "apply" and relay.lost < 2
    stage.receive("MUG", 5)
    stage.eventually(lambda: relay.lost == 2)
    assert amber.shows("MUG") == 15  # it landed at once; we did not hear of it
    amber.sell("MUG", 1)
    stage.all_show(MUG=14)
    stage.all_is_well()
    first, second, third = [body for _, body in relay.seen_of("apply")][:3]
    assert first == second == third
    assert stage.differences() == []


@both_engines
def test_requests_that_come_twice_or_late_change_nothing(relayed):
    stage, relay = relayed
    amber, _ = stage.shops
    for units in (15, 22, 20):
        stage.verb("adjust", sku="MUG", counted=units, reason="shelf")
        stage.all_show(MUG=units)
    stage.all_is_well()
    old, middle, last = relay.seen_of("apply")[-3:]
    assert [json.loads(body)["posts"][0][1] for _, body in (old, middle, last)] == [5, 7, -2]

    before = amber.counters()
    status, _, content = relay.send(*last)
    assert (status, json.loads(content)["outcome"]) == (200, "already")
    for request in (middle, old, middle, old):
        status, _, content = relay.send(*request)
        assert (status, json.loads(content)["error"]["code"]) == (409, "gap")
    for headers, body in relay.seen_of("look")[-3:] + relay.seen_of("hello"):
        relay.send(headers, body)
    assert amber.counters() == before

    amber.sell("MUG", 4)
    stage.all_show(MUG=16)
    stage.all_is_well()
    assert stage.differences() == []


class TestTheConnectorIsKilledBetweenUpdateAndAnswer:
    """kill -9 of the PHP process, and then of its database connection too, while the one UPDATE of a batch is at work."""

    @both_engines
    def test_the_update_lands_all_the_same(self, stage, own_php, engine):
        amber, _ = stage.shops
        with slow_updates(amber):
            stage.verb("receive", lines=[["MUG", 5], ["PEN", 7]])
            kill_worker(own_php, amber, connection_at_work(amber))
        amber.sell("MUG", 1)
        stage.all_show(MUG=14, PEN=17)
        stage.all_is_well()
        assert {cause for cause, _ in stage.causes()} <= RACES  # the sale may have met the batch that came again

    @both_engines
    def test_a_part_of_the_batch_lands(self, stage, own_php, engine):
        amber, _ = stage.shops
        with slow_updates(amber, seconds=1.5):
            stage.verb("receive", lines=[["MUG", 5], ["PEN", 7], ["CAP", 9]])
            connection = connection_at_work(amber, for_ms=1900)  # the second of three products is being written
            kill_worker(own_php, amber, connection)
            amber.driver.sql("KILL %s", (connection,))
        amber.sell("MUG", 1)
        amber.sell("CAP", 2)
        stage.all_show(MUG=14, PEN=17, CAP=17)
        stage.all_is_well()
        assert {cause for cause, _ in stage.causes()} <= RACES  # the sale may have met the batch that came again
        states = [post["state"] for post in stage.verb("posts", cart="Amber")["posts"]]
        # InnoDB takes the whole batch back and it is sent again; on MyISAM each product has its own fate.
        assert {"InnoDB": states.count("unlanded") == 0, "MyISAM": 0 < states.count("unlanded") < 3}[engine], states

    @pytest.mark.parametrize("engine", ["MyISAM"])
    def test_nothing_of_the_batch_lands(self, stage, own_php):
        amber, _ = stage.shops
        blocker = amber.driver.mariadb.connect(amber.driver.database)
        with contextlib.closing(blocker), blocker.cursor() as cursor:
            cursor.execute("LOCK TABLES products READ")
            stage.verb("receive", lines=[["MUG", 5], ["PEN", 7]])
            connection = connection_at_work(amber)
            kill_worker(own_php, amber, connection)
            amber.driver.sql("KILL %s", (connection,))
            cursor.execute("UNLOCK TABLES")
        amber.sell("MUG", 1)
        stage.all_show(MUG=14, PEN=17)
        stage.all_is_well()
        assert {cause for cause, _ in stage.causes()} <= RACES  # the sale may have met the batch that came again
        states = {(post["sku"], post["state"]) for post in stage.verb("posts", cart="Amber")["posts"]}
        assert {("MUG", "unlanded"), ("PEN", "unlanded")} <= states

    @pytest.mark.parametrize("engine", ["MyISAM"])
    def test_it_lands_and_a_sale_at_the_same_moment_wipes_it_out(self, stage, own_php):
        amber, _ = stage.shops
        with ThreadPoolExecutor() as pool:
            sale = pool.submit(amber.sell, "MUG", 1, think_us=3_000_000)
            eventually(lambda: amber.driver.sql("SELECT 1 FROM orders_status_history"))  # it reads its ten now
            with slow_updates(amber):
                stage.receive("MUG", 5)
                kill_worker(own_php, amber, connection_at_work(amber))
                own_php.stop()  # nobody looks before the sale is whole
            eventually(lambda: amber.shows("MUG") == 15)
            order = sale.result()
        assert amber.shows("MUG") == 9, "written from what it read before the batch"
        assert own_php._started()
        stage.all_show(MUG=14)
        stage.all_is_well()
        states = [post["state"] for post in stage.verb("posts", cart="Amber")["posts"]]
        assert states == ["applied", "unlanded"]  # for all that can be seen the batch never landed: it is sent again
        assert stage.movements("MUG") == [("receipt", 5, None), ("sale", -1, str(order))]
        assert stage.differences() == []


@contextlib.contextmanager
def slow_updates(shop, seconds=0.6):
    """While this is open every update of a product takes long enough to be hit."""
    shop.driver.sql(
        f"CREATE TRIGGER slow BEFORE UPDATE ON products FOR EACH ROW SET NEW.products_tax_class_id = SLEEP({seconds})"
    )
    try:
        yield
    finally:
        shop.driver.sql("DROP TRIGGER slow")


def connection_at_work(shop, for_ms=0):
    """Waits until the connector has been at its UPDATE for so long; answers the id of its database connection."""
    found = []

    def at_work():
        found[:] = shop.driver.sql(
            "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = %s AND HOST LIKE '%%:%%' AND INFO LIKE 'UPDATE (SELECT%%'"
            " AND TIME_MS >= %s",
            (shop.driver.database, for_ms),
        )
        return found

    eventually(at_work, report=lambda: "The connector never came to its UPDATE.")
    return int(found[0][0])


def kill_worker(server, shop, connection):
    """Kills the PHP process that owns this database connection."""
    (host,) = shop.driver.sql("SELECT HOST FROM information_schema.PROCESSLIST WHERE ID = %s", (connection,))[0]
    port = int(host.rpartition(":")[2])
    (pid,) = [pid for pid in server.pids() if port in local_ports(pid)]
    os.kill(pid, signal.SIGKILL)


def local_ports(pid):
    """The local TCP ports of a process."""
    links = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            links.append(str(entry.readlink()))
    inodes = {link[8:-1] for link in links if link.startswith("socket:[")}
    rows = [row.split() for row in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[9] in inodes}
