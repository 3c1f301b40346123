"""Lists the system parameters: group, name, type, default, bounds and one line of meaning each.

Path: ``services.settings`` reads and sets them; the System Parameters screen and ``onhand param`` show them.
Promise: a value that is read back is within its bounds.
Never: holds a secret.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .differences import Policy
from .errors import Refused

Value = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Parameter:
    """One system parameter. ``low`` and ``high`` bound numbers; ``choices`` bound texts, or it is an address or blank."""

    group: str
    name: str
    default: Value
    meaning: str
    low: float = 0
    high: float = 0
    choices: tuple[str, ...] = ()

    def parse(self, text: str) -> Value:
        """Return the value that a person typed. Raise Refused with what is possible."""
        try:
            return self._checked(text.strip())
        except ValueError:
            raise Refused(f"{self.name} cannot be {text!r}: {self.possible()}.", parameter=self.name) from None

    def _checked(self, text: str) -> Value:
        if isinstance(self.default, bool):
            return _BOOLS[text.lower()] if text.lower() in _BOOLS else _reject()
        if isinstance(self.default, str) and self.choices:
            return text.lower() if text.lower() in self.choices else _reject()
        if isinstance(self.default, str):
            return text.rstrip("/") if ADDRESS.fullmatch(text) else _reject()
        number = int(text) if isinstance(self.default, int) else float(text)
        return number if self.low <= number <= self.high else _reject()

    def possible(self) -> str:
        """Return what can be set, in words."""
        if isinstance(self.default, bool):
            return "it is True or False"
        if isinstance(self.default, str) and self.choices:
            return "it is one of " + ", ".join(self.choices)
        if isinstance(self.default, str):
            return "it is blank, or an address such as https://onhand.example"
        kind = "a whole number" if isinstance(self.default, int) else "a number"
        return f"it is {kind} from {self.low:,g} to {self.high:,.10g}"


# Host and port, nothing after them, and no character that has a meaning in PHP: it goes into a shop's key file.
ADDRESS = re.compile(r"(https?://([A-Za-z0-9.-]{1,200}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?/?)?")

_BOOLS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def _reject() -> Value:
    raise ValueError  # `parse` says what is wrong


PARAMETERS = {
    parameter.name: parameter
    for parameter in (
        Parameter(
            "Program", "SynchQOH", False, "Allow real-time synchronization, which is then switched on for each cart."
        ),
        Parameter(
            "Stock",
            "BigVariance",
            10,
            "The review of a count highlights variances of more units than this.",
            0,
            1_000_000,
        ),
        Parameter(
            "Carts",
            "TickSeconds",
            1.0,
            "Seconds between checks of each cart; one connected by its database is checked ten times a second.",
            0.05,
            3600.0,
        ),
        Parameter(
            "Carts",
            "SettleSeconds",
            3.0,
            "How many seconds a difference must last before OnHand acts on it.",
            0.1,
            600.0,
        ),
        Parameter("Carts", "BatchSize", 1000, "Maximum number of items per send.", 1, 2000),
        Parameter(
            "Carts",
            "EditPolicy",
            "ours",
            "Whose count wins when a quantity is edited in a shop: ours, theirs, or ask each time.",
            choices=tuple(Policy),
        ),
        Parameter(
            "Carts",
            "BrakePercent",
            5.0,
            "Stop a cart when more than this percentage of its products would change at once.",
            0.1,
            100.0,
        ),
        Parameter("Carts", "BrakeListings", 20, "… and more than this many products.", 1, 1_000_000),
        Parameter(
            "Carts", "HintURL", "", "The address where shops send sale hints to OnHand; blank for no sale hints."
        ),
    )
}
