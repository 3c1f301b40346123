"""Ends a request to a shop at an absolute time, however slowly its answer arrives.

Path: ``endpoint`` and ``mysql`` do each request within one ``Deadline``, and tell it which socket is in use.
Promise: when time is up, by a clock that never jumps, the socket is shut down, so that the code that waits on it continues with an error.
Never: closes a socket, which is its owner's; or waits for anything.

A socket's own timeout starts over with every byte. A shop that sends one byte at a time, in its handshake, its head or its body, could
hold a request without end.

One thread watches the deadlines of all requests: a thousand carts make a thousand requests a second, and a thread for each costs as much
as the request.
"""

from __future__ import annotations

import math
import socket
import threading
import time
from typing import Self


class Deadline:
    """The time that one request has, in seconds. A context manager; for one request of one thread."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._passed = False
        self.at = math.inf  # monotonic

    @property
    def passed(self) -> bool:
        """Return whether time is up: a failure after that comes from the deadline."""
        return self._passed

    def __enter__(self) -> Self:
        self.at = time.monotonic() + self._seconds
        _WATCHMAN.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        _WATCHMAN.remove(self)
        with self._lock:
            self._socket = None  # the next request has a deadline of its own

    def watch(self, used: socket.socket) -> None:
        """Watch the socket that is in use from now on. After the deadline it is shut down at once."""
        with self._lock:
            self._socket = used
            if self._passed:
                _shut(used)

    def expire(self) -> None:
        """Shut the socket down: time is up."""
        with self._lock:
            self._passed = True
            if self._socket is not None:
                _shut(self._socket)


class Watchman:
    """The thread that expires deadlines. It begins with the first one, and sleeps until the earliest that it knows of."""

    def __init__(self) -> None:
        self._running: set[Deadline] = set()
        self._changed = threading.Condition()
        self._wakes = math.inf  # monotonic: when it next looks without being called
        self._started = False

    def add(self, deadline: Deadline) -> None:
        """Watch a deadline."""
        with self._changed:
            self._running.add(deadline)
            if not self._started:
                self._started = True
                threading.Thread(target=self._watch, name="onhand-deadlines", daemon=True).start()
            elif deadline.at < self._wakes:  # rare: most deadlines are equally long, so that a new one is the last
                self._changed.notify()

    def remove(self, deadline: Deadline) -> None:
        """Forget a deadline, because its request has ended."""
        with self._changed:
            self._running.discard(deadline)

    def _watch(self) -> None:
        while True:
            with self._changed:
                now = time.monotonic()
                due = {deadline for deadline in self._running if deadline.at <= now}
                self._running -= due
                self._wakes = min((deadline.at for deadline in self._running), default=math.inf)
                if not due:
                    self._changed.wait(None if self._wakes == math.inf else self._wakes - now)
            for deadline in due:
                deadline.expire()


_WATCHMAN = Watchman()


def _shut(used: socket.socket) -> None:
    try:
        # The plain socket's: an SSL socket's own would drop its session in the middle of another thread's read.
        socket.socket.shutdown(used, socket.SHUT_RDWR)
    except OSError:
        return  # it is closed, or was never connected: nothing waits on it
