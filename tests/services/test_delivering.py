"""Holds delivery to its promise: whatever is lost, repeated or killed, every post takes effect exactly once."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from onhand.domain.differences import Policy
from onhand.domain.errors import Conflict, OnHandError, Retriable
from onhand.services import delivering, probing, ticking
from onhand.services.counting import adjust
from onhand.services.receiving import receive
from tests.builders import Stall, World, failing

pytestmark = pytest.mark.slow  # a dozen looks at real shops in each test: `make fast` leaves it out

WARES = {"TEA": 10, "MUG": 20, "POT": 5}
LOST = Retriable("The line broke.", reason="transport")


def take_in(world: World, **units: int) -> None:
    receive(world.house, list(units.items()), "", "", "")


def leave_begun(stall: Stall, landed: int) -> Callable[[], None]:
    """What a crash on an engine without transactions leaves of the batch that is just being sent: begun, and only its first
    posts applied."""

    def crash() -> None:
        batch = stall.world.store.read(lambda books: books.posts.pending(stall.id))
        assert batch is not None
        for post in batch.posts[:landed]:
            stall.sql(
                "UPDATE products SET products_quantity = products_quantity + ? WHERE products_id = ?",
                post.delta,
                post.product,
            )
        stall.sql("UPDATE onhand_state SET begun_first = ?, begun_last = ?", batch.first, batch.last)

    return crash


def test_a_hundred_bookings_become_one_post(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    for _ in range(100):
        take_in(world, TEA=1)
    amber.tick()
    posts = world.store.read(lambda books: books.stack.posts(amber.id, None, 10))
    assert [(post["change"], post["state"]) for post in posts] == [(100, "applied")]
    assert amber.shows("TEA") == 110


def test_a_tick_that_finds_nothing_writes_nothing(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.tick()
    commits = world.store.version
    for _ in range(3):
        amber.tick()
    assert world.store.version == commits
    take_in(world, TEA=1)
    amber.tick()
    assert amber.shows("TEA") == 11


def test_bookings_that_cancel_out_make_no_post(world: World) -> None:
    amber, birch = world.running("Amber", "Birch", wares=WARES)
    birch.sample.buy("TEA", 1)
    birch.tick()
    take_in(world, TEA=1)
    amber.wire.asked.clear()
    amber.tick()
    assert amber.wire.asked == ["look"]
    birch.tick()
    assert amber.shows("TEA") == birch.shows("TEA") == 10


def test_a_post_whose_answer_was_lost_is_resent_and_applied_once(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    take_in(world, TEA=5)
    amber.wire.after["apply"].append(failing(LOST))
    with pytest.raises(Retriable):
        amber.tick()
    assert amber.shows("TEA") == 15
    take_in(world, TEA=1, MUG=1)
    amber.tick()
    assert (amber.shows("TEA"), amber.shows("MUG")) == (16, 21)
    assert amber.differences() == []


def test_a_post_that_never_arrived_is_sent_again(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    take_in(world, TEA=5)
    amber.wire.before["apply"].append(failing(LOST))
    with pytest.raises(Retriable):
        amber.tick()
    world.reopen()
    amber.sample.buy("TEA", 2)
    amber.tick()
    assert amber.shows("TEA") == world.on_hand("TEA") == 13


def test_news_that_wakes_delivery_before_the_lost_answer_is_settled_sends_that_batch_first(world: World) -> None:
    """A command at the cart can leave a batch unsettled; the next booking wakes delivery before the next tick."""
    (amber,) = world.running("Amber", wares=WARES)
    take_in(world, TEA=5)
    amber.wire.after["apply"].append(failing(LOST))
    with pytest.raises(Retriable):
        ticking.deliver_all(world.house, amber.id, amber.wire, 1000, amber.memory)
    take_in(world, MUG=1)
    ticking.deliver_all(world.house, amber.id, amber.wire, 1000, amber.memory)
    assert (amber.shows("TEA"), amber.shows("MUG")) == (15, 21)
    amber.settle()
    assert amber.cart.halted is None
    assert amber.differences() == []


def test_a_sale_while_a_post_is_under_way_is_kept(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    take_in(world, TEA=5)
    amber.wire.before["apply"].append(lambda: amber.sample.buy("TEA", 2))
    amber.tick()
    amber.tick()
    assert amber.shows("TEA") == world.on_hand("TEA") == 13
    assert amber.differences() == []


@pytest.mark.parametrize("landed", [0, 1, 3])
def test_an_unfinished_batch_is_resolved_by_the_law(world: World, landed: int) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    take_in(world, TEA=5, MUG=1, POT=2)
    amber.wire.before["apply"].append(leave_begun(amber, landed))
    amber.wire.before["apply"].append(lambda: amber.sample.buy("TEA", 1))
    amber.tick()
    amber.settle()
    assert {sku: amber.shows(sku) for sku in WARES} == {"TEA": 14, "MUG": 21, "POT": 7}
    assert world.on_hand("TEA") == 14
    assert amber.differences() == []
    assert amber.tick()


@pytest.mark.parametrize("landed", [0, 1])
@pytest.mark.parametrize("reset", [False, True])
def test_what_had_moved_before_an_unfinished_batch_is_no_part_of_it(world: World, landed: int, reset: bool) -> None:
    """World 772000072: a drift as large as a post was taken for the post, so the post went out twice or never."""
    (amber,) = world.running("Amber", wares=WARES)
    amber.sample.buy("TEA", 2)
    amber.tick()
    if reset:
        amber.sql("UPDATE products SET products_ordered = 0 WHERE products_model = 'TEA'")
        amber.sample.buy("POT", 1)
    else:
        amber.sample.buy_together("TEA", 3)
    amber.tick()
    change = -2 if reset else 2
    adjust(world.house, "TEA", change, None, "counted", "Ida", below_zero=False)
    amber.wire.before["apply"].append(leave_begun(amber, landed))
    amber.tick()
    amber.settle(10)
    assert amber.causes() == [("counter reset", -2) if reset else ("lost sale", 2)]
    assert amber.shows("TEA") == world.on_hand("TEA") == (6 if reset else 7)


@pytest.mark.parametrize("landed", [0, 2])
def test_a_crash_between_settling_and_closing_an_unfinished_batch(world: World, landed: int) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    take_in(world, TEA=5, MUG=1)
    amber.wire.before["apply"] += [leave_begun(amber, landed), failing(LOST)]
    with pytest.raises(Retriable):
        amber.tick()
    assert amber.sql("SELECT begun_first FROM onhand_state") != [(None,)]
    world.reopen()
    amber.settle()
    assert (amber.shows("TEA"), amber.shows("MUG")) == (15, 21)
    assert amber.sql("SELECT begun_first FROM onhand_state") == [(None,)]
    assert amber.differences() == []


def test_batches_larger_than_the_batch_size_follow_each_other(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.set(batch_size=2)
    take_in(world, TEA=1, MUG=1, POT=1)
    amber.tick()
    assert {sku: amber.shows(sku) for sku in WARES} == {"TEA": 11, "MUG": 21, "POT": 6}


def test_the_outcome_of_a_full_batch_and_the_next_batch_are_one_commit(world: World) -> None:
    (amber,) = world.running("Amber", wares={f"S{n:02}": 5 for n in range(7)})
    amber.set(batch_size=3)
    take_in(world, **{f"S{n:02}": 1 for n in range(7)})
    commits: list[int] = []
    amber.wire.before["apply"] += [lambda: commits.append(world.store.version)] * 3
    amber.tick()
    assert [later - earlier for earlier, later in itertools.pairwise(commits)] == [1, 1]
    assert {amber.shows(f"S{n:02}") for n in range(7)} == {6}
    assert world.store.read(lambda books: books.posts.pending(amber.id)) is None


@pytest.mark.parametrize("number", [1, 2, 3])
def test_any_batch_of_several_may_lose_its_answer(world: World, number: int) -> None:
    (amber,) = world.running("Amber", wares={f"S{n:02}": 5 for n in range(7)})
    amber.set(batch_size=3)
    take_in(world, **{f"S{n:02}": 1 for n in range(7)})
    amber.wire.after["apply"] += [lambda: None] * (number - 1) + [failing(LOST)]
    with pytest.raises(Retriable):
        amber.tick()
    world.reopen()
    amber.settle()
    assert {amber.shows(f"S{n:02}") for n in range(7)} == {6}
    assert amber.differences() == []


def test_nothing_more_is_stored_for_a_cart_that_was_stopped_between_two_batches(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.set(batch_size=2)
    take_in(world, TEA=1, MUG=1, POT=1)
    amber.wire.after["apply"].append(lambda: world.store.write(lambda books: books.carts.halt(amber.id, "Stop.")))
    amber.tick()
    assert world.store.read(lambda books: books.posts.pending(amber.id)) is None
    assert (amber.shows("TEA"), amber.shows("MUG"), amber.shows("POT")) == (11, 21, 5)


def test_listings_that_are_right_already_do_not_stop_delivery_to_the_rest(world: World) -> None:
    wares = {f"S{n:02}": 5 for n in range(30)}
    amber, _ = world.running("Amber", "Birch", wares=wares)
    amber.set(batch_size=4)
    take_in(world, S09=1, S29=1)
    world.store.write(lambda books: books.listings.announce_listings([x.id for x in books.listings.all(amber.id)]))
    amber.tick()
    assert (amber.shows("S09"), amber.shows("S29")) == (6, 6)


def test_a_post_to_a_product_that_is_gone_is_set_aside(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    take_in(world, TEA=1, MUG=1)
    amber.wire.before["apply"].append(lambda: amber.sample.delete_product("TEA"))
    amber.tick()
    assert amber.shows("MUG") == 21
    amber.settle()
    assert amber.causes() == [("deleted product", 0)]


def test_a_post_that_the_column_cannot_hold_is_set_aside(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.policy(Policy.ASK)
    amber.edit("TEA", 2**31 - 3)
    amber.settle()
    take_in(world, TEA=5, MUG=1)
    amber.tick()
    assert amber.listing("TEA").parked == "The shop's quantity column cannot hold the result."
    assert amber.shows("MUG") == 21
    amber.sample.buy("TEA", 1)
    amber.settle()
    assert world.on_hand("TEA") == 14


def test_what_a_column_could_not_hold_is_tried_again_with_the_next_booking(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.policy(Policy.ASK)
    amber.edit("TEA", 2**31 - 3)
    amber.settle()
    take_in(world, TEA=5)
    amber.tick()
    assert amber.listing("TEA").parked is not None
    adjust(world.house, "TEA", -4, None, "broken", "", below_zero=False)
    amber.tick()
    assert amber.listing("TEA").parked is None
    assert amber.shows("TEA") == 2**31 - 2


def test_a_product_that_was_gone_for_a_moment_gets_its_posts_with_the_next_booking(world: World) -> None:
    """An import that deletes and writes again shows no change of the listing set, if it is quick."""
    (amber,) = world.running("Amber", wares=WARES)
    take_in(world, TEA=5)
    amber.wire.before["apply"].append(lambda: amber.sql("UPDATE products SET products_id = 99 WHERE products_id = 1"))
    amber.wire.after["apply"].append(lambda: amber.sql("UPDATE products SET products_id = 1 WHERE products_id = 99"))
    amber.tick()
    assert amber.listing("TEA").parked == "The product is gone from the shop."
    amber.settle()
    take_in(world, TEA=1)
    amber.tick()
    assert amber.listing("TEA").parked is None
    assert amber.shows("TEA") == world.on_hand("TEA") == 16


def test_a_buffer_is_withheld_and_never_makes_an_oversold_count_worse(world: World) -> None:
    amber, birch = world.running("Amber", "Birch", wares={"TEA": 10})
    birch.set(buffer=4)
    take_in(world, TEA=1)
    birch.tick()
    assert birch.shows("TEA") == 7
    amber.sample.buy("TEA", 9)
    for stall in (amber, birch):
        stall.tick()
    assert birch.shows("TEA") == 0
    amber.sample.buy("TEA", 3)
    for stall in (amber, birch):
        stall.tick()
    assert birch.shows("TEA") == -1


def copy_of(path: Path) -> bytes:
    """The whole database of a shop as one file, whatever is in its log."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.read_bytes()


def put_back(path: Path, content: bytes) -> None:
    with closing(sqlite3.connect(path)) as live, closing(sqlite3.connect(":memory:")) as copy:
        copy.deserialize(_out_of_wal(content))
        copy.backup(live)


def _out_of_wal(content: bytes) -> bytes:
    return content[:18] + b"\x01\x01" + content[20:]


def stops(stall: Stall) -> None:
    """The cart notices that it is not where it was, and says so at every tick from then on."""
    for _ in range(2):
        with pytest.raises(Conflict):
            stall.tick()
    assert stall.cart.halted is not None
    assert [x["cause"] for x in stall.differences()] == ["restored from backup"]


def test_a_shop_restored_from_a_backup_stops_its_posting_until_it_is_aligned(world: World) -> None:
    amber, birch = world.running("Amber", "Birch", wares=WARES)
    backup = copy_of(amber.sample.path)
    take_in(world, TEA=5)
    amber.sample.buy("MUG", 2)
    amber.settle()
    put_back(amber.sample.path, backup)
    stops(amber)
    assert "backup" in (amber.cart.halted or "")
    take_in(world, POT=1)
    stops(amber)
    birch.tick()
    assert (amber.shows("POT"), birch.shows("POT")) == (5, 6)
    amber.send()
    amber.tick()
    assert {sku: amber.shows(sku) for sku in WARES} == {"TEA": 15, "MUG": 18, "POT": 6}
    assert amber.differences(open_only=True) == []
    amber.sample.buy("MUG", 1)
    amber.tick()
    assert world.on_hand("MUG") == 17, "line numbers that come again are new sales"


def test_a_shop_restored_while_a_batch_was_unsettled_stops_too(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    backup = copy_of(amber.sample.path)
    take_in(world, TEA=5)
    amber.tick()
    take_in(world, MUG=1)
    amber.wire.after["apply"].append(failing(LOST))
    with pytest.raises(Retriable):
        amber.tick()
    put_back(amber.sample.path, backup)
    stops(amber)
    amber.send()
    assert (amber.shows("TEA"), amber.shows("MUG")) == (15, 21)


def test_trade_that_makes_no_post_is_marked_by_a_post_of_nothing(world: World) -> None:
    amber, birch = world.running("Amber", "Birch", wares=WARES)
    before = amber.cart.next_seq
    amber.sample.buy("TEA", 1)
    amber.sample.buy("MUG", 2)
    assert amber.tick(), "in step all the same"
    assert amber.cart.next_seq == before + 1
    amber.wire.asked.clear()
    assert amber.tick()
    assert amber.wire.asked == ["look"]
    assert world.store.read(lambda books: books.stack.posts(amber.id, None, 10)) == []
    birch.tick()
    assert (amber.shows("TEA"), birch.shows("TEA")) == (9, 9)
    amber.sample.buy("TEA", 1)
    take_in(world, POT=1)
    amber.tick()
    assert amber.cart.next_seq == before + 2, "a post that is due anyway marks as well"


@pytest.mark.parametrize("trade", ["sale", "sale without a line", "cancellation"])
def test_a_shop_restored_from_a_backup_with_no_post_since_is_told_by_its_trade(world: World, trade: str) -> None:
    amber, birch = world.running("Amber", "Birch", wares=WARES)
    order = amber.sample.buy("TEA", 1)
    amber.settle()
    backup = copy_of(amber.sample.path)
    if trade == "sale":
        amber.sample.buy("TEA", 2)
    elif trade == "cancellation":
        amber.sample.delete_order(order, restock=True)
    else:
        amber.sql(
            "UPDATE products SET products_quantity = products_quantity - 2, products_ordered = products_ordered + 2"
            " WHERE products_model = 'TEA'"
        )
    amber.settle()
    birch.tick()
    booked = world.movements("TEA")
    put_back(amber.sample.path, backup)
    stops(amber)
    assert world.movements("TEA") == booked, "nothing is taken for a cancellation"
    assert birch.tick()
    amber.send()
    assert amber.shows("TEA") == world.on_hand("TEA")


def test_a_shop_restored_after_an_edit_was_taken_over_is_told_too(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.policy(Policy.THEIRS)
    backup = copy_of(amber.sample.path)
    amber.edit("TEA", 50)
    amber.settle()
    put_back(amber.sample.path, backup)
    with pytest.raises(Conflict):
        amber.tick()
    assert "the shop's database was restored" in (amber.cart.halted or "")


@pytest.mark.parametrize("landed", [0, 1])
def test_a_mark_on_an_engine_without_transactions_is_closed_like_any_batch(world: World, landed: int) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.wire.before["apply"].append(leave_begun(amber, landed))
    before = amber.cart.next_seq
    amber.sample.buy("TEA", 1)
    amber.settle()
    assert amber.cart.next_seq == before + 1
    assert amber.sql("SELECT begun_first, last_seq FROM onhand_state") == [(None, before)]
    assert amber.differences() == []
    assert amber.tick()


def test_a_mark_whose_answer_was_lost_is_resent(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.sample.buy("TEA", 1)
    amber.wire.after["apply"].append(failing(LOST))
    with pytest.raises(Retriable):
        amber.tick()
    before = amber.cart.next_seq
    amber.settle()
    assert amber.cart.next_seq == before
    assert amber.tick()


def test_marks_are_no_evidence_of_a_lost_post(world: World) -> None:
    (amber,) = world.running("Amber", wares={"TEA": 1000})
    for _ in range(3):
        amber.sample.buy("TEA", 1)
        amber.tick()
    listing = amber.listing("TEA").id
    long_ago = world.clock.now() - timedelta(days=1)
    assert world.store.read(lambda books: books.posts.of_listing(listing, long_ago, 100)) == []


def test_our_own_books_restored_to_before_a_sale_stop_the_cart(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    backup = world.backup()
    amber.sample.buy("TEA", 2)
    amber.tick()
    world.put_back(backup)
    stops(amber)
    amber.get()
    assert world.on_hand("TEA") == 8


def test_our_own_books_restored_from_a_backup_stop_the_posting(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    backup = world.backup()
    take_in(world, TEA=5)
    amber.tick()
    world.put_back(backup)
    stops(amber)
    assert amber.shows("TEA") == 15
    amber.get()
    amber.tick()
    assert world.on_hand("TEA") == 15


def test_our_own_books_restored_to_an_unsettled_batch_stop_the_posting(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    take_in(world, TEA=5)
    amber.wire.after["apply"].append(failing(LOST))
    with pytest.raises(Retriable):
        amber.tick()
    backup = world.backup()
    amber.tick()
    take_in(world, MUG=2)
    amber.tick()
    world.put_back(backup)
    stops(amber)


def test_another_onhand_at_the_same_shop_is_noticed(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    hello = amber.endpoint.hello()
    amber.endpoint.hello(fresh_epoch_after=hello.epoch)
    stops(amber)


def test_a_round_trip_leaves_everything_as_it_was(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    steps = probing.round_trip(world.house, amber.cart, amber.wire, "tea")
    assert [step.what for step in steps] == ["post +1", "seen there", "post -1", "seen there"]
    amber.settle()
    assert amber.shows("TEA") == world.on_hand("TEA") == 10
    assert amber.differences() == []


def test_a_round_trip_killed_in_the_middle_is_taken_back(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.wire.after["apply"].append(failing(LOST))
    with pytest.raises(OnHandError):
        probing.round_trip(world.house, amber.cart, amber.wire, "tea")
    assert amber.shows("TEA") == 11
    amber.settle()
    assert amber.shows("TEA") == 10


def test_closing_twice_is_answered_and_harmless(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    take_in(world, TEA=1)
    amber.tick()
    delivering.close_begun(world.house, amber.cart, amber.wire)
    assert amber.shows("TEA") == 11
