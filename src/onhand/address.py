"""Says where a store is: a file on this machine, or a database on a PostgreSQL server.

Path: ``config`` reads it from ``--store`` or ``ONHAND_STORE``; ``app`` and ``storage`` open what it names.
Promise: a password in the address is never shown.
Never: connects to anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from onhand.domain.errors import Refused

SCHEMES = ("postgresql", "postgres")
_PASSWORD = re.compile(r"(?<=[?&])(password|sslpassword)=[^&]*")


@dataclass(frozen=True, slots=True)
class Server:
    """A database on a PostgreSQL server, by the address that libpq takes: several hosts and any connection option."""

    url: str = field(repr=False)

    def __post_init__(self) -> None:
        """Raise Refused if the address names no database."""
        if not self.database:
            raise Refused(
                f"{self} names no database: write postgresql://USER@HOST/DATABASE.", reason="address", store=str(self)
            )

    @property
    def database(self) -> str:
        """Return the name of the database."""
        return unquote(urlsplit(self.url).path.strip("/"))

    def __str__(self) -> str:
        """Return the address without its passwords."""
        scheme, _, rest = self.url.partition("://")
        end = min((place for place in map(rest.find, "/?") if place >= 0), default=len(rest))
        login, at, hosts = rest[:end].rpartition("@")
        options = _PASSWORD.sub(r"\1=***", rest[end:])
        return f"{scheme}://{login.partition(':')[0]}{at}{hosts}{options}"


StoreAddress = Path | Server


def address_of(said: str | Path | Server) -> StoreAddress:
    """Return the place of a store. Raise Refused for a PostgreSQL address without a database."""
    if isinstance(said, str) and said.partition("://")[0] in SCHEMES and "://" in said:
        return Server(said)
    return said if isinstance(said, Server) else Path(said)
