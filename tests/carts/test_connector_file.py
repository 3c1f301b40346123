"""Holds ``connector/onhand.php`` to its parts and to the facts, and shows what a copy without the part for osCommerce 4 does.

Path: pytest; PHP itself is asked what it reads of the facts.
Promise: one file to copy, the same facts in both languages, and a copy in the wrong shop says so with a code.
Never: changes a file of the project.
"""

from __future__ import annotations

import json
import subprocess

import pytest

from onhand.domain import families as facts
from onhand.domain.errors import Permanent
from onhand.files import shopfiles
from onhand.files.assembling import FACTS, PARTS, assembled, main, without_part
from tests.carts.contract import apply, look
from tests.shops.families import OsCommerce4, OsCommerce23
from tests.shops.shop import CONNECTOR

FOLDER = CONNECTOR.parent / "parts"


def test_the_file_is_what_its_parts_and_the_facts_give():
    assert CONNECTOR.read_text() == assembled(FOLDER)
    assert main(["--check"]) == 0


def test_each_part_is_a_file_and_each_file_a_part():
    assert {path.stem for path in FOLDER.iterdir()} == set(PARTS) - {FACTS}


def test_a_part_that_is_left_out_leaves_all_others_as_they_are():
    whole = CONNECTOR.read_text()
    lean = without_part(whole, "osCommerce 4")
    assert lean == whole.replace((FOLDER / "oscommerce4.php").read_text().removeprefix("<?php\n") + "\n", "")
    assert len(lean) < 0.8 * len(whole)
    with pytest.raises(ValueError, match="no part"):
        without_part(whole, "osCommerce 5")


@pytest.mark.servers
def test_php_reads_the_same_facts(tmp_path):
    whole = CONNECTOR.read_text()
    block = whole[whole.index("// ==== The facts") : whole.index("// End of what is generated.")]
    read = {name: f"onhand_{name}()" for name in ("marks", "own_parts", "needed_columns", "bearing_columns")}
    read |= {name: f"onhand_{name}()" for name in ("telling_tables", "other_stock", "settings_tables", "sent_as_well")}
    read |= {name: f"onhand_{name}()" for name in ("downloads_subtracted", "version_tables", "version_files")}
    read |= {which: f"onhand_switches('{which}')" for which in ("usual", "oscommerce4")}
    members = ", ".join(f"'{name}' => {call}" for name, call in read.items())
    (tmp_path / "facts.php").write_text(f"<?php\n{block}\necho json_encode(array({members}));\n")
    said = json.loads(subprocess.run(["php", tmp_path / "facts.php"], capture_output=True, check=True).stdout)
    assert said == {
        "marks": {each.key: list(each.marks) for each in facts.FAMILIES},
        "own_parts": {"products.warehouse_stock_quantity": "osCommerce 4"},
        "needed_columns": list(facts.NEEDED),
        "bearing_columns": list(facts.BEARING),
        "telling_tables": list(facts.TELLING),
        "other_stock": {each.place: each.when for each in facts.OTHER_STOCK},
        "settings_tables": [
            {name: getattr(each, name) for name in ("table", "name", "value", "order", "before")}
            for each in facts.SETTINGS
        ],
        "usual": list(facts.SWITCHES),
        "oscommerce4": list(facts.FAMILIES[0].switches),
        "downloads_subtracted": list(facts.DOWNLOADS_SUBTRACTED),
        "sent_as_well": facts.SENT_AS_WELL,
        "version_tables": [{"place": each.place, "question": each.question} for each in facts.VERSION_TABLES],
        "version_files": [{"file": each.file, "pattern": each.pattern} for each in facts.VERSION_FILES],
    }
    assert list(said["marks"]) == [each.key for each in facts.FAMILIES], "the first that fits is it"


@pytest.mark.servers
class TestLean:
    """A copy without the part for osCommerce 4."""

    @pytest.fixture
    def shop(self, request, mariadb, php):
        shop = request.param(mariadb, php)
        (shop.root / "onhand.php").write_bytes(shopfiles.lean_connector())
        yield shop
        shop.close()

    @pytest.mark.parametrize("shop", [OsCommerce23], indirect=True)
    def test_serves_any_other_shop(self, shop):
        tea = shop.add_product("TEA", 10)
        shop.sell(tea, 3)
        assert shop.shop().hello().obstacle == ""
        assert [line.quantity for line in look(shop).lines] == [3]
        assert apply(shop, 1, (tea, 5)).failed == {}
        assert shop.row(tea).quantity == 12

    @pytest.mark.parametrize("shop", [OsCommerce4], indirect=True)
    def test_says_in_an_oscommerce_4_that_it_is_the_wrong_copy_and_touches_nothing(self, shop):
        tea = shop.add_product("TEA", 10)
        hello = shop.shop().hello()
        assert hello.family == "oscommerce4"
        assert "part for osCommerce 4" in hello.obstacle
        for act in (lambda: look(shop), lambda: apply(shop, 1, (tea, 5)), lambda: shop.shop().rows([tea])):
            with pytest.raises(Permanent) as refusal:
                act()
            assert refusal.value.facts["reason"] == "obstacle"
        assert shop.row(tea).quantity == 10
