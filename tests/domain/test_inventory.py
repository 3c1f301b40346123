"""Holds an item's particulars to what fits together."""

from __future__ import annotations

import pytest

from onhand.domain.errors import Refused
from onhand.domain.inventory import BARCODE_MAX, FIELDS, LOCATION_MAX, REASONS, Particulars, tidied
from onhand.domain.stock import QUANTITY_MAX, TEXT_LENGTH_MAX

from .refusing import facts_of


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
    particulars = Particulars("Tea", reorder_point=point, reorder_to=level)
    assert facts_of(particulars.check, "TEA") == {"sku": "TEA", field: getattr(particulars, field)}


def test_either_flag_sets_an_item_aside() -> None:
    assert not Particulars("Tea").set_aside
    assert Particulars("Tea", ignore_qoh=True).set_aside
    assert Particulars("Tea", drop_ship=True).set_aside


def test_a_barcode_and_a_location_of_the_greatest_length_are_taken() -> None:
    Particulars("Tea", barcode="4" * BARCODE_MAX, location="Ä" * LOCATION_MAX).check("TEA")
    Particulars("Tea", barcode="A-1 (*)", location="").check("TEA")


@pytest.mark.parametrize("barcode", ["4" * (BARCODE_MAX + 1), "4" * 5000, "4\t4", "Ä", "４"])
def test_a_barcode_that_no_label_holds_is_refused_with_its_beginning(barcode: str) -> None:
    facts = facts_of(Particulars("Tea", barcode=barcode).check, "TEA")
    assert facts == {"sku": "TEA", "barcode": barcode[: 2 * BARCODE_MAX]}


def test_a_location_that_is_too_long_is_refused() -> None:
    location = "A" * (LOCATION_MAX + 1)
    assert facts_of(Particulars("Tea", location=location).check, "TEA") == {"sku": "TEA", "location": location}


def test_texts_are_kept_without_outer_blanks_and_other_values_as_they_are() -> None:
    new = {"name": " Green Tea ", "drop_ship": True, "reorder_point": None, "reorder_to": 20}
    assert tidied(new) == {"name": "Green Tea", "drop_ship": True, "reorder_point": None, "reorder_to": 20}


def test_a_text_that_is_too_long_is_refused_by_its_field() -> None:
    with pytest.raises(Refused, match="location"):
        tidied({"name": "Tea", "location": "A" * (TEXT_LENGTH_MAX + 1)})


def test_programs_have_learned_these_fields_reasons_and_limits() -> None:
    fields = "name ignore_qoh drop_ship reorder_point reorder_to supplier barcode location"
    assert list(FIELDS) == fields.split()
    assert REASONS == ("damaged", "lost", "found", "given away", "sample", "correction", "other")
    assert (BARCODE_MAX, LOCATION_MAX) == (64, 60)
    assert Particulars("Tea") == Particulars("Tea", False, False, None, None, "", "", "", 0)
