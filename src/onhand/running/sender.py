"""Sends webhooks: checks for events twice a second, with one thread for each webhook that has something to send.

Path: ``serve`` and ``controller`` start one beside the controller; ``services.webhooks`` does the work.
Promise: a receiver that hangs delays no other webhook; messages stored before a kill are sent after it.
Never: wakes, blocks or slows down bookings.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from onhand.domain.errors import OnHandError
from onhand.domain.states import Watch
from onhand.services import webhooks
from onhand.services.ports import House
from onhand.services.ports.webhooks import Messenger

PAUSE_SECONDS = 0.5  # between two checks
TROUBLE_SECONDS = 30.0  # after the store failed: what was sent could not be recorded, and is sent again
TIDY_SECONDS = 3600.0
STOP_SECONDS = (
    1.0  # how long to wait for current messages when stopping; those cut off are sent again at the next start
)

log = structlog.get_logger()


class Sender:
    """The threads that send webhooks."""

    def __init__(
        self, house: House, messenger: Messenger, watch: Callable[[], Watch], on_duty: Callable[[], House | None]
    ) -> None:
        """Set up the threads. ``watch`` returns which carts are being watched now; ``on_duty`` the house to work in, None if another
        process sends."""
        self._house, self._messenger, self._watch, self._on_duty = house, messenger, watch, on_duty
        self._sending: dict[int, threading.Thread] = {}
        self._tidy_at = house.clock.monotonic() + TIDY_SECONDS
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._look, name="onhand-sender", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop, and leave messages without a quick answer for the next start."""
        self._stopping.set()
        self._thread.join()
        until = self._house.clock.monotonic() + STOP_SECONDS
        for thread in self._sending.values():
            thread.join(max(0.0, until - self._house.clock.monotonic()))

    def _look(self) -> None:
        while not self._stopping.wait(PAUSE_SECONDS):
            try:
                self._step()
            except OnHandError as error:
                log.warning("sender.trouble", trouble=error.message)
            except Exception:
                # The outermost frame of this thread: a fault in OnHand must not stop webhooks for good.
                log.exception("sender.broke")
                self._stopping.wait(TROUBLE_SECONDS)

    def _step(self) -> None:
        house = self._on_duty()
        if house is None:
            return
        for webhook in webhooks.collect(house, self._watch()):
            known = self._sending.get(webhook)
            if known is None or not known.is_alive():
                thread = threading.Thread(
                    target=self._send, args=(house, webhook), name=f"onhand-webhook-{webhook}", daemon=True
                )
                self._sending[webhook] = thread
                thread.start()
        if house.clock.monotonic() >= self._tidy_at:
            webhooks.tidy(house)
            self._tidy_at = house.clock.monotonic() + TIDY_SECONDS

    def _send(self, house: House, webhook: int) -> None:
        try:
            while not self._stopping.is_set() and webhooks.send_next(house, self._messenger, webhook):
                pass
        except OnHandError as error:
            if not self._stopping.is_set():
                log.warning("webhook.not_noted", webhook=webhook, trouble=error.message)
            self._stopping.wait(TROUBLE_SECONDS)
        except Exception:
            # The outermost frame of this thread, as above.
            log.exception("webhook.broke", webhook=webhook)
            self._stopping.wait(TROUBLE_SECONDS)
