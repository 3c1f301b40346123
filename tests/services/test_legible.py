"""Texts of a shop: broken character sets are read as they were meant, or reported; what nobody sees makes no other SKU."""

from __future__ import annotations

import pytest

from onhand.carts import legible
from onhand.domain.listings import Problem
from onhand.domain.shop import DOUBTFUL, MENDED
from onhand.services import items
from tests.builders import World, line, row


@pytest.mark.parametrize(
    ("model", "name", "seen", "read", "flags"),
    [
        ("TEA", "Green tea", "TEA", "Green tea", 0),
        ("TEA", "Grüner Tee", "TEA", "Grüner Tee", 0),
        ("TEA\u200b\u00a01", "Tea", "TEA 1", "Tea", 0),
        ("TÃ¤-1", "GrÃ¼ner Tee", "Tä-1", "Grüner Tee", MENDED),
        ("TEA", "GrÃƒÂ¼n", "TEA", "Grün", MENDED),
        ("TEA", "Gr\ufffdner Tee", "TEA", "Gr\ufffdner Tee", DOUBTFUL),
        ("CAFÉ®", "TÃ¤", "CAFÉ®", "Tä", DOUBTFUL | MENDED),
        (None, "Tea", None, "Tea", 0),
    ],
)
def test_a_product_is_read_as_it_was_meant(
    model: str | None, name: str, seen: str | None, read: str, flags: int
) -> None:
    said = legible.row(row(model=model, name=name, flags=1))
    assert (said.model, said.name, said.flags) == (seen, read, flags | 1)
    assert legible.line(line(1)).model == "SKU-1"


def test_a_shop_is_tied_by_what_a_person_reads_there(world: World) -> None:
    (amber,) = world.running("Amber", wares={"TEA": 10, "Tä-1": 5, "POT": 3})
    amber.sample.rename("TEA", "T\u00adEA\u200b")
    amber.sample.rename("Tä-1", "TÃ¤-1")
    amber.sample.rename("POT", "PОT")
    world.clock.advance(120)
    amber.tick()
    amber.tick()
    assert amber.listing("TEA").problem is None
    assert amber.listing("Tä-1").problem is None
    texts = world.store.read(lambda books: books.products.texts(amber.id))
    assert texts == {"mended": 1, "doubtful": 0, "look_alikes": 1}
    (strange,) = world.store.read(lambda books: books.products.page(amber.id, "unmatched", 0, 10))
    assert (strange["looks_like"], strange["problem"]) == ("POT", Problem.UNMATCHED)
    (mended,) = world.store.read(lambda books: books.products.page(amber.id, "mended", 0, 10))
    assert (mended["model"], mended["text"]) == ("Tä-1", "mended")
    suggested = world.store.read(lambda books: books.products.alike(amber.id, "PОT", "", "", 5))
    assert suggested[0]["sku"] == "POT"
    amber.sample.buy("T\u00adEA\u200b", 2)
    amber.tick()
    assert world.on_hand("TEA") == 8
    assert world.store.read(lambda books: items.find(books, ["tä-1\ufeff"]))[0].sku == "Tä-1"
