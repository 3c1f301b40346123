"""Says where a collected order line stands.

Path: ``collecting`` records lines and moves them on; the Orders screen shows them.
Promise: a line is sold only when the shop's counter confirmed it.
Never: changes a quantity by itself.
"""

from __future__ import annotations

from enum import StrEnum


class LineState(StrEnum):
    """The closed list."""

    WAITING = (
        "waiting"  # written, but the counter has not moved: a redirect payment not paid yet, or a half-written order
    )
    SOLD = "sold"
    RESTOCKED = "restocked"  # sold, then deleted with its stock given back
    UNTRACKED = "untracked"  # sold, but its listing is not kept in step
