"""Stands on the wire between a client and a database server, and does to it what networks and old servers do.

Path: tests of direct MySQL; one thread per direction of each connection.
Promise: what is not told otherwise is passed on unchanged.
Never: understands more of MySQL's protocol than where a packet of the client begins.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self

ALERT = b"\x15\x03\x01\x00\x02\x02\x46"  # TLS: this version of the protocol is not spoken


class Wiretap:
    """A port of this machine that leads to another one. A context manager."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._lost: bytes | None = None
        self._times = 0
        self._swaps: dict[bytes, bytes] = {}
        self._no_tls = False
        self.seen = bytearray()  # of what clients sent

    def lose_the_answer_to(self, statement: bytes, nth: int = 1) -> None:
        """The connection ends after the server has done this statement for the nth time, before its answer arrives."""
        self._lost, self._times = statement, nth

    def swap(self, sent: bytes, arrives: bytes) -> None:
        """In place of one thing another of the same length arrives at the server."""
        assert len(sent) == len(arrives)
        self._swaps[sent] = arrives

    def refuse_tls(self) -> None:
        """Whoever begins to speak TLS is told that his is not spoken here."""
        self._no_tls = True

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                threading.Thread(target=self._forth, args=(client, server), daemon=True).start()

    def _forth(self, client: socket.socket, server: socket.socket) -> None:
        back = threading.Thread(target=self._back, args=(server, client), daemon=True)
        back.start()
        with suppress(OSError):
            while data := client.recv(65536):
                self.seen += data
                if self._no_tls and b"\x16\x03\x01" in data:
                    client.sendall(ALERT)
                    break
                for sent, arrives in self._swaps.items():
                    data = data.replace(sent, arrives)
                if self._lost is not None and data[5:] == self._lost:
                    self._times -= 1
                    if self._times == 0:
                        self._lost = None
                        self._swallow(client, server, data)
                        break
                server.sendall(data)
        for end in (client, server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _swallow(self, client: socket.socket, server: socket.socket, data: bytes) -> None:
        """What the server answers reaches nobody."""
        client.shutdown(socket.SHUT_RDWR)
        server.sendall(data)
        threading.Event().wait(0.3)

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                client.sendall(data)
        for end in (client, server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
