"""A store from before SKUs were read as people see them: its keys are written anew, and nothing is lost by that."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from onhand.domain.stock import sku_key
from onhand.storage.database import Database, create, upgrade


def test_items_of_an_older_store_are_found_by_what_people_see(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    create(path)
    skus = ["TEA", "MUG\u200b", "Ti\u00a0N", "TÃ¤-1", "POT", "POT\ufeff"]
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE mappings")
        db.execute("UPDATE alembic_version SET version_num = '0003'")
        for number, sku in enumerate(skus, 1):
            db.execute(
                "INSERT INTO items (id, sku, sku_key, name, on_hand, created_at) VALUES (?, ?, ?, '', 0, 0)",
                (number, sku, sku.casefold()),
            )
        db.commit()
    before, after = upgrade(path)
    assert (before, after > before) == ("0003", True)
    with closing(Database(path)) as opened:
        found = opened.read(
            lambda books: books.items.by_key([sku_key(s) for s in ("tea", "MUG", "Ti N", "Tä-1", "pot")])
        )
        assert {item.id: item.sku for item in found.values()} == {1: "TEA", 2: "MUG", 3: "Ti N", 4: "Tä-1", 5: "POT"}
        assert opened.read(lambda books: books.items.by_id([6]))[6].sku == "POT\ufeff", (
            "what would be one with another stays"
        )
