"""Holds an item's particulars to what fits together."""

from __future__ import annotations

import pytest

from onhand.domain.errors import Refused
from onhand.domain.inventory import Particulars
from onhand.domain.stock import QUANTITY_MAX


@pytest.mark.parametrize(
    ("point", "level"), [(None, None), (0, None), (0, 0), (3, 3), (None, 5), (None, 0), (QUANTITY_MAX, QUANTITY_MAX)]
)
def test_a_reorder_point_and_level_that_fit_are_taken(point: int | None, level: int | None) -> None:
    Particulars("Tea", reorder_point=point, reorder_to=level).check("TEA")


@pytest.mark.parametrize(
    ("point", "level", "field"),
    [
        (-1, None, "reorder_point"),
        (None, -1, "reorder_to"),
        (QUANTITY_MAX + 1, None, "reorder_point"),
        (1, QUANTITY_MAX + 1, "reorder_to"),
        (3, 2, "reorder_to"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_field(point: int | None, level: int | None, field: str) -> None:
    with pytest.raises(Refused) as refused:
        Particulars("Tea", reorder_point=point, reorder_to=level).check("TEA")
    assert field in refused.value.facts


def test_either_flag_sets_an_item_aside() -> None:
    assert not Particulars("Tea").set_aside
    assert Particulars("Tea", ignore_qoh=True).set_aside
    assert Particulars("Tea", drop_ship=True).set_aside
