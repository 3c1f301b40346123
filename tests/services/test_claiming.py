"""Holds one shop to one cart: a second cart, or another OnHand, at the same shop is recognised and named in any order of events."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from onhand.domain.errors import Conflict, Refused
from onhand.services import probing
from onhand.services.receiving import receive
from tests.builders import Stall, World

pytestmark = pytest.mark.slow  # a dozen looks at real shops in each test: `make fast` leaves it out

WARES = {"TEA": 10, "MUG": 20}


def second(world: World, first: Stall, name: str = "K2") -> Stall:
    """Another cart that reaches the same database, as by a second domain."""
    world.stalls.append(Stall(world, name, first.sample))
    return world.stalls[-1]


def first(world: World) -> Stall:
    (k,) = world.running("K", wares=WARES)
    return k


def refused(stall: Stall, as_: Stall) -> None:
    """Test, Send and Get say whose shop it is."""
    for ask in (lambda: probing.greet(stall.world.house, stall.cart, stall.wire), stall.get, stall.send):
        with pytest.raises(Refused) as told:
            ask()
        assert (told.value.facts["reason"], told.value.facts["same_as"]) == ("same_shop", as_.name)


@pytest.mark.parametrize("posted", [False, True])
def test_a_second_cart_of_a_shop_is_refused_and_the_first_goes_on(world: World, posted: bool) -> None:
    k = first(world)
    if posted:
        receive(world.house, [("TEA", 1)], "", "", "")
        k.settle()
    k2 = second(world, k)
    refused(k2, k)
    k.sample.buy("TEA", 1)
    k.settle()
    assert (k.shows("TEA"), k.cart.halted) == (world.on_hand("TEA"), None)
    assert k2.cart.epoch is None


def test_it_is_refused_while_a_post_of_the_first_is_on_its_way(world: World) -> None:
    k = first(world)
    receive(world.house, [("TEA", 1)], "", "", "")
    k.wire.before["apply"] = [lambda: refused(second(world, k), k)]
    k.tick()
    assert k.shows("TEA") == 11


def test_it_does_not_matter_which_was_added_first(world: World) -> None:
    k = world.cart("K", WARES)
    k2 = second(world, k)
    probing.greet(world.house, k.cart, k.wire)
    world.parameter("SynchQOH", "true")
    k2.get()
    k2.enable()
    refused(k, k2)


def taken_over(world: World) -> tuple[Stall, Stall]:
    """Two carts of one shop; the second was aligned last."""
    k = first(world)
    k2 = second(world, k)
    epoch = k.cart.epoch
    # As an earlier program, which did not compare, would have let it happen.
    world.sql("UPDATE carts SET epoch = NULL WHERE id = :cart", cart=k.id)
    k2.get()
    k2.enable()
    world.sql("UPDATE carts SET epoch = :epoch WHERE id = :cart", epoch=epoch, cart=k.id)
    return k, k2


@pytest.mark.parametrize("waiting", [False, True])
def test_a_cart_whose_shop_another_one_took_over_names_it(world: World, waiting: bool) -> None:
    k, k2 = taken_over(world)
    if waiting:  # then it is the answer to a post that tells, and no look
        receive(world.house, [("TEA", 1)], "", "", "")
    for _ in range(2):
        with pytest.raises(Conflict) as told:
            k.tick()
        assert (told.value.facts["reason"], told.value.facts["same_as"]) == ("same_shop", "K2")
    assert k2.name in (k.cart.halted or "")
    assert k.causes()[-1] == ("shared shop", 0)
    refused(k, k2)
    with pytest.raises(Refused):
        k.enable()
    assert k2.tick() is not None
    assert k2.cart.halted is None
    world.store.write(lambda books: books.carts.remove(k2.id))
    k.send()
    k.settle()
    assert (k.cart.halted, k.shows("TEA")) == (None, world.on_hand("TEA"))


def test_another_onhand_at_the_shop_is_another_sentence(world: World, tmp_path: Path) -> None:
    k = first(world)
    (tmp_path / "other").mkdir()
    other = World(tmp_path / "other")
    try:
        theirs = second(other, k, "K")
        other.parameter("SynchQOH", "true")
        theirs.get()
        theirs.enable()
        with pytest.raises(Conflict) as told:
            k.tick()
        assert told.value.facts["reason"] == "restored", "nothing was posted yet: the table may have been made anew"
        receive(other.house, [("TEA", 1)], "", "", "")
        theirs.settle()
        with pytest.raises(Conflict) as told:
            k.tick()
        assert told.value.facts["reason"] == "another_onhand"
        k.send()
        with pytest.raises(Conflict):
            theirs.tick()
    finally:
        other.close()


def test_a_shop_restored_from_before_its_alignment_is_no_other_onhands(world: World) -> None:
    k = first(world)
    receive(world.house, [("TEA", 1)], "", "", "")
    k.settle()
    before = k.sql("SELECT * FROM onhand_state")
    columns = len(before[0])
    k.sql("DROP TABLE onhand_state")
    with pytest.raises(Conflict):
        k.tick()
    k.send()
    assert k.cart.epoch not in before[0]
    k.sql("DELETE FROM onhand_state")
    k.sql(f"INSERT INTO onhand_state VALUES ({', '.join('?' * columns)})", *before[0])
    with pytest.raises(Conflict) as told:
        k.tick()
    assert told.value.facts["reason"] == "restored"


def test_an_older_copy_of_a_shop_is_a_shop_of_its_own(world: World) -> None:
    k = first(world)
    k.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(k.sample.path, world.folder / "copy.db")
    receive(world.house, [("TEA", 1)], "", "", "")
    k.settle()
    copy = world.cart("Copy", {})
    copy.sample.close()
    shutil.copy(world.folder / "copy.db", copy.sample.path)
    copy.send()
    assert copy.shows("TEA") == 11
    k.tick()
    assert k.cart.halted is None
