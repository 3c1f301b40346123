"""Stories of a store that moves to a server and back while the shops go on selling: nobody does anything in a shop."""

from __future__ import annotations

import pytest

from onhand import moving
from onhand.clock import SystemClock
from onhand.storage import vault
from tests.builders import FILE
from tests.postgresql import shared_postgresql
from tests.stories.stage import House, HouseOnServer

pytestmark = [pytest.mark.servers, pytest.mark.postgresql]
MINUTE = 60.0


def migrate(source, target, key):
    done = moving.migrate(
        source, target, key_file=key, person="Ann", clock=SystemClock(), agree=lambda _: True, progress=lambda *_: None
    )
    assert done["moved"]


@pytest.mark.parametrize("kept_in", [FILE], indirect=True)
def test_a_store_moves_while_the_shops_sell_and_the_carts_are_in_step_within_a_minute(stage, tmp_path):
    amber, birch = stage.shops
    path, key = tmp_path / "onhand.db", vault.beside(tmp_path / "onhand.db")
    server = shared_postgresql()
    address = server.address(server.new_database())
    path.with_suffix(".address").write_text(address.url)
    first = amber.sell("MUG", 2)
    stage.all_show(MUG=8)
    stage.all_is_well()
    stage.receive("PEN", 5, "before the move")
    for shop in stage.shops:
        shop.watch()

    stage.house.close()
    during = birch.sell("PEN", 1)
    migrate(path, address, key)
    stage.house = HouseOnServer(path)
    after = amber.sell("CAP", 3)
    stage.all_show(within=MINUTE, MUG=8, PEN=14, CAP=7)
    stage.all_is_well()
    assert stage.movements("MUG") == [("sale", -2, str(first))]
    assert stage.movements("PEN") == [("receipt", 5, None), ("sale", -1, str(during))]
    assert stage.movements("CAP") == [("sale", -3, str(after))]

    stage.house.close()
    back = amber.sell("CAP", 1)
    migrate(address, path, key)
    stage.house = House(path)
    stage.receive("MUG", 2, "after the move")
    stage.all_show(within=MINUTE, MUG=10, PEN=14, CAP=6)
    stage.all_is_well()
    assert stage.movements("CAP") == [("sale", -3, str(after)), ("sale", -1, str(back))]
    assert stage.differences() == []
    for shop in stage.shops:
        assert shop.destroyed() == {}
        assert stage.cart(shop)["halted"] is None
    server.drop(address)
