"""Fills the disk of a store and reports what people and programs then see; run by ``test_full_disk.py``.

Path: a process of its own, in whose folder a small file system is mounted.
Promise: prints one JSON object of facts.
Never: judges them.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path

from fastapi.testclient import TestClient

from onhand.app import App
from onhand.domain.people import Role
from onhand.passwords import Passwords
from onhand.services import people
from onhand.services.gate import Gate
from onhand.serving import server
from onhand.storage import database
from onhand.web.visit import SESSION_COOKIE
from tests.entrypoints.conftest import token_for

WORDS = "The disk is full"
PASSWORD = "correct horse battery"
TEA = {"lines": [["TEA", 5]]}


def fill(path: Path) -> None:
    """Write until nothing more fits."""
    with path.open("wb", buffering=0) as file:
        for size in (65536, 512, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue


def pages(app: App) -> list[str]:
    """Every page that has no parameter in its address."""
    from fastapi import FastAPI  # noqa: PLC0415

    from onhand.web import attach  # noqa: PLC0415

    scopes = attach(FastAPI(), app).scopes
    return sorted(path for (method, path), scope in scopes.items() if method == "GET" and "{" not in path and scope)


def main(folder: Path) -> None:
    people.SEEN = timedelta(0)  # each visit is noted, as each first one of a minute is
    database.create(folder / "store.db")
    with App(folder / "store.db", "serve") as app:
        app.gate = Gate(Passwords(cheap=True))
        session = people.begin(app.house, app.gate, people.first_link(app.house), "Ann", PASSWORD)
        program = {"Authorization": f"Bearer {token_for(app, Role.ADMINISTRATOR)}"}
        web = TestClient(server.create(app, "door", pages=True, hosts=["testserver"]), follow_redirects=False)
        web.post("/api/item_add", json={"sku": "TEA", "on_hand": 1}, headers=program)
        browser = {SESSION_COOKIE: session}
        fill(folder / "filler")
        shown = {}
        for path in pages(app):
            web.cookies.update(browser)
            answer = web.get(path)
            shown[path] = [answer.status_code, WORDS in answer.text, answer.headers["content-type"]]
        form = web.get("/receive").text.partition('name="csrf" value="')[2].partition('"')[0]
        posted = web.post("/logout", data={"csrf": form})
        web.cookies.clear()
        entry = web.get("/login")
        refused = web.post("/login", data={"name": "Ann", "password": PASSWORD})
        facts = {
            "pages": shown,
            "form": [posted.status_code, WORDS in posted.text],
            "login_page": [entry.status_code, WORDS in entry.text],
            "login": [refused.status_code, WORDS in refused.text],
            "read": web.get("/api/status", headers=program).status_code,
            "book": [web.post("/api/receive", json=TEA, headers=program).status_code for _ in range(3)],
            "reason": web.post("/api/receive", json=TEA, headers=program).json()["facts"]["reason"],
        }
        (folder / "filler").unlink()
        facts["again"] = web.post("/api/receive", json=TEA, headers=program).json()
        web.cookies.update(browser)
        facts["after"] = [web.get("/").status_code, WORDS in web.get("/").text]
        facts["holds"] = web.post("/api/prove", headers=program).json()["holds"]
    print(json.dumps(facts))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
