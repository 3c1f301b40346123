"""Holds the telling of webhooks to its promises, on a real store and against a real server that misbehaves."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from onhand.clock import SystemClock
from onhand.domain.differences import Cause, Finding, Remedy
from onhand.domain.errors import Conflict, Refused
from onhand.domain.sketch import Counters
from onhand.domain.states import Pulse, Watch
from onhand.domain.webhooks import GIVE_UP_AFTER, KEEP, SKUS_MAX, Answer, DeliveryState, Event, signature
from onhand.running.messenger import ANSWER_BYTES, HttpMessenger, check_address, new_secret
from onhand.running.sender import Sender
from onhand.services import counting, receiving, webhooks
from onhand.services.ports import House
from onhand.storage import webhooks as storage
from tests.builders import World

pytestmark = pytest.mark.slow  # real servers and waiting: `make fast` leaves it out

ALL = frozenset(Event)


class Receiver(ThreadingHTTPServer):
    """Somebody's server. ``script`` holds what it does next, one entry for each request; then it says yes."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[object] = []
        self.got: list[tuple[dict[str, str], dict]] = []
        self.ending = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/hook"

    @property
    def told(self) -> list[tuple[str, dict]]:
        return [(body["type"], body["data"]) for _, body in self.got]


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append(({name.lower(): value for name, value in self.headers.items()}, json.loads(raw)))
        self.server.got[-1][0]["raw"] = raw.decode()
        next_ = self.server.script.pop(0) if self.server.script else 204
        if next_ == "hang":
            self.server.ending.wait(5)
        elif next_ == "hang in the answer":
            self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nfirst")
            self.wfile.flush()
            self.server.ending.wait(5)
        elif next_ == "cut":
            self.wfile.write(b"HTTP/1.1 2")
            self.close_connection = True
        elif next_ == "flood":
            self.wfile.write(b"HTTP/1.1 500 Oops\r\n\r\n")
            self.flood()
        else:
            self.send_response(next_)
            if next_ in (301, 302, 307, 308):
                self.send_header("location", "/elsewhere")
            self.send_header("content-length", "4")
            self.end_headers()
            self.wfile.write(b"said")

    def flood(self) -> None:
        try:
            while not self.server.ending.is_set():
                self.wfile.write(b"x" * 65536)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""


@contextmanager
def receiving_server():
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.ending.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def world(tmp_path, kept_in):
    world = World(tmp_path, kept_in)
    yield world
    world.close()


@pytest.fixture
def receiver():
    with receiving_server() as server:
        yield server


@pytest.fixture
def messenger():
    return HttpMessenger(deadline_seconds=0.5)


def hook(world, receiver, events=ALL, secret=None):
    return webhooks.add(world.house, receiver.url, secret or new_secret(), events, allow_http=False)


def watch(world, **pulses: Pulse) -> Watch:
    """A controller that drives the carts of these names."""
    carts = world.store.read(lambda books: {cart.name: cart.id for cart in books.carts.all()})
    now = world.clock.now(), world.clock.monotonic()
    return Watch(*now, {carts[name]: pulse for name, pulse in pulses.items()})


def tell(world, messenger) -> None:
    """What the sender does, until nothing is due."""
    while due := webhooks.collect(world.house, watch(world)):
        for webhook in due:
            while webhooks.send_next(world.house, messenger, webhook):
                pass


def deliveries(world, webhook):
    return world.store.read(lambda books: books.webhooks.latest(webhook.id, 1000))[::-1]


def receive(world, **units):
    receiving.receive(world.house, list(units.items()), "", "", "")


def difference(world, cart, cause=Cause.EDIT, amount=3):
    finding, nothing = Finding(cause, Remedy.POST), Counters(0, 0)
    return world.store.write(
        lambda books: books.differences.open(cart, None, finding, amount, nothing, nothing, world.clock.now())
    )


# What is told


def test_a_booking_is_told_with_what_is_on_hand_and_its_movements(world, receiver, messenger):
    world.item("TEA", 5)
    hook(world, receiver)
    receive(world, TEA=10)
    counting.adjust(world.house, "TEA", -1, None, "broken", "", below_zero=False)
    tell(world, messenger)
    assert receiver.told == [("stock.changed", {"items": [{"sku": "TEA", "on_hand": 14, "movements": [2, 3]}]})]


def test_what_was_before_the_webhook_is_not_told(world, receiver, messenger):
    world.item("TEA", 5)
    hook(world, receiver)
    tell(world, messenger)
    assert receiver.got == []


def test_nothing_is_told_twice(world, receiver, messenger):
    world.item("TEA", 5)
    hook(world, receiver)
    receive(world, TEA=10)
    tell(world, messenger)
    tell(world, messenger)
    assert len(receiver.got) == 1


def test_a_great_booking_is_told_in_messages_of_bounded_size_and_nothing_is_passed_over(world, receiver, messenger):
    skus = [f"SKU-{n}" for n in range(2 * SKUS_MAX + 50)]
    for sku in skus:
        world.item(sku)
    hook(world, receiver)
    receive(world, **dict.fromkeys(skus, 1))
    receive(world, **dict.fromkeys(skus, 1))
    tell(world, messenger)
    items = [item for _, data in receiver.told for item in data["items"]]
    assert max(len(data["items"]) for _, data in receiver.told) == SKUS_MAX
    assert {item["sku"] for item in items if item["on_hand"] == 2} == set(skus)
    assert sorted(number for item in items for number in item["movements"]) == list(range(1, 2 * len(skus) + 1))


def test_a_difference_is_told_with_its_cause(world, receiver, messenger):
    amber = world.cart("Amber", {"TEA": 5})
    hook(world, receiver)
    number = difference(world, amber.id)
    tell(world, messenger)
    [(event, data)] = receiver.told
    assert event == "difference.opened"
    [told] = data["differences"]
    assert (told["id"], told["cart"], told["cause"], told["amount"]) == (number, "Amber", "edit in the shop", 3)


def test_a_cart_is_told_down_once_and_up_once(world, receiver, messenger):
    [amber] = world.running("Amber", wares={"TEA": 5})
    hook(world, receiver)
    trouble(world, amber.id, "No answer.")
    world.clock.advance(59)
    tell(world, messenger)
    assert receiver.told == []
    world.clock.advance(2)
    tell(world, messenger)
    world.clock.advance(3600)
    tell(world, messenger)
    trouble(world, amber.id, None)
    tell(world, messenger)
    tell(world, messenger)
    assert receiver.told == [
        ("cart.down", {"cart": "Amber", "state": "trouble", "trouble": "No answer."}),
        ("cart.up", {"cart": "Amber", "state": "working", "trouble": None}),
    ]


def test_a_shop_that_never_ends_its_answer_is_told_down_although_no_look_failed(world, receiver, messenger):
    world.running("Amber", wares={"TEA": 5})
    hook(world, receiver)
    begun = world.clock.monotonic()

    def told(looked: float) -> list[tuple[str, str]]:
        for webhook in webhooks.collect(world.house, watch(world, Amber=Pulse(in_step=True, looked=looked))):
            while webhooks.send_next(world.house, messenger, webhook):
                pass
        return [(event, data["state"]) for event, data in receiver.told]

    world.clock.advance(59)
    assert told(begun) == []
    world.clock.advance(2)
    assert told(begun) == [("cart.down", "not looked at")]
    assert told(world.clock.monotonic()) == [("cart.down", "not looked at"), ("cart.up", "in step")]


def trouble(world, cart, words):
    now = world.clock.now()
    world.store.write(lambda books: books.carts.report(cart, now, None, words, now if words else None))


def test_only_the_events_that_were_chosen_are_told(world, receiver, messenger):
    world.item("TEA", 5)
    amber = world.cart("Amber", {"TEA": 5})
    only = hook(world, receiver, {Event.DIFFERENCE_OPENED})
    receive(world, TEA=10)
    difference(world, amber.id)
    tell(world, messenger)
    assert [event for event, _ in receiver.told] == ["difference.opened"]
    webhooks.edit(world.house, only.id, {"events": frozenset({Event.STOCK_CHANGED})}, None)
    receive(world, TEA=1)
    tell(world, messenger)
    assert receiver.told[1:] == [("stock.changed", {"items": [{"sku": "TEA", "on_hand": 16, "movements": [3]}]})]


def test_a_webhook_that_is_off_is_told_nothing_then_and_nothing_of_that_time_later(world, receiver, messenger):
    world.item("TEA", 5)
    mine = hook(world, receiver)
    webhooks.edit(world.house, mine.id, {"active": False}, None)
    receive(world, TEA=10)
    tell(world, messenger)
    webhooks.edit(world.house, mine.id, {"active": True}, None)
    tell(world, messenger)
    assert receiver.got == []
    receive(world, TEA=1)
    tell(world, messenger)
    assert receiver.told[0][1]["items"][0]["movements"] == [3]


# How it is told


def test_a_receiver_can_check_who_sent_it(world, receiver, messenger):
    world.item("TEA")
    secret = new_secret()
    hook(world, receiver, secret=secret)
    receive(world, TEA=1)
    tell(world, messenger)
    headers, _ = receiver.got[0]
    expected = signature(secret, headers["webhook-id"], headers["webhook-timestamp"], headers["raw"])
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize("fault", [500, 503, 404, 302, "cut", "hang", "flood"])
def test_a_delivery_that_was_not_taken_is_sent_again_with_the_same_id_and_body(world, receiver, messenger, fault):
    world.item("TEA")
    mine = hook(world, receiver)
    receive(world, TEA=1)
    receiver.script = [fault, fault]
    tell(world, messenger)
    assert len(receiver.got) == 1  # it waits before the next try
    assert deliveries(world, mine)[0].answer
    world.clock.advance(5)
    tell(world, messenger)
    world.clock.advance(9)
    tell(world, messenger)
    assert len(receiver.got) == 2  # the second pause is longer
    world.clock.advance(1)
    tell(world, messenger)
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert len({headers["raw"] for headers, _ in receiver.got}) == 1
    [delivery] = deliveries(world, mine)
    assert (delivery.state, delivery.attempts) == (DeliveryState.DELIVERED, 3)


def test_a_status_that_came_counts_though_the_rest_of_the_answer_does_not_come(world, receiver, messenger):
    world.item("TEA")
    mine = hook(world, receiver)
    receive(world, TEA=1)
    receiver.script = ["hang in the answer"]
    tell(world, messenger)
    assert deliveries(world, mine)[0].state is DeliveryState.DELIVERED


def test_a_redirect_is_not_followed(world, receiver, messenger):
    world.item("TEA")
    mine = hook(world, receiver)
    receive(world, TEA=1)
    receiver.script = [307]
    tell(world, messenger)
    assert len(receiver.got) == 1
    assert deliveries(world, mine)[0].answer.startswith("307 Temporary Redirect to /elsewhere")


def test_little_of_an_answer_is_read(receiver, messenger):
    receiver.script = ["flood"]
    began = time.monotonic()
    answer = messenger.deliver(receiver.url, {}, "{}")
    assert answer.status == 500
    assert len(answer.words) < ANSWER_BYTES
    assert time.monotonic() - began < 5


def test_where_nobody_listens_is_an_answer_too(messenger):
    answer = messenger.deliver("http://127.0.0.1:1/", {}, "{}")
    assert answer.status is None
    assert answer.words.startswith("Nothing answers at this address")


def test_a_younger_delivery_never_passes_an_older_one(world, receiver, messenger):
    world.item("TEA")
    hook(world, receiver)
    receiver.script = [500]
    receive(world, TEA=1)
    tell(world, messenger)
    receive(world, TEA=1)
    tell(world, messenger)
    assert len(receiver.got) == 1
    world.clock.advance(5)
    tell(world, messenger)
    assert [data["items"][0]["movements"] for _, data in receiver.told] == [[1], [1], [2]]


def test_a_receiver_that_is_gone_switches_its_webhook_off(world, receiver, messenger):
    world.item("TEA")
    mine = hook(world, receiver)
    receiver.script = [410]
    receive(world, TEA=1)
    tell(world, messenger)
    world.clock.advance(3600)
    receive(world, TEA=1)
    tell(world, messenger)
    assert len(receiver.got) == 1
    assert not world.store.read(lambda books: books.webhooks.get(mine.id)).active


def test_after_three_days_a_delivery_is_given_up_and_a_person_can_still_have_it_sent(world, receiver, messenger):
    world.item("TEA")
    mine = hook(world, receiver)
    receive(world, TEA=1)
    receiver.script = [500] * 3
    tell(world, messenger)
    world.clock.advance(GIVE_UP_AFTER.total_seconds())
    tell(world, messenger)
    [given_up] = deliveries(world, mine)
    assert given_up.state is DeliveryState.GIVEN_UP
    webhooks.retry(world.house, given_up.id)
    tell(world, messenger)
    webhooks.retry(world.house, given_up.id)
    tell(world, messenger)
    assert deliveries(world, mine)[0].state is DeliveryState.DELIVERED
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    with pytest.raises(Refused, match="taken already"):
        webhooks.retry(world.house, given_up.id)


def test_killed_between_storing_and_sending_it_is_sent_after_the_next_start(world, receiver, messenger):
    world.item("TEA")
    hook(world, receiver)
    receive(world, TEA=1)
    webhooks.collect(world.house, watch(world))
    world.reopen()
    tell(world, messenger)
    assert receiver.told == [("stock.changed", {"items": [{"sku": "TEA", "on_hand": 1, "movements": [1]}]})]


def test_killed_between_sending_and_noting_it_is_sent_again_with_the_same_id(world, receiver, messenger):
    class Killed(BaseException):
        """The process ends here."""

    class Doomed:
        def deliver(self, *message) -> Answer:
            messenger.deliver(*message)
            raise Killed

    world.item("TEA")
    mine = hook(world, receiver)
    receive(world, TEA=1)
    webhooks.collect(world.house, watch(world))
    with pytest.raises(Killed):
        webhooks.send_next(world.house, Doomed(), mine.id)
    world.reopen()
    tell(world, messenger)
    assert len(receiver.got) == 2
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1


def test_while_a_receiver_is_away_what_waits_is_bounded_and_nothing_is_lost(world, receiver, messenger, monkeypatch):
    monkeypatch.setattr(webhooks, "WAITING_MAX", 5)
    world.item("TEA")
    mine = hook(world, receiver)
    receiver.script = [500]
    for _ in range(12):
        receive(world, TEA=1)
        tell(world, messenger)
    assert len(deliveries(world, mine)) == 5
    world.clock.advance(5)
    tell(world, messenger)
    numbers = [n for _, data in receiver.told[1:] for item in data["items"] for n in item["movements"]]
    assert numbers == list(range(1, 13))


# Keeping house


def test_deliveries_are_forgotten_after_a_month_but_not_those_that_wait(world, receiver, messenger):
    world.item("TEA")
    mine = hook(world, receiver)
    receive(world, TEA=1)
    tell(world, messenger)
    receiver.script = [500]
    receive(world, TEA=1)
    tell(world, messenger)
    world.clock.advance(KEEP.total_seconds() + 1)
    webhooks.tidy(world.house)
    assert [delivery.state for delivery in deliveries(world, mine)] == [DeliveryState.WAITING]


def test_of_one_webhook_only_the_newest_deliveries_are_kept(world, receiver, messenger, monkeypatch):
    monkeypatch.setattr(storage, "KEEP_MAX", 3)
    monkeypatch.setattr(storage, "IDS_MAX", 2)
    mine = hook(world, receiver)
    for _ in range(10):
        webhooks.try_out(world.house, messenger, mine.id)
    webhooks.tidy(world.house)
    assert [delivery.id for delivery in deliveries(world, mine)] == [8, 9, 10]


def test_a_webhook_whose_key_file_is_missing_is_not_sent_unsigned(world, receiver, messenger):
    world.item("TEA")
    mine = hook(world, receiver)
    receive(world, TEA=1)
    world.key_file.unlink()
    world.reopen()
    tell(world, messenger)
    assert receiver.got == []
    assert "key file" in deliveries(world, mine)[0].answer


def test_a_secret_is_sealed_in_the_store(world, receiver):
    secret = new_secret()
    hook(world, receiver, secret=secret)
    world.store.close()
    kept = b"".join(path.read_bytes() for path in world.folder.glob("store.db*") if path.suffix != ".key")
    assert secret.encode() not in kept


def test_a_webhook_is_removed_with_its_deliveries(world, receiver, messenger):
    world.item("TEA")
    mine = hook(world, receiver)
    receive(world, TEA=1)
    webhooks.collect(world.house, watch(world))
    webhooks.remove(world.house, mine.id)
    tell(world, messenger)
    assert receiver.got == []
    with pytest.raises(Refused, match="no webhook number"):
        webhooks.remove(world.house, mine.id)


def test_a_stale_edit_is_refused_with_what_is_there(world, receiver):
    mine = hook(world, receiver)
    webhooks.edit(world.house, mine.id, {"active": False}, mine.revision)
    with pytest.raises(Conflict) as stale:
        webhooks.edit(world.house, mine.id, {"active": True}, mine.revision)
    assert stale.value.facts["current"]["active"] is False


def test_an_address_has_one_webhook(world, receiver):
    hook(world, receiver)
    with pytest.raises(Refused, match="already"):
        hook(world, receiver)


def test_a_webhook_without_events_is_refused(world, receiver):
    with pytest.raises(Refused, match="at least one event"):
        hook(world, receiver, frozenset())


def test_a_test_is_sent_at_once_past_what_waits_and_says_what_came(world, receiver, messenger):
    world.item("TEA")
    mine = hook(world, receiver)
    receiver.script = [500, 418, 200]
    receive(world, TEA=1)
    tell(world, messenger)
    delivery, answer = webhooks.try_out(world.house, messenger, mine.id)
    assert (delivery.event, answer.status, answer.words) == ("webhook.test", 418, "418 I'm a Teapot: said")
    assert webhooks.try_out(world.house, messenger, mine.id)[1].taken
    waiting, failed, taken = deliveries(world, mine)
    assert [waiting.state, failed.state, taken.state] == ["waiting", "given up", "delivered"]
    assert [failed.attempts, taken.attempts] == [1, 1]


@pytest.mark.parametrize(
    "url",
    [
        "", "example.com", "ftp://example.com/", "https://", "https:///x", "http://example.com/", "http://10.0.0.1/",
        "https://ann:secret@example.com/", "https://example.com/#x", "https://example.com/" + "x" * 2000, "http://[::1",
    ],
)  # fmt: skip
def test_an_address_that_will_not_do_is_refused(url):
    with pytest.raises(Refused):
        check_address(url, allow_http=False)


@pytest.mark.parametrize(
    "url", ["https://example.com/hook?a=1", "http://127.0.0.1:9/x", "http://localhost/", "http://[::1]/"]
)
def test_https_and_this_machine_will_do(url):
    assert check_address(f" {url} ", allow_http=False) == url


def test_plain_http_will_do_in_writing():
    assert check_address("http://stock.example/", allow_http=True)


# The threads


def test_a_receiver_that_hangs_delays_nobody_else_and_no_end(world, receiver):
    world.item("TEA")
    with receiving_server() as other:
        webhooks.add(world.house, receiver.url, new_secret(), ALL, allow_http=False)
        webhooks.add(world.house, other.url, new_secret(), ALL, allow_http=False)
        receiver.script = ["hang"]
        house = House(world.store, SystemClock())
        sender = Sender(house, HttpMessenger(deadline_seconds=4), lambda: watch(world), lambda: house)
        sender.start()
        for n in (1, 2):
            receive(world, TEA=1)
            until = time.monotonic() + 3
            while len(other.got) < n:
                assert time.monotonic() < until, "the other one was not told"
                time.sleep(0.02)
        assert len(receiver.got) == 1
        began = time.monotonic()
        sender.stop()
        assert time.monotonic() - began < 3
