"""Starts and stops the real servers that tests and measurements need: MariaDB and PHP's own web server.

Path: pytest fixtures (``tests/carts/conftest.py``), stories and bench scripts.
Promise: every server listens on 127.0.0.1 on a free port, has a directory of its own, and is stopped, by pid, by who started it.
Never: touches a server it did not start; skips when a program is missing.

``shared_mariadb()`` is one server per process: with pytest-xdist every worker has its own, so nothing is shared between workers.
"""

from __future__ import annotations

import atexit
import getpass
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pymysql

USER, PASSWORD = "shop", "shop secret"
START_SECONDS = 60
STOP_SECONDS = 20


class MariaDB:
    """A private MariaDB. ``durable`` makes it write through to the disk at every commit, as a shop's server does."""

    def __init__(self, *, durable: bool = False, buffer_pool: str = "64M", options: Sequence[str] = ()) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="onhand-mariadb-"))
        self.socket = str(self.home / "s")
        self._options = [
            f"--innodb-flush-log-at-trx-commit={1 if durable else 0}",
            f"--innodb-buffer-pool-size={buffer_pool}",
            *options,
        ]
        self._names = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def start(self) -> Self:
        data = self.home / "data"
        if not data.exists():
            with (self.home / "install.log").open("wb") as log:
                subprocess.run(
                    [
                        _program("mariadb-install-db"),
                        "--no-defaults",
                        f"--datadir={data}",
                        "--auth-root-authentication-method=normal",
                        "--skip-test-db",
                        f"--tmpdir={self.home}",
                        f"--user={_user()}",
                    ],
                    stdout=log,
                    stderr=log,
                    check=True,
                )
        for _ in range(3):  # another process may take the free port before we do
            self.port = _free_port()
            if self._started(data):
                return self
        log_text = (self.home / "log").read_text(errors="replace")[-2000:]
        raise RuntimeError(f"MariaDB did not start; the end of its log: {log_text}")

    def _started(self, data: Path) -> bool:
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    _program("mariadbd"),
                    "--no-defaults",
                    f"--datadir={data}",
                    f"--socket={self.socket}",
                    f"--pid-file={self.home / 'pid'}",
                    # A server that starts clears its folder for temporary tables: in a shared one, other servers' too.
                    f"--tmpdir={self.home}",
                    "--bind-address=127.0.0.1",
                    f"--port={self.port}",
                    f"--user={_user()}",
                    "--skip-name-resolve",
                    "--innodb-log-file-size=32M",
                    "--key-buffer-size=16M",
                    "--performance-schema=OFF",
                    *self._options,
                ],
                stdout=log,
                stderr=log,
            )
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            with suppress(pymysql.err.OperationalError):
                with self.connect(user="root", password="") as connection, connection.cursor() as cursor:
                    for host in ("localhost", "127.0.0.1"):
                        cursor.execute(f"CREATE USER IF NOT EXISTS '{USER}'@'{host}' IDENTIFIED BY '{PASSWORD}'")
                        cursor.execute(f"GRANT ALL ON `shop\\_%`.* TO '{USER}'@'{host}'")
                return True
            time.sleep(0.05)
        self.stop()
        return False

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def connect(self, database: str | None = None, *, user: str = "root", password: str = "") -> Any:
        """A PyMySQL connection with autocommit, over the socket."""
        return pymysql.connect(
            unix_socket=self.socket, user=user, password=password, database=database, autocommit=True, charset="utf8mb4"
        )

    def new_database(self) -> str:
        """The name of a fresh database that the shop's user may use."""
        name = f"shop_{os.getpid()}_{next(self._names)}"
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb3 COLLATE utf8mb3_unicode_ci")
        return name

    def drop_database(self, name: str) -> None:
        for copy in (self.home / "data" / name).glob(
            "*.BAK"
        ):  # of tables repaired after a kill; they would be in the way
            copy.unlink()
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS `{name}`")

    def kill(self) -> None:
        """As a power cut: no shutdown. ``start`` starts it again on the same data."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def restart(self) -> None:
        """After ``kill``: on the same data and the same port, as a service manager does it."""
        if not self._started(self.home / "data"):
            raise RuntimeError(
                f"MariaDB did not start again: {(self.home / 'log').read_text(errors='replace')[-2000:]}"
            )

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()


class PhpServer:
    """PHP's built-in web server over a directory of its own (``root``), with several worker processes."""

    def __init__(self, *, workers: int = 4, options: Sequence[str] = ()) -> None:
        """``options`` go to php, e.g. ``("-n", "-d", "extension=pdo_mysql")``."""
        self.root = Path(tempfile.mkdtemp(prefix="onhand-php-"))
        self._workers = workers
        self._options = list(options)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def start(self) -> Self:
        for _ in range(3):
            self.port = _free_port()
            if self._started():
                return self
        raise RuntimeError(f"PHP did not start; the end of its log: {self.log()[-2000:]}")

    def _started(self) -> bool:
        with (self.root / ".log").open("ab") as log:
            # A session of its own: the workers are the master's children and outlive it otherwise.
            self._process = subprocess.Popen(
                [_program("php"), *self._options, "-S", f"127.0.0.1:{self.port}", "-t", str(self.root)],
                env={**os.environ, "PHP_CLI_SERVER_WORKERS": str(self._workers)},
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

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def log(self) -> str:
        return (self.root / ".log").read_text(errors="replace")

    def pids(self) -> list[int]:
        """The master and its workers; each of them serves requests."""
        assert self._process is not None
        master = self._process.pid
        children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        return [master, *map(int, children)]

    def kill(self) -> None:
        """The master and all workers at once, whatever they are at."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)  # the group we made above
            self._process.wait()

    def restart(self) -> None:
        """After ``kill``: on the same port, as a service manager does it."""
        if not self._started():
            raise RuntimeError(f"PHP did not start again; the end of its log: {self.log()[-2000:]}")

    def stop(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)  # the group we made above: master and workers
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.root, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()


@cache
def shared_mariadb() -> MariaDB:
    """This process's MariaDB, stopped when the process ends."""
    server = MariaDB().start()
    atexit.register(server.remove)
    return server


@cache
def shared_php(*options: str) -> PhpServer:
    """This process's PHP server with these options; every shop is a directory of it."""
    server = PhpServer(options=options).start()
    atexit.register(server.remove)
    return server


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise RuntimeError(f"{name} is not installed: run the tests with `make test`, which says what they need.")
    return found


def _user() -> str:
    return getpass.getuser()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
