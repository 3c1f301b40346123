"""Ends a request to a shop at an absolute time, however slowly its answer arrives.

Path: ``endpoint`` and ``mysql`` do each request within one ``Deadline``, and tell it which socket is in use.
Promise: when time is up, by a clock that never jumps, the socket is shut down, so that the code that waits on it continues with an error.
Never: closes a socket, which is its owner's; or waits for anything.

A socket's own timeout starts over with every byte. A shop that sends one byte at a time, in its handshake, its head or its body,
could
hold a request without end.
"""

from __future__ import annotations

import socket
import threading
from typing import Self


class Deadline:
    """The time that one request has, in seconds. A context manager; for one request of one thread."""

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.name, self._timer.daemon = "onhand-deadline", True
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._passed = False

    @property
    def passed(self) -> bool:
        """Return whether time is up: a failure after that comes from the deadline."""
        return self._passed

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            self._socket = None  # the next request has a deadline of its own

    def watch(self, used: socket.socket) -> None:
        """Watch the socket that is in use from now on. After the deadline it is shut down at once."""
        with self._lock:
            self._socket = used
            if self._passed:
                _shut(used)

    def _expire(self) -> None:
        with self._lock:
            self._passed = True
            if self._socket is not None:
                _shut(self._socket)


def _shut(used: socket.socket) -> None:
    try:
        # The plain socket's: an SSL socket's own would drop its session in the middle of another thread's read.
        socket.socket.shutdown(used, socket.SHUT_RDWR)
    except OSError:
        return  # it is closed, or was never connected: nothing waits on it
