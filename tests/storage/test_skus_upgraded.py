"""Tests the upgrade of a store from before SKUs were read as people see them: its keys change, and nothing is lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from onhand.domain.stock import sku_key
from onhand.storage import database
from onhand.storage.database import Database, create, upgrade


def store_before(path: Path, file_end: str) -> str:
    """A store with the schema that was there before the migration whose file ends so; returns that revision."""
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    script = next(one for one in ScriptDirectory.from_config(config).walk_revisions() if one.path.endswith(file_end))
    create(path)
    fresh = path.with_name("before.db")
    engine = create_engine(f"sqlite:///{fresh}")
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, str(script.down_revision))
        connection.commit()
    engine.dispose()
    fresh.replace(path)
    return str(script.down_revision)


def test_items_of_an_older_store_are_found_after_the_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    older = store_before(path, "_column_mappings.py")
    skus = ["TEA", "MUG\u200b", "Ti\u00a0N", "TÃ¤-1", "POT", "POT\ufeff"]
    with closing(sqlite3.connect(path)) as db:
        for number, sku in enumerate(skus, 1):
            db.execute(
                "INSERT INTO items (id, sku, sku_key, name, on_hand, created_at) VALUES (?, ?, ?, '', 0, 0)",
                (number, sku, sku.casefold()),
            )
        db.commit()
    before, after = upgrade(path)
    assert (before, after > before) == (older, True)
    with closing(Database(path)) as opened:
        found = opened.read(
            lambda books: books.items.by_key([sku_key(s) for s in ("tea", "MUG", "Ti N", "Tä-1", "pot")])
        )
        assert {item.id: item.sku for item in found.values()} == {1: "TEA", 2: "MUG", 3: "Ti N", 4: "Tä-1", 5: "POT"}
        assert opened.read(lambda books: books.items.by_id([6]))[6].sku == "POT\ufeff", (
            "what would be one with another stays"
        )
