"""What tests of the domain expect of an error that a person reads."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from onhand.domain.errors import OnHandError, Refused


def facts_of(call: Callable[..., object], *arguments: object, kind: type[OnHandError] = Refused) -> dict[str, object]:
    """Return the facts of the error that this call has to end with. Its message has to be a text; how it is worded is free."""
    with pytest.raises(kind) as raised:
        call(*arguments)
    assert isinstance(raised.value.message, str)
    assert raised.value.message
    return raised.value.facts
