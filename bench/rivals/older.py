"""The older product: a desktop program that sends each change of a count to each shop, in one call of its own and without a key.

It stands for programs like Order Manager with an osCommerce shop. Sales of a shop become known when somebody presses *Import orders*,
here every hour, for the first time after half an hour. Each imported line lowers the count, and goods raise it. Each such change goes
on a stack of posts for all other shops, and every 20 seconds the stack is sent, one call per change: "add −2 to what you have". What
gets no answer is sent again. The call has no number, so if only the answer was lost, the change is made twice. Nobody sees what a race
in a shop destroyed.

Generous to it: somebody imports every hour without fail, and tries three times if a shop does not answer; an import is one
request, brings complete orders only, and misses none; a shop adds in one atomic statement (the vendor's own script for Magento reads,
adds and writes); a product that is in stock again is switched on again; there is no request for the version before each conversation; a
post that fails holds up only its own shop, and is tried again after 20 seconds at the latest; the stack's computer never stops.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from onhand.domain.errors import Retriable

from .day import Keeper, Market
from .shops import Plain

IMPORT_SECONDS = 3600.0
STACK_SECONDS = 20.0
TRIES = 3


class Older(Keeper):
    name = "one call per change, orders imported every hour"

    def __init__(self, market: Market) -> None:
        super().__init__(market)
        self._shops = [Plain(road) for road in market.roads]
        self._imported = [0 for _ in self._shops]  # orders
        self._stacks: list[deque[tuple[int, int]]] = [deque() for _ in self._shops]  # (SKU, change)

    def begin(self) -> None:
        self.market.time.begin(self._operator)
        self.market.time.begin(self._stack_controller)

    def receive(self, units: Sequence[tuple[int, int]]) -> None:
        for stack in self._stacks:
            stack.extend(units)

    def _operator(self) -> None:
        self.market.wait(IMPORT_SECONDS / 2)
        while True:
            self._import_all()
            self.market.wait(IMPORT_SECONDS)

    def _import_all(self) -> None:
        for shop in range(len(self._shops)):
            for sku, units in self._import_orders(shop):
                for other, stack in enumerate(self._stacks):
                    if other != shop:  # the shop itself has subtracted it already
                        stack.append((sku, -units))

    def _import_orders(self, shop: int) -> list[tuple[int, int]]:
        for _ in range(TRIES):
            try:
                lines = self._shops[shop].orders_after(self._imported[shop])
            except Retriable:
                continue
            self._imported[shop] += len(lines)
            return lines
        return []

    def _stack_controller(self) -> None:
        while True:
            self.market.wait(STACK_SECONDS)
            for shop, stack in zip(self._shops, self._stacks, strict=True):
                self._send(shop, stack)

    def _send(self, shop: Plain, stack: deque[tuple[int, int]]) -> None:
        while stack:
            sku, change = stack[0]
            try:
                shop.add(sku, change)
            except Retriable:
                return  # it stays on the stack
            stack.popleft()
