"""Everything going wrong around a store in a file, which one process has.

Path: ``chaos`` and ``test_chaos.py`` run it.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar

from tests.stories.blows import KILL, TERM, Blow, Chaos, Victim, business
from tests.stories.outcome import END_SECONDS_MAX
from tests.stories.stage import HouseServed


class ChaosInAFile(Chaos):
    """OnHand is killed and told to end, and started again."""

    OURS: ClassVar = {"onhand": Victim(7, (KILL, TERM))}

    def open(self, store: Path, stack: ExitStack) -> HouseServed:
        return HouseServed(store)

    def strike(self, blow: Blow) -> None:
        """Every other time just while it works for the clerk, who then does not know whether it was done."""
        house = self.stage.house
        if int(blow.at * 1000) % 2:
            self.clerk.asking.wait(1.0)
            self._over.wait(blow.down / 100)
        if blow.what == TERM:
            self.endings.append((*house.end(), END_SECONDS_MAX * business()))
        else:
            house.kill()
        self._over.wait(blow.down)
        house.start()
