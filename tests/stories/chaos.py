"""Runs everything going wrong: ``make chaos SECONDS=600``, ``make chaos ENGINE=postgresql``.

Path: ``blows`` has the shops, the people and the blows to both; ``chaos_file`` and ``chaos_server`` the blows to OnHand.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import structlog

from tests.stories.blows import Chaos
from tests.stories.chaos_file import ChaosInAFile
from tests.stories.chaos_server import ChaosOnAServer
from tests.stories.outcome import faults_of

KINDS: dict[str, type[Chaos]] = {"sqlite": ChaosInAFile, "postgresql": ChaosOnAServer}


def main() -> int:
    """Prints the report as JSON; 1 if a check failed. Then the store or its logs, and the outcome, are kept."""
    parser = argparse.ArgumentParser(description="Two real shops, OnHand, and everything goes wrong for a while.")
    parser.add_argument("--engine", choices=KINDS, default="sqlite", help="where the store is")
    parser.add_argument("--seconds", type=float, default=120.0, help="how long, without the quiet afterwards")
    parser.add_argument("--seed", type=int, default=None, help="of the plan; by chance if not given")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else random.randrange(1_000_000)
    print(f"seed {seed}, {given.seconds:.0f} seconds", file=sys.stderr)
    # Commands that find no owner open the store in this process: their log is of no interest here.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    home = Path(tempfile.mkdtemp(prefix="onhand-chaos-"))
    with KINDS[given.engine](home, seed, given.seconds) as chaos:
        outcome = chaos.run()
        print(json.dumps(chaos.report(outcome), indent=2))
    if any(faults_of(outcome).values()):
        (home / "outcome.json").write_text(json.dumps(asdict(outcome), indent=1))
        print(f"A check failed: the store or its logs, and the outcome, are in {home}", file=sys.stderr)
        return 1
    shutil.rmtree(home)
    return 0


if __name__ == "__main__":
    sys.exit(main())
