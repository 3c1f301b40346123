"""The arguments of the verbs in ``verbs.figures``: the numbers on Home and in its charts.

Path: bound by ``verbs.figures``; the API and the command line are derived from it.
Promise: each argument has its type, bounds, default and one sentence here.
Never: checks anything itself.
"""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_doc import Doc

from onhand.domain.people import Scope

from .declaring import request

PICTURES = "its numbers are for charts; `status`, `movements` and `posts` have the facts"


@request(Scope.READ, no_command=PICTURES)
class Today:
    """Show what was sold, ordered and received since midnight, and what is open now."""


@request(Scope.READ, no_command=PICTURES)
class Chart:
    """Return the numbers of one chart.

    ``x`` is in seconds since 1970. Each cart has a series with one value per ``x``, or null where there is none. ``from`` and ``to`` are
    the span of the chart in seconds, if it is wider than its points.
    """

    what: Annotated[Literal["latency", "sales", "stack", "differences"], Doc("The chart.")]
