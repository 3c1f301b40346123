"""Opens one store on a server several times: what one process remembers, begins and shows, the others know."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from onhand.app import App
from onhand.carts.sample import SampleShop, serve
from onhand.domain import duties
from onhand.domain.carts import Cart
from onhand.domain.errors import Conflict, Refused, Retriable
from onhand.domain.people import Caller, Role
from onhand.domain.states import CartState
from onhand.domain.tasks import TaskState
from onhand.passwords import Passwords
from onhand.services import people
from onhand.services.auditing import Audited
from onhand.services.gate import Gate, SharedGuesses
from onhand.services.uploads import FILES_KEPT
from onhand.storage import vault
from onhand.verbs import VERBS
from onhand.verbs.tasks import resume
from tests.builders import SERVER, forget_store, new_store
from tests.entrypoints.conftest import until
from tests.postgresql import shared_postgresql
from tests.web.conftest import House, text

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]
PASSWORD = "correct horse battery"


class Shared:
    """A store, open in two processes' ways, and a shop that is kept in sync."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        self.address = new_store(path, SERVER)
        stack.callback(forget_store, self.address)
        self._key, self._stack = vault.beside(path), stack
        self.one, self.two = self.opened("serve"), self.opened("controller")
        self.shop = SampleShop(path.with_name("shop.db"), "Amber").create([("TEA", "Green Tea", 10, 5.0)])
        stack.callback(self.shop.close)
        self.do(self.one, "cart_add", name="Amber", url="http://127.0.0.1:1/onhand.php")
        made = self.do(self.one, "cart_key", cart="Amber")
        secret = re.search("[0-9a-f]{64}", made["text"])[0]
        self.storefront = serve(self.shop, key_id=made["key_id"], secret=secret)
        stack.callback(self.storefront.stop)
        url = self.storefront.connector_url
        self.do(self.one, "cart_edit", cart="Amber", url=url, settle_seconds=0.2, tick_seconds=0.1)

    def opened(self, role: str) -> App:
        app = App(self.address, role, key_file=self._key, stays=True)
        app.gate = Gate(Passwords(cheap=True), app.gate.guesses)
        return self._stack.enter_context(app)

    def do(self, app: App, verb: str, /, **given):
        return VERBS[verb](app, lambda *_: None, **given)

    def align(self) -> None:
        self.do(self.one, "get_qoh", cart="Amber", create=True)
        self.do(self.one, "param_set", name="SynchQOH", value="True")
        self.do(self.one, "sync_on", cart="Amber")

    @property
    def cart(self) -> Cart:
        return self.one.read(lambda books: books.carts.named("Amber"))

    def state(self, app: App) -> str:
        return self.do(app, "cart_list")["carts"][0]["state"]

    def shows(self) -> int:
        return self.shop.find("TEA").quantity

    def begin(self, app: App, work, cart: int | None = None, verb: str = "send_qoh", arguments: str = "{}") -> int:
        store = Audited(app.database, app.clock, Caller.local("Mia"), "task_start", {}, None)
        return app.tasks.start(store, verb, cart, arguments, "Mia", work, "local")

    def kill(self, app: App) -> None:
        """Let a process fall silent, as if it was killed: others think it dead at once, and it is still there for the test to end."""
        app.ownership._ended.set()
        app.ownership._thread.join()
        with shared_postgresql().connect(self.address.database) as connection:
            connection.execute("UPDATE processes SET until = 0 WHERE holder = %s", (app.ownership.holder,))


@pytest.fixture
def shared(tmp_path) -> Iterator[Shared]:
    with ExitStack() as stack:
        yield Shared(tmp_path / "onhand.db", stack)


def test_a_pause_at_the_log_in_holds_in_every_process(shared):
    assert isinstance(shared.one.gate.guesses, SharedGuesses)
    people.begin(shared.one.house, shared.one.gate, people.first_link(shared.one.house), "Ann", PASSWORD)
    for n in range(5):
        app = (shared.one, shared.two)[n % 2]
        with pytest.raises(Refused):
            people.enter(app.house, app.gate, "Ann", "wrong horse battery", "192.0.2.1", "a browser")
    for app in (shared.one, shared.two):
        with pytest.raises(Retriable) as paused:
            people.enter(app.house, app.gate, "Ann", PASSWORD, "192.0.2.1", "a browser")
        assert paused.value.facts["reason"] == "throttled"
        assert people.enter(app.house, app.gate, "Ann", PASSWORD, "192.0.2.2", "a browser")


def test_a_file_uploaded_to_one_process_is_imported_by_another_and_only_for_its_owner(shared):
    now = shared.one.clock.now()
    token = shared.one.uploads.keep("user/1", b"sku,on hand\n" * 1000, now)
    assert shared.two.uploads.get(token, "user/1", now) == b"sku,on hand\n" * 1000
    assert shared.two.uploads.get(token, "user/2", now) is None
    with shared_postgresql().connect(shared.address.database) as connection:
        ((stored, size),) = connection.execute("SELECT token, length(content) FROM uploads").fetchall()
        assert stored != token
        assert size < 1000
        connection.execute("UPDATE uploads SET at = at - 1801000000")
    assert shared.two.uploads.get(token, "user/1", now) is None
    for n in range(FILES_KEPT + 3):
        shared.one.uploads.keep("user/1", str(n).encode(), now)
    with shared_postgresql().connect(shared.address.database) as connection:
        assert connection.execute("SELECT count(*) FROM uploads").fetchone() == (FILES_KEPT,)


def test_a_process_without_a_controller_shows_what_the_other_one_sees(shared):
    shared.align()
    assert shared.state(shared.one) == CartState.NO_CONTROLLER.value
    before = shared.one.mark
    shared.two.start_controller()
    until(lambda: shared.state(shared.one) == CartState.IN_STEP.value)
    assert shared.one.mark != before
    assert [process["carts"] for process in shared.do(shared.one, "status")["processes"]] == [[], ["Amber"]]
    shared.storefront.stop()
    until(lambda: shared.state(shared.one) == CartState.TROUBLE.value)
    assert shared.do(shared.one, "cart_show", cart="Amber")["trouble"]


def test_the_pages_of_a_process_show_what_another_one_booked(shared):
    shared.align()
    version = shared.one.database.version
    shared.do(shared.two, "receive", lines=[["TEA", 5]])
    until(lambda: shared.one.database.version > version)
    shown = House(shared.one)
    page = shown.browser.shown("/carts")
    assert "onhand controller" in text(page)
    assert shown.client(Role.CLERK).shown("/")


def test_a_hint_reaches_the_process_that_has_the_cart(shared):
    shared.align()
    shared.two.start_controller()
    until(lambda: shared.state(shared.one) == CartState.IN_STEP.value)
    shared.do(shared.one, "cart_edit", cart="Amber", tick_seconds=60.0)
    until(lambda: 1 in shared.two.pulses() and shared.two.pulses()[1].in_step)
    until(lambda: any(duties.of_cart(1) in process.duties for process in shared.one.processes()))
    shared.shop.buy("TEA", 3)
    shared.one.look_now(shared.cart)
    until(lambda: shared.do(shared.one, "item_show", sku="TEA")["on_hand"] == 7, 5)


def test_the_progress_of_a_task_shows_everywhere_and_it_can_be_cancelled_everywhere(shared):
    going = threading.Event()

    def work(progress):
        while not going.wait(0.01):
            progress("reading", 3, 7)
        return {}

    task = shared.begin(shared.one, work, cart=1)
    until(lambda: (shared.two.progress(task) or {}).get("done") == 3)
    assert shared.two.aligning(shared.cart) == task
    assert shared.two.watch().aligning == {1}
    with pytest.raises(Conflict):
        shared.begin(shared.two, work, cart=1)
    shared.do(shared.two, "task_cancel", task=task)
    until(lambda: shared.do(shared.two, "task_show", task=task)["state"] == TaskState.CANCELLED.value)
    until(lambda: shared.two.progress(task) is None)
    going.set()


def test_a_send_whose_process_died_is_gone_on_with_once(shared):
    shared.align()
    shared.do(shared.one, "sync_off", cart="Amber")
    shared.do(shared.one, "receive", lines=[["TEA", 5]])
    stuck = threading.Event()
    left = shared.begin(shared.one, lambda _: {"ok": stuck.wait(30)}, 1, arguments='{"cart": "Amber"}')
    shared.two.resume = lambda task: resume(shared.two, task)
    shared.two._tidy_up(shared.two.house)
    assert shared.do(shared.two, "task_show", task=left)["state"] == TaskState.RUNNING.value
    shared.kill(shared.one)
    shared.two._tidy_up(shared.two.house)
    assert shared.do(shared.two, "task_show", task=left)["state"] == TaskState.INTERRUPTED.value
    until(lambda: shared.shows() == 15)
    until(lambda: shared.do(shared.two, "task_show", task=left + 1)["state"] == TaskState.DONE.value)
    again = shared.two.read(lambda books: books.tasks.get(left + 1))
    assert resume(shared.two, again) is None
    stuck.set()


def test_a_task_of_somebody_who_may_not_do_it_any_more_is_not_gone_on_with(shared):
    app = shared.one
    people.begin(app.house, app.gate, people.first_link(app.house), "Ann", PASSWORD)
    bob = people.invite(app.house, "Bob", Role.MANAGER)[0]
    caller = f"user/{bob.id}"
    found = people.caller_again(app.house, caller, "Bob")
    assert found is not None
    assert found.scopes == Role.MANAGER.scopes
    people.edit(app.house, "Bob", Role.CLERK, True, None)
    assert people.caller_again(app.house, caller, "Bob").scopes == Role.CLERK.scopes
    people.edit(app.house, "Bob", Role.CLERK, False, None)
    assert [people.caller_again(app.house, who, "") for who in (caller, "user/999", "token/999", "")] == [None] * 4


def test_a_cart_goes_to_who_needs_it_and_comes_back_with_a_new_memory(shared):
    shared.align()
    shared.two.start_controller()
    until(lambda: shared.state(shared.two) == CartState.IN_STEP.value)
    lease = shared.two.duties.lease_of(duties.of_cart(1))
    memory = shared.two._memory_of(lease)
    with shared.one.at_cart(shared.cart) as (house, shop, _):
        assert shop.hello().products == 1
        assert shared.two.duties.lease_of(duties.of_cart(1)) is None
        assert house.store.read(lambda books: books.leases.get(duties.of_cart(1))).holder == shared.one.ownership.holder
        with pytest.raises(Retriable) as refused, shared.two.at_cart(shared.cart, 0.3):
            pass
        assert refused.value.facts["reason"] == "busy"
    until(lambda: shared.two.duties.lease_of(duties.of_cart(1)))
    fresh = shared.two.duties.lease_of(duties.of_cart(1))
    assert fresh.epoch > lease.epoch
    assert shared.two._memory_of(fresh) is not memory
    with shared.two.at_cart(shared.cart) as (_, _, mine):  # who drives it need not ask anybody
        assert mine is shared.two._memory_of(fresh)
