"""Tests that a full disk is reported on every page and to every program, and that nothing is lost.

Path: pytest; a file system of a few megabytes, mounted in a namespace of its own, which needs no rights.
Promise: the disk is really full.
Never: fills a disk of this machine.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SIZE_MB = 6


def test_a_full_disk_is_reported_everywhere_and_nothing_is_lost(tmp_path):
    script = f'mount -t tmpfs -o size={SIZE_MB}m none {shlex.quote(str(tmp_path))} && exec "$@"'
    root = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    words = [sys.executable, "-m", "tests.entrypoints.full_disk", str(tmp_path)]
    here = Path(__file__).parents[2]
    done = subprocess.run(
        [*root, "sh", "-c", script, "sh", *words], capture_output=True, text=True, cwd=here, check=False
    )
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout.splitlines()[-1])
    assert len(facts["pages"]) > 15
    for path, (status, told, kind) in facts["pages"].items():
        assert status < 500, path
        assert told or status == 303 or "html" not in kind, path
    assert facts["form"] == [503, True]
    assert facts["login_page"] == [200, True]
    assert facts["login"] == [503, True]
    assert facts["read"] == 200
    assert facts["book"] == [503, 503, 503]
    assert facts["reason"] == "disk_full"
    assert facts["again"] == {"on_hand": {"TEA": 6}}
    assert facts["after"] == [200, False]
    assert facts["holds"] is True
