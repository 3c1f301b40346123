"""Runs a verb: on the store itself, or in the process that owns it.

Path: every command calls ``call``.
Promise: the answer, the errors and their facts are the same either way; a verb runs once.
Never: imports the database before it is needed: a command that the owner runs stays quick.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from onhand.domain.errors import Conflict
from onhand.lock import PAUSE_SECONDS, WAIT_SECONDS, Owned, Owner, Ownership, reachable
from onhand.wire import Data, Progress, error_of

if TYPE_CHECKING:  # takes a second to import
    from onhand.config import Config

SILENCE_SECONDS = 60.0  # a working owner sends something more often; see ``doorkeeper.BEAT_SECONDS``
CONNECT_SECONDS = 5.0


def call(config: Config, verb: str, arguments: Mapping[str, Any], progress: Progress) -> Data:
    """Run a verb and return its answer, as JSON has it. Raise what the verb raises, or Owned after waiting ten seconds."""
    give_up = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return _here(config, verb, arguments, progress)
        except Owned as owned:
            answer = _there(owned.owner, verb, arguments, progress) if owned.owner else None
            if answer is not None:
                return answer
            if time.monotonic() > give_up:
                raise
        time.sleep(PAUSE_SECONDS)


def _here(config: Config, verb: str, arguments: Mapping[str, Any], progress: Progress) -> Data:
    """Run the verb in this process. Raise Owned if another one has the store."""
    role = verb.replace("_", "-" if verb.endswith("_qoh") else " ")
    with reachable():
        if isinstance(config.store, Path) and config.store.exists():
            Ownership(config.store, role).release()  # a quick check; opening the store takes a second
    from onhand import verbs  # noqa: PLC0415
    from onhand.app import App  # noqa: PLC0415

    with reachable():
        app = App(config.store, role, key_file=config.key_file)
    with app:
        answer: Data = json.loads(json.dumps(verbs.run(app, verb, arguments, progress)))
    return answer


def _there(owner: Owner, verb: str, arguments: Mapping[str, Any], progress: Progress) -> Data | None:
    """Ask the owner to run the verb. Return None if it takes no commands, because it is starting or ending."""
    if owner.url is None:
        return None
    where = urlsplit(owner.url)
    connection = HTTPConnection(where.hostname or "", where.port, timeout=CONNECT_SECONDS)
    try:
        connection.connect()
    except OSError:
        return None  # it has just ended, so the file will be free soon
    try:
        connection.sock.settimeout(SILENCE_SECONDS)
        connection.request(
            "POST",
            f"/door/{verb}",
            json.dumps(arguments, ensure_ascii=False).encode(),
            {"Authorization": f"Bearer {owner.token}", "Content-Type": "application/json"},
        )
        reply = connection.getresponse()
        # A wrong token: another owner took over between reading the notice and this call. Nothing was done.
        return None if reply.status == 401 else _listen(reply, progress)
    except (HTTPException, OSError, ValueError) as error:
        raise Conflict(
            f"`onhand {owner.role}` ended or stopped answering while it worked on this: check whether it was done before you try again.",
            reason="cut",
        ) from error
    finally:
        connection.close()


def _listen(reply: HTTPResponse, progress: Progress) -> Data:
    """Read the answer's lines until the last one."""
    for line in reply:
        if not line.strip():
            continue  # a heartbeat
        said = json.loads(line)
        if "progress" in said:
            progress(*said["progress"])
        elif "error" in said:
            raise error_of(said["error"])
        else:
            result: Data = said["result"]
            return result
    raise HTTPException("The answer was cut off.")
