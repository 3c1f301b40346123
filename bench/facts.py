"""Says on what the figures were taken: cores and versions, nothing that names a machine or a person."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from onhand import __version__

from .ground import Ground


def facts(ground: Ground) -> dict[str, Any]:
    """Machine and versions."""
    with ground.mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT VERSION()")
        mariadb = str(cursor.fetchone()[0])
    php = subprocess.run(["php", "-r", "echo PHP_VERSION;"], capture_output=True, text=True, check=True).stdout
    return {
        "onhand": __version__,
        "taken": datetime.now(UTC).strftime("%Y-%m-%d"),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "sqlalchemy": version("sqlalchemy"),
        "sqlite": sqlite3.sqlite_version,
        "mariadb": mariadb,
        "php": php,
    }
