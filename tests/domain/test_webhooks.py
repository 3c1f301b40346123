"""Holds webhooks to what they promise: who sent what, when it is tried again, when it is given up, which cart is down."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from onhand.domain import webhooks
from onhand.domain.carts import Cart, Settings
from onhand.domain.sketch import Sums
from onhand.domain.states import Facts
from onhand.domain.webhooks import (
    DOWN_AFTER,
    GIVE_UP_AFTER,
    PAUSE_MAX,
    SKUS_MAX,
    Answer,
    Delivery,
    DeliveryState,
    Event,
    Webhook,
    gather,
    judge,
    message,
    pause,
    signature,
    signed,
    turns,
)

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
MINUTE = timedelta(minutes=1)


def delivery(attempts: int = 0, created_at: datetime = NOON) -> Delivery:
    return Delivery(7, 1, "stock.changed", '{"a":1}', DeliveryState.WAITING, attempts, NOON, "", created_at, None)


def cart(number: int = 1) -> Cart:
    return Cart(
        number, Settings(f"Shop {number}", "https://shop.example/"), True, None, "e1", 1, False, 0, None, None, 0, 0,
        Sums(0, 0, 0, 0, 0), None, None, None, None, None, None, 0,
    )  # fmt: skip


def test_a_signature_is_the_one_of_standard_webhooks():
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = '{"test": 2432232314}'
    found = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body)
    assert found == "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_try_is_signed_with_its_own_time_and_the_deliverys_one_name():
    first, later = signed(delivery(), SECRET, NOON), signed(delivery(attempts=3), SECRET, NOON + MINUTE)
    assert first["webhook-id"] == later["webhook-id"]
    assert int(later["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 60
    assert first["webhook-signature"] != later["webhook-signature"]
    name, stamp = later["webhook-id"], later["webhook-timestamp"]
    assert later["webhook-signature"] == "v1," + signature(SECRET, name, stamp, '{"a":1}')


def test_the_same_number_at_another_time_is_another_message():
    assert delivery().message != delivery(created_at=NOON + MINUTE).message


def test_a_message_says_what_and_when():
    told = json.loads(message("cart.down", NOON, {"cart": "Amber"}))
    assert told == {"type": "cart.down", "timestamp": "2026-11-25T12:00:00.000Z", "data": {"cart": "Amber"}}


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_every_yes_settles_a_delivery(status):
    assert judge(delivery(), Answer(status, ""), NOON).state is DeliveryState.DELIVERED


@pytest.mark.parametrize("status", [None, 199, 300, 301, 302, 404, 429, 500, 503])
def test_everything_else_is_tried_again_later(status):
    outcome = judge(delivery(), Answer(status, ""), NOON)
    assert outcome.state is DeliveryState.WAITING
    assert outcome.next_at == NOON + pause(1)
    assert outcome.gone is False


def test_a_receiver_that_is_gone_is_not_asked_again():
    outcome = judge(delivery(), Answer(410, ""), NOON)
    assert (outcome.state, outcome.gone) == (DeliveryState.GIVEN_UP, True)


def test_pauses_double_up_to_an_hour():
    assert [pause(n).total_seconds() for n in (1, 2, 3, 4)] == [5, 10, 20, 40]
    assert pause(11) == PAUSE_MAX == pause(5000) == timedelta(hours=1)


def test_after_three_days_a_delivery_is_given_up():
    still, over = NOON + GIVE_UP_AFTER - MINUTE, NOON + GIVE_UP_AFTER
    assert judge(delivery(80), Answer(500, ""), still).state is DeliveryState.WAITING
    assert judge(delivery(80), Answer(500, ""), over).state is DeliveryState.GIVEN_UP
    assert judge(delivery(80), Answer(200, ""), over).state is DeliveryState.DELIVERED


def test_movements_are_told_by_item():
    assert gather([(1, 10), (2, 11), (3, 10)]) == {10: [1, 3], 11: [2]}
    assert gather([]) == {}


def test_a_message_ends_before_the_item_that_is_too_many():
    moved = [(n, n) for n in range(1, SKUS_MAX + 1)]
    told = gather([*moved, (900, 1), (901, 9999), (902, 1)])
    assert len(told) == SKUS_MAX
    assert told[1] == [1, 900]  # and 902 is told with 9999: nothing is passed over


LOOKED_AT = Facts(
    active=True, stopped=False, aligned=True, synchronize=True, controller=True, trouble_seconds=None, looked_seconds=1.0,
    look_within=10.0, aligning=False, in_step=True,
)  # fmt: skip
DOWN_SECONDS = DOWN_AFTER.total_seconds()


@pytest.mark.parametrize("what", ["trouble_seconds", "looked_seconds"])
def test_a_cart_is_down_when_its_shop_cannot_be_looked_at_for_long(what):
    down, not_yet = (replace(LOOKED_AT, **{what: DOWN_SECONDS - less}) for less in (0, 1))
    assert turns(frozenset(), [(cart(), down)]) == [(Event.CART_DOWN, cart())]
    assert turns(frozenset(), [(cart(), not_yet)]) == []
    assert turns(frozenset({1}), [(cart(), down)]) == []


def test_a_cart_is_up_when_it_was_down_and_was_looked_at():
    assert turns(frozenset({1}), [(cart(1), LOOKED_AT), (cart(2), LOOKED_AT)]) == [(Event.CART_UP, cart(1))]
    assert turns(frozenset({1}), [(cart(1), replace(LOOKED_AT, trouble_seconds=0.5))]) == []


@pytest.mark.parametrize("off", ["synchronize", "aligned", "active", "controller"])
def test_a_cart_that_nobody_looks_at_goes_neither_down_nor_up(off):
    left = replace(LOOKED_AT, **{off: False})
    assert turns(frozenset(), [(cart(), replace(left, trouble_seconds=2 * DOWN_SECONDS))]) == []
    assert turns(frozenset({1}), [(cart(), left)]) == []


def test_a_message_is_short_and_its_letters_are_written_as_they_are():
    body = '{"type":"cart.down","timestamp":"2026-11-25T12:00:00.000Z","data":{"cart":"Käse","id":3}}'
    assert message("cart.down", NOON, {"cart": "Käse", "id": 3}) == body


@pytest.mark.parametrize(("status", "age"), [(200, MINUTE), (410, MINUTE), (500, GIVE_UP_AFTER)])
def test_a_delivery_is_settled_at_the_moment_of_its_last_answer(status, age):
    outcome = judge(delivery(), Answer(status, ""), NOON + age)
    assert (outcome.state is DeliveryState.WAITING, outcome.next_at) == (False, NOON + age)


def test_a_cart_that_is_not_watched_does_not_hide_the_next_one():
    unwatched, down = replace(LOOKED_AT, controller=False), replace(LOOKED_AT, trouble_seconds=DOWN_SECONDS)
    assert turns(frozenset(), [(cart(1), unwatched), (cart(2), down)]) == [(Event.CART_DOWN, cart(2))]


def test_a_webhook_wants_the_events_it_was_made_for():
    events = frozenset({Event.CART_DOWN, Event.CART_UP})
    webhook = Webhook(1, "https://program.example/", SECRET, events, True, False, 0, 0, frozenset(), NOON, 0)
    assert {event for event in Event if webhook.wants(event)} == events


def test_programs_have_learned_these_words_and_limits_of_webhooks():
    assert [event.value for event in Event] == ["stock.changed", "difference.opened", "cart.down", "cart.up"]
    assert [state.value for state in DeliveryState] == ["waiting", "delivered", "given up"]
    assert (webhooks.WEBHOOKS_MAX, webhooks.URL_LENGTH_MAX, webhooks.ROWS_MAX) == (20, 2000, 1000)
    assert (SKUS_MAX, webhooks.DIFFERENCES_MAX, webhooks.WAITING_MAX, webhooks.KEEP_MAX) == (100, 100, 100, 10_000)
    assert (timedelta(days=3), timedelta(days=30), MINUTE) == (GIVE_UP_AFTER, webhooks.KEEP, DOWN_AFTER)
    assert (webhooks.SECRET_PREFIX, webhooks.TEST, webhooks.GONE) == ("whsec_", "webhook.test", 410)


def test_the_id_of_a_message_is_its_number_and_the_microsecond_it_was_made():
    made = datetime(2026, 11, 25, 12, 0, 0, 123456, tzinfo=UTC)
    assert delivery(created_at=made).message == f"msg_7_{int(NOON.timestamp())}123456"


def test_the_secret_of_a_webhook_does_not_show():
    webhook = Webhook(
        1, "https://program.example/", "whsec_5ecret", frozenset(), True, False, 0, 0, frozenset(), NOON, 0
    )
    assert "5ecret" not in repr(webhook)
