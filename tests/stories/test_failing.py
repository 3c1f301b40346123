"""Stories of what fails around a store on a server: processes, the network, the primary and its disk."""

from __future__ import annotations

import itertools
import time

import pytest

from onhand.domain.errors import OnHandError
from tests.shops.families import OsCommerce23
from tests.stories.blows import business
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
    first, second = stage.house.controllers
    carts = shared(stage, first)
    first.kill()
    killed = time.monotonic()
    for shop in stage.shops:
        shop.sell("MUG", 2)
    stage.eventually(lambda: carts <= (second.carts() or set()), TAKEN_OVER_SECONDS * business())
    stage.all_show(within=TAKEN_OVER_SECONDS * business(), MUG=94)
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
    stage.all_show(within=FAILED_OVER_SECONDS * business(), MUG=94, PEN=105)
    print(f"all shown after {time.monotonic() - killed:.1f} s")
    cluster.rebuild()
    for member in stage.house.members:
        member.check_running()
    all_is_well(stage)


def test_a_suspended_controller_does_no_harm_when_it_wakes_up(stage):
    first, _ = stage.house.controllers
    carts = shared(stage, first)
    first.suspend()
    sell_until_taken_over(stage, first, carts)
    first.wake()
    go_on(stage)


@pytest.mark.parametrize("held", [False, True], ids=["cut", "stalled"])
def test_a_controller_that_is_cut_off_from_the_database_does_no_harm(stage, held):
    first, _ = stage.house.controllers
    carts = shared(stage, first)
    first.cut(held=held)
    sell_until_taken_over(stage, first, carts)
    first.mend()
    go_on(stage)


def shared(stage, controller):
    """The carts of one controller, once they are shared out."""
    stage.eventually(lambda: shared_out(stage))
    return controller.carts()


def sell_until_taken_over(stage, first, carts):
    for shop in stage.shops:
        shop.sell("MUG", 2)
    stage.eventually(lambda: carts <= (first.carts(others=True) or set()), TAKEN_OVER_SECONDS * business())
    stage.all_show(within=TAKEN_OVER_SECONDS * business(), MUG=94)


def go_on(stage):
    """Everybody is back: shops sell, and each controller gets a share again."""
    for shop in stage.shops:
        shop.sell("MUG", 1)
    stage.all_show(within=TAKEN_OVER_SECONDS * business(), MUG=91)
    stage.eventually(lambda: shared_out(stage))
    for member in stage.house.members:
        member.check_running()
    all_is_well(stage)


def test_a_full_disk_of_the_database_stops_bookings_with_a_sentence_and_loses_nothing(stage, cluster):
    """A limit on the size of files is set on the running server from outside. Its tables cannot grow, as on a full disk."""
    database, primary = stage.house.database, cluster.primary
    # The table of movements becomes larger than a file of the log, so it meets the limit first.
    with primary.connect(database) as connection:
        connection.execute(
            "BEGIN; SET LOCAL session_replication_role = replica; CREATE TEMP TABLE more AS SELECT * FROM movements LIMIT 1;"
            " INSERT INTO movements OVERRIDING SYSTEM VALUE SELECT (jsonb_populate_record(more, jsonb_build_object('id', -n, 'origin',"
            " 'filler/' || n))).* FROM more, generate_series(1, 20000) n; DELETE FROM movements WHERE id < 0; COMMIT"
        )
        ((size,),) = connection.execute("SELECT pg_relation_size('movements')").fetchall()
    assert size > 1024 * 1024
    primary.limit_files(size)
    numbers = itertools.count()
    refusal = next(filter(None, (refused(stage.receive, "PEN", 1, f"PO {number}") for number in numbers)))
    assert "disk of the database server is full" in refusal, refusal
    received = next(numbers) - 1
    for shop in stage.shops:
        shop.sell("MUG", 2)
    stage.eventually(lambda: all("disk" in stage.trouble(shop) for shop in stage.shops), 30 * business())
    assert stage.on_hand()["MUG"] == 100

    primary.limit_files(None)
    stage.all_show(within=30 * business(), MUG=94, PEN=100 + received)
    stage.receive("PEN", 1, f"PO {received}")  # what was refused was not booked: it is not known
    all_is_well(stage)


def test_a_database_that_dies_because_its_log_has_no_room_goes_on_once_it_has(stage, cluster):
    primary = cluster.primary
    stage.receive("PEN", 1, "PO 1")
    primary.limit_files(8_192)
    assert refused(stage.receive, "PEN", 1, "PO 2")
    eventually(lambda: not primary.is_running(), 60 * business())
    for shop in stage.shops:
        shop.sell("MUG", 2)
    primary.start()
    stage.all_show(within=30 * business(), MUG=94, PEN=101)
    booked(stage.house, "PEN", "PO 2")
    stage.all_show(within=30 * business(), PEN=102)
    for member in stage.house.members:
        member.check_running()
    all_is_well(stage)


def refused(act, *what):
    """The sentence with which it is refused; nothing where it is done."""
    try:
        act(*what)
    except OnHandError as problem:
        return problem.message


def booked(member, sku, reference):
    """Book through one process, asking again until it is done."""

    def book():
        try:
            member.verb("receive", lines=[[sku, 1]], reference=reference)
        except OnHandError as error:
            return "is booked already" in error.message
        return True

    eventually(book, FAILED_OVER_SECONDS * business())
