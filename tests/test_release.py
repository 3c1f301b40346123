"""A release is made in a clone of a small repository with the real script, and refused where something is not ready."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
WHO = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_CONFIG_GLOBAL": os.devnull}
WHO |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in WHO.items()}


@pytest.fixture
def clone(tmp_path):
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "release", tmp_path / "scripts")
    (tmp_path / "src" / "onhand").mkdir(parents=True)
    shutil.copy(ROOT / "src" / "onhand" / "__init__.py", tmp_path / "src" / "onhand")
    (tmp_path / "CHANGELOG.md").write_text("# What changed\n\n## [Unreleased]\n\n### Added\n\n- Barcodes.\n")
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "All of it")
    return tmp_path


def git(where, *arguments):
    run = subprocess.run(
        ["git", *arguments], cwd=where, check=True, capture_output=True, text=True, env=os.environ | WHO
    )
    return run.stdout


def release(where, version):
    return subprocess.run(
        [where / "scripts" / "release", version], check=False, capture_output=True, text=True, env=os.environ | WHO
    )


def test_a_release_has_a_version_a_dated_changelog_and_a_tag(clone):
    assert release(clone, "1.0.0").returncode == 0
    assert '__version__ = "1.0.0"\n' in (clone / "src" / "onhand" / "__init__.py").read_text()
    heads = re.findall(r"^## (.*)$", (clone / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert heads == ["[Unreleased]", f"[1.0.0] - {dt.datetime.now(tz=dt.UTC).date()}"]
    assert git(clone, "status", "--porcelain") == ""
    assert "### Added\n\n- Barcodes." in git(clone, "tag", "--list", "v1.0.0", "--format", "%(contents)")
    assert git(clone, "rev-list", "-1", "v1.0.0") == git(clone, "rev-list", "-1", "HEAD")


@pytest.mark.parametrize("version", ["1.0", "v1.0.0", "1.0.0; true", "01.0.0", ""])
def test_what_is_not_a_version_is_refused(clone, version):
    before = git(clone, "rev-parse", "HEAD")
    assert release(clone, version).returncode == 1
    assert git(clone, "rev-parse", "HEAD") == before


@pytest.mark.parametrize(
    "spoil",
    [
        lambda where: (where / "CHANGELOG.md").write_text("# What changed\n"),
        lambda where: git(where, "checkout", "--quiet", "-b", "other"),
        lambda where: git(where, "tag", "v1.0.0"),
        lambda where: release(where, "0.9.0") and None,  # nothing has changed since
    ],
)
def test_what_is_not_ready_is_not_released(clone, spoil):
    spoil(clone)
    before = git(clone, "rev-parse", "HEAD"), git(clone, "status", "--porcelain"), git(clone, "tag")
    assert release(clone, "1.0.0").returncode == 1
    assert (git(clone, "rev-parse", "HEAD"), git(clone, "status", "--porcelain"), git(clone, "tag")) == before
