"""Names every way a piece of work can fail by what the caller does next.

Path: raised in domain, services and adapters; ``wire`` says which exit code and HTTP status each kind has.
Promise: an error carries its facts, and its message says what happened and what to do.
Never: describes a fault found in data, such as a duplicate SKU in a shop; those are values.
"""

from __future__ import annotations


class OnHandError(Exception):
    """The base of all errors. ``facts`` are JSON-able; ``code`` names the kind for programs."""

    code = "error"

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts


class Refused(OnHandError):
    """A request that cannot be granted as it is: the person changes it and asks again."""

    code = "refused"


class Forbidden(OnHandError):
    """A request that this caller may not make: a person with the right has to."""

    code = "forbidden"


class Conflict(OnHandError):
    """A change since the caller looked: look again, then decide again."""

    code = "conflict"


class Cancelled(OnHandError):
    """Long work that a person stopped. Raised where it reports progress; the work leaves everything in order."""

    code = "cancelled"


class Retriable(OnHandError):
    """Temporary trouble: the same call may succeed later."""

    code = "retriable"


class Permanent(OnHandError):
    """A lasting failure: the other side refuses until a person changes something there."""

    code = "permanent"


class Broken(OnHandError):
    """A broken promise of OnHand itself: stop this piece of work and tell a person."""

    code = "broken"
