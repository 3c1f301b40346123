"""Opens pages in Debian's Chromium, without a screen, and fails the test on whose pages something went wrong.

Path: the fixtures ``chromium`` and ``visit`` in ``tests/web/conftest.py``; tests marked ``browser``.
Promise: no visitor knows of another; whatever a page complained of, and whatever it asked of another host, fails the test.
Never: downloads a browser; lets a page reach another machine; skips where CI is set.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

DESK = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
WAIT_MS = 10_000  # for anything that a test expects to come true on a page
HOST = "127.0.0.1"
FLAGS = [
    "--headless",
    "--no-sandbox",  # build machines run as root, which Chromium's sandbox refuses; all pages are our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {HOST}",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running Chromium.

    As long as it is open, Playwright has an event loop running in this thread, and ``asyncio.run`` would refuse here.
    So it is opened for one file of tests and not for the whole process; a test client has a thread of its own and does not mind.
    """
    program = shutil.which("chromium")
    if program is None:
        give_up = pytest.fail if os.environ.get("CI") else pytest.skip
        give_up("Chromium is not installed: run the tests with `make test`, or scripts/system-packages chromium.")
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visitor(
    browser: Browser, *, size: dict[str, Any] = DESK, scheme: str = "light", expecting: str | None = None, **more: Any
) -> Iterator[Page]:
    """One person's empty window: ``DESK`` or ``PHONE``, ``scheme`` light or dark; ``more`` goes to Playwright's ``new_context``.

    ``expecting`` is a pattern for the complaints that the test brings about on purpose, such as "status of 422".
    """
    context = browser.new_context(**size, color_scheme=scheme, **more)
    context.set_default_timeout(WAIT_MS)
    complaints = _complaints(context)
    try:
        yield context.new_page()
    finally:
        context.close()
    rest = [complaint for complaint in complaints if expecting is None or not re.search(expecting, complaint)]
    assert not rest, "\n".join(rest)


def _complaints(context: BrowserContext) -> list[str]:
    """Fills as long as the context is open. What the content security policy stops is an error on the console."""
    complaints: list[str] = []

    def console(message):
        if message.type == "error":
            complaints.append(f"console: {message.text} ({message.location['url']})")

    def request(asked):
        if urlsplit(asked.url).hostname not in (HOST, None):  # None: an address without a host, such as a blob
            complaints.append(f"request to another host: {asked.url}")

    context.on("console", console)
    context.on("weberror", lambda failed: complaints.append(f"script: {failed.error}"))
    context.on("request", request)
    context.on("page", lambda page: page.on("crash", lambda page: complaints.append(f"crashed: {page.url}")))
    return complaints
