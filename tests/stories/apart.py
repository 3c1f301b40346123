"""Runs the house with its controller in a process of its own, for stories that kill it.

Path: ``python -m tests.stories.apart STORE``; ``stage.HouseApart`` writes ``[verb, arguments]`` lines and reads one answer line for each.
Promise: it holds nothing that a kill could take: all it knows is in the store.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import structlog

from onhand import verbs
from onhand.app import App
from onhand.domain.errors import OnHandError


def main() -> None:
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),  # stdout is for answers
    )
    with App(Path(sys.argv[1]), "story apart") as app:
        app.start_controller()
        print("open", flush=True)
        for line in sys.stdin:
            name, arguments = json.loads(line)
            try:
                answer = {"result": verbs.VERBS[name](app, lambda *_: None, **arguments)}
            except OnHandError as problem:
                answer = {"refused": problem.message}
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
