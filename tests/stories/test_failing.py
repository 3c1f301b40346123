"""Stories of what fails around a store on a server: processes, the network, the primary and its disk."""

from __future__ import annotations

import time

import pytest

from onhand.domain.errors import OnHandError
from tests.shops.families import OsCommerce23
from tests.stories.cluster import Cluster
from tests.stories.stage import RACES, Stage, eventually
from tests.stories.together import HouseTogether

pytestmark = [pytest.mark.servers, pytest.mark.postgresql, pytest.mark.long, pytest.mark.timeout(300)]
TAKEN_OVER_SECONDS, FAILED_OVER_SECONDS = 10.0, 30.0


@pytest.fixture(scope="module")
def cluster():
    with Cluster() as cluster:
        yield cluster


@pytest.fixture
def stage(tmp_path, mariadb, php, cluster):
    """Three shops in step, kept so by two controllers; two web processes."""
    with Stage(tmp_path, {"MUG": 100, "PEN": 100}, house=lambda store: HouseTogether(store, cluster)) as stage:
        for engine in ("InnoDB", "MyISAM", "InnoDB"):
            stage.open_shop(OsCommerce23(mariadb, php, engine))
        stage.align()
        yield stage


def shared_out(stage):
    return all(controller.carts() for controller in stage.house.controllers)


def all_is_well(stage):
    stage.all_is_well(within=60)
    assert {cause for cause, _ in stage.causes()} <= RACES
    assert stage.verb("prove")["holds"]


def test_a_killed_controllers_carts_are_taken_over(stage):
    stage.eventually(lambda: shared_out(stage))
    first, second = stage.house.controllers
    carts = first.carts()
    first.kill()
    killed = time.monotonic()
    for shop in stage.shops:
        shop.sell("MUG", 2)
    stage.eventually(lambda: carts <= (second.carts() or set()), TAKEN_OVER_SECONDS)
    stage.all_show(within=TAKEN_OVER_SECONDS, MUG=94)
    print(f"taken over and shown after {time.monotonic() - killed:.1f} s")
    first.start()
    stage.eventually(lambda: shared_out(stage))
    all_is_well(stage)


def test_the_primary_is_killed_and_its_standby_promoted(stage, cluster):
    stage.receive("PEN", 1, "PO 1")
    for shop in stage.shops:
        shop.sell("MUG", 2)
    killed = time.monotonic()
    cluster.fail_over()
    print(f"promoted after {time.monotonic() - killed:.1f} s")
    for member in stage.house.members:
        booked(member, "PEN", f"PO {member.name}")
    print(f"all book after {time.monotonic() - killed:.1f} s")
    with pytest.raises(OnHandError, match="is booked already"):
        stage.receive("PEN", 1, "PO 1")
    stage.all_show(within=FAILED_OVER_SECONDS, MUG=94, PEN=105)
    print(f"all shown after {time.monotonic() - killed:.1f} s")
    cluster.rebuild()
    for member in stage.house.members:
        member.check_running()
    all_is_well(stage)


def booked(member, sku, reference):
    """Book through one process, asking again until it is done."""

    def book():
        try:
            member.verb("receive", lines=[[sku, 1]], reference=reference)
        except OnHandError as error:
            return "is booked already" in error.message
        return True

    eventually(book, FAILED_OVER_SECONDS)
