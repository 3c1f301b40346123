"""Records who asked for what, and runs a repeated request only once.

Path: ``verbs.run`` → ``App.acting`` puts an ``Audited`` store under the services for the length of one verb → audit log, requests.
Promise: the entry in the audit log, the answer to a request with an idempotency key and what the verb did are one commit.
Never: keeps a secret; arguments arrive here redacted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar, cast

from onhand.domain.errors import Refused
from onhand.domain.people import Caller

from .ports import Books, Clock, Store

T = TypeVar("T")
KEEP_REQUESTS = timedelta(days=7)  # how long a key is remembered
KEY_LENGTH_MAX = 255
ARGUMENTS_LENGTH_MAX = 2000  # characters kept of one entry's arguments; a whole import is not repeated there


@dataclass(slots=True)
class Audited:
    """A store that records the first commit of a verb and, with a key, remembers its answer. One per call of a verb."""

    store: Store
    clock: Clock
    caller: Caller
    verb: str
    arguments: Mapping[str, Any]  # redacted
    key: str | None = None  # the caller's idempotency key for this request
    _noted: bool = field(default=False, init=False)

    def read(self, unit: Callable[[Books], T]) -> T:
        return self.store.read(unit)

    def write(self, unit: Callable[[Books], T]) -> T:
        """Run the work once per key. A repeated request gets the first answer, as JSON, and books nothing.

        Raises Refused if the key was used for another request.
        """
        if self._noted:
            return self.store.write(unit)
        at = self.clock.now()

        def once(books: Books) -> T:
            if self.key:
                known = books.requests.get(self.caller.id, self.key)
                if known is not None:
                    return cast("T", self._answered(known))
            answer = unit(books)
            books.audit.add(self.caller, self.verb, _short(self.arguments), at)
            if self.key:
                books.requests.add(self.caller.id, self.key, self._fingerprint(), json.dumps(answer), at)
                books.requests.forget(at - KEEP_REQUESTS)
            return answer

        answer = self.store.write(once)
        self._noted = True
        return answer

    def _answered(self, known: tuple[str, str]) -> Any:
        fingerprint, answer = known
        if fingerprint != self._fingerprint():
            raise Refused(
                "This idempotency key was used for another request: use a new key for each.", reason="key", key=self.key
            )
        return json.loads(answer)

    def _fingerprint(self) -> str:
        asked = json.dumps([self.verb, self.arguments], sort_keys=True, default=str)
        return hashlib.sha256(asked.encode()).hexdigest()


def _short(arguments: Mapping[str, Any]) -> str:
    text = json.dumps({name: value for name, value in arguments.items() if value not in (None, "")}, default=str)
    return text if len(text) <= ARGUMENTS_LENGTH_MAX else text[:ARGUMENTS_LENGTH_MAX] + "…"
