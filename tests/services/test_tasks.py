"""Holds long work to its promise: it can be watched, cancelled at any phase, and what is left behind is in order and said."""

from __future__ import annotations

import json
import threading
from collections import Counter

import pytest

from onhand.domain.errors import Cancelled, Conflict, Refused, Retriable
from onhand.domain.people import Caller
from onhand.domain.tasks import INTERRUPTED, UNTOUCHED, Task, TaskLine, TaskState
from onhand.running.tasks import Tasks
from onhand.services import aligning
from onhand.services.auditing import Audited
from onhand.services.receiving import receive
from tests.builders import World, failing

pytestmark = pytest.mark.slow  # real servers and waiting: `make fast` leaves it out

WARES = {f"S{n:02}": 5 for n in range(12)}
LINE = TaskLine(1, "TEA", "", None, 5, 4, "changed", None)


def ours(world: World, on_hand: int = 9) -> None:
    for sku in WARES:
        world.item(sku, on_hand)


class Stopping:
    """A progress that is cancelled when a phase has come so far."""

    def __init__(self, phase: str, done: int = 0) -> None:
        self.phase, self.done = phase, done
        self.told: list[tuple[str, int, int]] = []

    def __call__(self, phase: str, done: int, of: int) -> None:
        self.told.append((phase, done, of))
        if phase == self.phase and done >= self.done:
            raise Cancelled(UNTOUCHED)


def send(stall, progress) -> list[aligning.Plan]:
    return aligning.send_qoh(stall.world.house, stall.cart, stall.wire, stall.memory, 4, progress)


def get(stall, progress) -> list[aligning.Plan]:
    return aligning.get_qoh(stall.world.house, stall.cart, stall.wire, stall.memory, True, progress)


def results(plans) -> Counter[str]:
    return Counter(plan.result for plan in plans)


def shown(stall) -> Counter[int]:
    return Counter(ware.quantity for ware in stall.sample.stock())


# Cancelling


@pytest.mark.parametrize("phase", ["reading", "settling"])
@pytest.mark.parametrize("align", [send, get])
def test_cancelled_before_the_books_changed_nothing_happened(world: World, phase: str, align) -> None:
    amber = world.cart("Amber", WARES)
    ours(world)
    before = amber.cart
    with pytest.raises(Cancelled, match="before any count was changed"):
        align(amber, Stopping(phase))
    assert amber.cart == before
    assert shown(amber) == {5: 12}
    assert world.movements("S00") == [("opening", 9)]
    assert results(send(amber, lambda *_: None)) == {"changed": 12}


def test_cancelled_while_it_is_read_an_aligned_cart_stays_aligned(world: World) -> None:
    amber, _ = world.running("Amber", "Birch", wares=WARES)
    world.parameter("SynchQOH", "False")
    aligning.disable(world.house, amber.cart, "")
    before = amber.cart
    with pytest.raises(Cancelled):
        send(amber, Stopping("reading"))
    assert amber.cart == before
    assert amber.listing("S00").aligned


def test_cancelled_while_posting_what_was_posted_stays_and_the_rest_is_not_aligned(world: World) -> None:
    amber = world.cart("Amber", WARES)
    ours(world)
    planned = send(amber, Stopping("posting", 4))
    assert results(planned) == {"changed": 4, "cancelled": 8}
    assert {plan.left for plan in planned if plan.left} == {"It is not aligned any more: Send or Get again."}
    assert shown(amber) == {9: 4, 5: 8}
    posted = [plan.sku for plan in planned if plan.result == "changed"]
    assert all(amber.listing(sku).aligned == (sku in posted) for sku in WARES)


def test_what_a_cancelled_send_left_is_never_posted_unasked(world: World) -> None:
    amber = world.cart("Amber", WARES)
    ours(world)
    send(amber, Stopping("posting", 4))
    world.parameter("SynchQOH", "True")
    with pytest.raises(Refused) as refusal:
        amber.enable()
    assert {row["why"] for row in refusal.value.facts["differing"]} == {"never aligned"}
    assert refusal.value.facts["count"] == 8
    receive(world.house, [("S00", 1), ("S11", 1)], "PO-1", "", "")
    amber.tick()
    assert shown(amber) == {10: 1, 9: 3, 5: 8}
    assert results(send(amber, lambda *_: None)) == {"changed": 8, "equal": 4}
    assert amber.enable() == 0


def test_a_cancelled_send_of_what_was_in_step_misses_no_sale(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    aligning.disable(world.house, amber.cart, "")
    receive(world.house, [(sku, 4) for sku in WARES], "PO-1", "", "")
    planned = send(amber, Stopping("posting", 4))
    left = [plan.sku for plan in planned if plan.left == "It was not posted: Send or Get again."]
    assert len(left) == 8
    amber.sample.buy(left[0], 2)
    with pytest.raises(Refused):
        amber.enable()
    send(amber, lambda *_: None)
    assert (world.on_hand(left[0]), amber.shows(left[0])) == (7, 7)


def test_what_is_equal_already_stays_aligned_when_a_send_is_cancelled(world: World) -> None:
    amber = world.cart("Amber", WARES)
    ours(world, on_hand=5)
    receive(world.house, [("S00", 1), ("S01", 1)], "PO-1", "", "")
    planned = aligning.send_qoh(world.house, amber.cart, amber.wire, amber.memory, 1, Stopping("posting", 1))
    assert results(planned) == {"changed": 1, "cancelled": 1, "equal": 10}
    assert [sku for sku in WARES if not amber.listing(sku).aligned] == ["S01"]
    assert world.store.read(lambda books: books.listings.due(amber.id, 100)) == []


def test_cancelled_while_real_time_is_on_the_rest_is_posted_by_it(world: World) -> None:
    amber, birch = world.running("Amber", "Birch", wares=WARES)
    receive(world.house, [(sku, 4) for sku in WARES], "PO-1", "", "")
    planned = send(amber, Stopping("posting", 4))
    assert results(planned) == {"changed": 4, "cancelled": 8}
    assert {plan.left for plan in planned if plan.left} == {"Real-time synchronization posts it."}
    assert shown(amber) == {9: 4, 5: 8}
    assert all(amber.listing(sku).aligned for sku in WARES)
    amber.tick()
    birch.tick()
    assert shown(amber) == shown(birch) == {9: 12}


def test_a_get_that_is_cancelled_while_posting_the_buffer_keeps_the_counts_it_took_over(world: World) -> None:
    amber = world.cart("Amber", WARES)
    amber.set(buffer=2)
    planned = get(amber, Stopping("posting"))
    assert results(planned) == {"cancelled": 12}
    assert [world.on_hand(sku) for sku in WARES] == [5] * 12
    assert shown(amber) == {5: 12}
    assert results(get(amber, lambda *_: None)) == {"equal": 12}
    assert [world.on_hand(sku) for sku in WARES] == [5] * 12
    assert shown(amber) == {3: 12}


# Tasks


class Desk:
    """Tasks of a world, begun by one person."""

    def __init__(self, world: World) -> None:
        self.world = world
        run = f"desk {id(self)}"  # a new run of the program each time
        self.tasks = Tasks(world.house, run, lambda _: {run})
        self.caller = Caller.local("Mia")

    def begin(self, work, cart: int | None = None, key: str | None = None) -> int:
        store = Audited(self.world.store, self.world.clock, self.caller, "task_start", {}, key)
        return self.tasks.start(store, "send_qoh", cart, "{}", "Mia", work)

    def cancel(self, task: int) -> None:
        self.world.store.write(lambda books: self.tasks.cancel(books, task))
        self.tasks.obey()

    def get(self, task: int) -> Task:
        return self.world.store.read(lambda books: books.tasks.get(task))

    def ended(self, task: int) -> Task:
        thread = self.tasks._running[task].thread if task in self.tasks._running else None
        if thread is not None:
            thread.join(10)
        return self.get(task)


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


def planned(stall):
    """A Send as its verb does it, batches of four."""

    def work(progress):
        plans = send(stall, progress)
        lines = [
            {**dict.fromkeys(("here", "failure")), "product": p.product, "sku": p.sku, "name": p.name}
            | {"there": p.there, "change": p.change, "result": p.result}
            for p in plans
        ]
        return {"counts": dict(results(plans)), "cancelled": any(p.left for p in plans), "lines": lines}

    return work


def test_a_task_keeps_its_result_and_what_came_of_each_sku(world: World, desk: Desk) -> None:
    amber = world.cart("Amber", WARES)
    ours(world)
    done = desk.ended(desk.begin(planned(amber), amber.id))
    assert (done.state, done.person, done.cart) == (TaskState.DONE, "Mia", amber.id)
    assert json.loads(done.result or "")["counts"] == {"changed": 12}
    lines = world.store.read(lambda books: books.tasks.lines(done.id, "changed", 5, 4))
    assert [(number, line.sku, line.change) for number, line in lines] == [
        (6, "S05", 4),
        (7, "S06", 4),
        (8, "S07", 4),
        (9, "S08", 4),
    ]


def test_a_task_that_is_cancelled_while_posting_says_so(world: World, desk: Desk) -> None:
    amber = world.cart("Amber", WARES)
    ours(world)
    task = 0
    amber.wire.after["apply"].append(lambda: desk.cancel(desk.tasks.aligning(amber.id) or 0))
    task = desk.begin(planned(amber), amber.id)
    assert desk.ended(task).state is TaskState.CANCELLED
    assert len(world.store.read(lambda books: books.tasks.lines(task, "cancelled", 0, 100))) == 8


def test_a_cart_is_aligned_by_one_task_at_a_time(world: World, desk: Desk) -> None:
    go_on = threading.Event()
    first = desk.begin(lambda _: {"ok": go_on.wait(10)}, cart=1)
    with pytest.raises(Conflict, match=f"Task {first} is aligning"):
        desk.begin(lambda _: {}, cart=1)
    other = desk.begin(lambda _: {}, cart=2)
    go_on.set()
    assert {desk.ended(first).state, desk.ended(other).state} == {TaskState.DONE}
    desk.ended(desk.begin(lambda _: {}, cart=1))


def test_the_same_request_twice_is_one_task(desk: Desk) -> None:
    go_on, begun = threading.Event(), []

    def work(_):
        begun.append(1)
        return {"ok": go_on.wait(10)}

    first = desk.begin(work, cart=1, key="form-1")
    assert desk.begin(work, cart=1, key="form-1") == first
    go_on.set()
    desk.ended(first)
    assert desk.begin(work, cart=1, key="form-1") == first
    assert begun == [1]


def test_what_went_wrong_is_the_message_of_a_failed_task(world: World, desk: Desk) -> None:
    amber = world.cart("Amber", WARES)
    ours(world)
    amber.wire.before["apply"].append(failing(Retriable("The shop does not answer.")))
    failed = desk.ended(desk.begin(planned(amber), amber.id))
    assert (failed.state, failed.message) == (TaskState.FAILED, "The shop does not answer.")
    broken = desk.ended(desk.begin(lambda _: {}["no such thing"]))
    assert broken.message.startswith("Fault in OnHand: its log says what broke.")
    assert "no such thing" not in broken.message


def test_a_task_that_was_running_when_the_program_was_killed_is_interrupted(world: World, desk: Desk) -> None:
    task = world.store.write(lambda books: books.tasks.start("send_qoh", 1, "{}", "Mia", "killed", world.clock.now()))
    world.reopen()
    again = Desk(world)
    assert (again.get(task).state, again.get(task).message) == (TaskState.INTERRUPTED, INTERRUPTED)
    with pytest.raises(Refused, match="has already ended"):
        again.cancel(task)


def test_the_end_of_the_program_stops_a_task_where_it_can_stop(desk: Desk) -> None:
    going = threading.Event()

    def work(progress):
        while True:
            progress("reading", 1, 2)
            going.set()

    task = desk.begin(work)
    going.wait(10)
    assert desk.tasks.progress(task) is not None
    desk.tasks.close()
    assert desk.ended(task).state is TaskState.INTERRUPTED
    with pytest.raises(Conflict, match="is shutting down"):
        desk.begin(lambda _: {})


def test_only_the_newest_results_are_kept(world: World) -> None:
    def write(books):
        for _ in range(22):
            task = books.tasks.start("send_qoh", 1, "{}", "", "", world.clock.now())
            books.tasks.add_lines(task, 1, [LINE])
        return [len(books.tasks.lines(task, None, 0, 9)) for task in (1, 2, 3, 22)]

    assert world.store.write(write) == [0, 0, 1, 1]
