"""What the verbs of ``verbs.figures`` take: what Home and the charts show.

Path: bound by ``verbs.figures``; the API and the command line are derived from it.
Promise: each argument has its type, bounds, default and one sentence here.
Never: checks anything itself.
"""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_doc import Doc

from onhand.domain.people import Scope

from .declaring import request

PICTURES = "its numbers are for pictures; `status`, `movements` and `posts` have the facts"


@request(Scope.READ, no_command=PICTURES)
class Today:
    """Show what was sold, ordered and received since midnight, and what is open now."""


@request(Scope.READ, no_command=PICTURES)
class Chart:
    """Give the numbers of one chart.

    ``x`` in seconds since 1970, and a series of as many values per cart; null where there is none. ``from`` and ``to`` are what the
    picture spans, in seconds, where that is more than its points.
    """

    what: Annotated[Literal["latency", "sales", "stack", "differences"], Doc("Which chart.")]
