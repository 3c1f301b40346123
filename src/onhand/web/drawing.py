"""Draws templates: one Jinja environment with the words and filters that all screens share.

Path: ``site`` draws pages, ``stream`` draws single blocks of the same templates.
Promise: every text is escaped; a name that a screen forgot is an error, not a blank.
Never: reads the books.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from onhand import __version__, words
from onhand.domain import posts, stock
from onhand.domain.counting import SheetState
from onhand.domain.differences import Cause
from onhand.domain.people import Role
from onhand.domain.purchasing import OrderState
from onhand.domain.states import CartState
from onhand.domain.tasks import TaskState
from onhand.domain.webhooks import TEST, DeliveryState, Event

ACCESS = {"screen": "Browser", "api": "API", "command": "Command line"}
TEST_STEPS = {
    "hello": "Connect",
    "look": "Check",
    "post +1": "Add one unit",
    "post -1": "Remove one unit",
    "seen there": "Confirm quantity",
}
# What templates call a list of labels: ``{{ cart.state|label("cart") }}``.
LABELS: Mapping[str, Mapping[Any, str]] = {
    "access": ACCESS,
    "action": words.ACTION_LABELS,
    "cart": words.LABELS[CartState],
    "cause": words.LABELS[Cause],
    "count sheet": words.LABELS[SheetState],
    "delivery": words.LABELS[DeliveryState],
    "event": {**words.LABELS[Event], TEST: "Test"},
    "movement": words.LABELS[stock.Kind],
    "order": words.ORDER_LABELS,
    "post": words.LABELS[posts.State],
    "purchase order": words.LABELS[OrderState],
    "result": words.RESULT_LABELS,
    "role": words.LABELS[Role],
    "task": words.LABELS[TaskState],
    "test step": TEST_STEPS,
}
FRESH_SECONDS = 5  # a time not older than this is "just now"


def environment(now: Callable[[], datetime]) -> Environment:
    """Return the template environment. ``now`` is the clock of the house."""
    env = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters |= {
        "when": when,
        "ago": lambda at: ago(at, now()),
        "signed": words.signed,
        "count": words.number,
        "counted": words.counted,
        "label": label,
        "lower_first": words.lower_first,
        "q": lambda text: quote(str(text), safe=""),
    }
    env.globals |= {"version": __version__}
    # Macros are shared as one global: a block that is drawn alone does not see the imports of its template.
    env.globals["ui"] = env.get_template("ui.html").module
    return env


def block(env: Environment, template: str, name: str, data: Mapping[str, Any]) -> str:
    """Draw one block of a template alone."""
    found = env.get_template(template)
    return "".join(found.blocks[name](found.new_context(dict(data))))


def label(value: str, kind: str) -> str:
    """Return the label of a value from a verb; a value without a label stays as it is."""
    return LABELS[kind].get(value, value)


def when(at: str | datetime) -> str:
    """Return a time on the clock of this machine, with the day unless it is today."""
    moment = (datetime.fromisoformat(at) if isinstance(at, str) else at).astimezone()
    today = datetime.now(moment.tzinfo).date()
    if today == moment.date():
        return f"{moment:%H:%M:%S}"
    return f"{moment.day} {moment:%b %H:%M}" if today.year == moment.year else f"{moment.day} {moment:%b %Y}"


def ago(at: str | datetime, now: datetime) -> str:
    """Return how long ago a time was."""
    seconds = int((now - (datetime.fromisoformat(at) if isinstance(at, str) else at)).total_seconds())
    if seconds < FRESH_SECONDS:
        return "just now"
    if seconds < 120:
        return f"{seconds} s ago"
    if seconds < 7200:
        return f"{seconds // 60} min ago"
    return f"{seconds // 3600} h ago" if seconds < 48 * 3600 else f"{words.number(seconds // 86400)} days ago"
