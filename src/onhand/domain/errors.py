"""Names every way a piece of work can fail by what the caller does next.

Path: raised in domain, services and adapters; ``wire`` says which exit code and HTTP status each kind has.
Promise: an error carries its facts, and its message says in one sentence what to do.
Never: stands for a fault found in data, such as a duplicate SKU in a shop; those are values.
"""

from __future__ import annotations


class OnHandError(Exception):
    """The root. ``facts`` are JSON-able; ``code`` names the kind for programs."""

    code = "error"

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts


class Refused(OnHandError):
    """A wish that cannot be granted as it stands: the person changes it and asks again."""

    code = "refused"


class Forbidden(OnHandError):
    """The caller may not do this: somebody who may has to."""

    code = "forbidden"


class Conflict(OnHandError):
    """The world moved since the caller looked: look again, then decide again."""

    code = "conflict"


class Cancelled(OnHandError):
    """A person stopped long work. Raised where it tells how far it is; the work leaves everything in order."""

    code = "cancelled"


class Retriable(OnHandError):
    """Passing trouble: the same call may succeed later."""

    code = "retriable"


class Permanent(OnHandError):
    """The other side says no and will go on saying no until a person changes something there."""

    code = "permanent"


class Broken(OnHandError):
    """A promise of our own does not hold: stop this piece of work and tell a person."""

    code = "broken"
