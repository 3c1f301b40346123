"""Stands between OnHand and its database as the network does: it carries bytes, cuts connections, or holds everything back.

Path: ``together`` gives each process of OnHand wires of its own; ``chaos_server`` and stories cut them.
Promise: what passes is not changed. Bytes that were held back go on in their order, unless their sender is gone by then: what a dead
process sent never arrives late.
Never: knows what the bytes mean.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress

CHUNK_BYTES = 65_536
TARGET_SECONDS = 5.0  # for connecting to a server


class Wire:
    """One way from 127.0.0.1 to a port of 127.0.0.1."""

    def __init__(self, port: Callable[[], int]) -> None:
        self._target = port
        self._whole = True
        self._held = False
        self._flows = asyncio.Event()
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._loop = _loop()
        self._run(self._open())

    def cut(self) -> None:
        """End all connections without a goodbye, and let none be made."""
        self._run(self._cut())

    def hold(self) -> None:
        """Let nothing pass, in neither direction. Connections stay as they are."""
        self._run(self._set(held=True))

    def mend(self) -> None:
        """Be a plain wire again."""
        self._run(self._set(held=False))

    def close(self) -> None:
        self.cut()
        self._run(self._close())

    def _run(self, work: object) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)  # type: ignore[arg-type]

    async def _open(self) -> None:
        self._flows.set()
        self._server = await asyncio.start_server(self._carry, sock=self._socket)

    async def _close(self) -> None:
        self._server.close()

    async def _set(self, *, held: bool) -> None:
        self._whole, self._held = True, held
        self._flows.clear() if held else self._flows.set()

    async def _cut(self) -> None:
        self._whole = False
        for pair in list(self._pairs):
            for end in pair:
                _reset(end)
        self._flows.set()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection, both ways, until either end closes it."""
        far: asyncio.StreamWriter | None = None
        try:
            await self._flows.wait()
            if not self._whole:
                _reset(writer)
                return
            answers, far = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", self._target()), TARGET_SECONDS)
            pair = writer, far
            self._pairs.add(pair)
            try:
                ways = [asyncio.create_task(self._pump(*way)) for way in ((reader, far), (answers, writer))]
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
            finally:
                self._pairs.discard(pair)
        except OSError:
            pass  # no server there, or an end is gone
        finally:
            for end in (writer, far):
                if end is not None:
                    with suppress(OSError):
                        end.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                while not self._flows.is_set():
                    await self._flows.wait()
                    if reader.at_eof():
                        return  # the sender died meanwhile
                writer.write(data)
                await writer.drain()


def _reset(end: asyncio.StreamWriter) -> None:
    """Close as a router does that lost its memory."""
    with suppress(OSError):
        end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.transport.abort()


_door = threading.Lock()
_running: list[asyncio.AbstractEventLoop] = []


def _loop() -> asyncio.AbstractEventLoop:
    """Return the loop on which all wires of this process run, in a thread of its own."""
    with _door:
        if not _running:
            _running.append(asyncio.new_event_loop())
            threading.Thread(target=_running[0].run_forever, name="wires", daemon=True).start()
        return _running[0]
