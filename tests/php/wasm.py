"""Serves and checks PHP files with the PHP versions that Debian does not have, compiled to WebAssembly and run by Node.

Path: the tests in this folder; ``make test-php`` installs what is needed from ``package.json``.
Promise: ``WasmPhp`` is used like ``tests.servers.PhpServer``: one process, one folder, one free port, stopped by who started it.
Never: serves two requests at a time, or opens the socket file of a database; both need an operating system.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.servers import START_SECONDS, PhpServer

HERE = Path(__file__).parent
NODE = HERE / "node_modules" / ".bin" / "node"
EVERYTHING = ("error_reporting=32767", "log_errors=1")  # as settings: whatever PHP complains of stands in ``log()``


class WasmPhp(PhpServer):
    """A web server with a PHP of one version; ``settings`` are lines of a php.ini."""

    def __init__(self, version: str, *settings: str) -> None:
        super().__init__(options=settings)
        self.version = version

    def _started(self) -> bool:
        with (self.root / ".log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_node("serve.mjs"), self.version, str(self.port), str(self.root), *self._options],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return True
            time.sleep(0.02)
        return False


def lint(version: str, files: Iterable[Path]) -> tuple[bool, str]:
    """What ``php -l`` of this version thinks of the files: whether all of them pass, and in which words."""
    checked = subprocess.run(
        [*_node("lint.mjs"), version, *map(str, files)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return checked.returncode == 0, checked.stdout


def _node(program: str) -> list[str]:
    if not NODE.exists():
        missing = "PHP in WebAssembly is not installed: run `make test-php`, which installs it."
        if os.environ.get("CI"):
            raise RuntimeError(missing)
        pytest.skip(missing)
    return [str(NODE), "--experimental-wasm-jspi", str(HERE / program)]
