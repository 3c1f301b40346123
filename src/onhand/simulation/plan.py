"""Plans one small world from a seed: its shops, its people's acts and its faults, before anything happens.

Path: ``run`` plans worlds and shrinks the plan of one that failed; ``world`` performs it.
Promise: every act has its own time and its own seed, so that any of them can be left out and the others stay as they are.
Never: depends on what happens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from onhand.domain.differences import Policy

from .people import Family

ITEMS = 8  # kept apart from acts that change the identity of a product
CHANGELINGS = 3  # renamed, copied, deleted, switched off
PHASES = 3
PHASE_SECONDS = 30.0

# Acts and how often each is chosen, relative to the others.
TRADE = {
    "sale": 70,
    "burst": 6,  # several buyers press Confirm for one product at the same moment
    "redirect, paid late": 4,
    "redirect, never paid": 3,
    "delete and restock": 6,
    "delete": 3,
}
SHOP_FAULTS = {
    "sale, dying": 6,
    "form saved": 5,
    "count typed": 5,
    "few counts imported": 2,
    "many counts imported": 1,
    "counter reset": 2,
    "all counters reset": 1,
    "product switched off": 2,
    "product renamed": 2,
    "product copied": 2,
    "product deleted": 1,
    "product added": 2,
    "shop clock set": 2,
}
OFFICE = {"receipt": 16, "adjustment": 6, "phone order": 6, "send pressed": 1, "switched off and on": 1}
BY_HAND = {"settled by hand": 3, "parked and released": 1}
OUR_FAULTS = {"kill": 8, "kill at a step": 12, "disk full": 2, "clock set": 2}
NETWORK_FAULTS = {
    "request lost": 3,
    "answer lost": 5,
    "answer cut": 4,
    "request late": 4,
    "request repeated": 5,
    "connector killed": 5,
    "shop unreachable": 3,
}
RENAMES = {"renamed and back": 1}
NUMBERS = {"numbers begin again": 1}
SELL_OUTS = {"sold out after a form": 1}
FILES = {"export imported late": 1}
# Events of orders after their sale. A shop has one order editor, or none.
RETURNS = {"order returned": 4, "counter lowered": 1}
EDITORS = {
    "uncounted": {"units edited": 4, "line added": 2, "line removed": 2},  # Zen Cart's Edit Orders
    "counted": {"units edited, counted": 4, "line added, counted": 2, "line removed, counted": 2},
}
# Editors of other kinds. A shop has one of them only where it has none of those above.
OTHER_EDITORS = {
    "literal": {  # Gambio's, which writes the counter as it has read it
        "units edited, counter as read": 4,
        "line added, counter as read": 2,
        "line removed, counter as read": 2,
    },
    "alone": {"line edited alone": 4, "line added alone": 2, "line removed alone": 2},
}
LIES = {"shop lies": 1}
COPIES = {"copy of the store runs": 1}  # a second OnHand next to the first
AFTER_PHASE = ("", "", "shop restored", "store restored")


@dataclass(frozen=True, slots=True, order=True)
class Act:
    """An act of a person, or a fault. ``shop`` is an index; acts of the office do not use it."""

    at: float  # seconds of simulated time since the beginning of the phase
    phase: int
    kind: str
    shop: int
    seed: int


@dataclass(frozen=True, slots=True)
class ShopPlan:
    """One shop."""

    family: Family
    transactional: bool
    allow_checkout: bool
    policy: Policy
    buffer: int


@dataclass(frozen=True, slots=True)
class Plan:
    """One world."""

    seed: int
    shops: tuple[ShopPlan, ...]
    acts: tuple[Act, ...]

    def __str__(self) -> str:
        shops = [
            f"shop {n}: {s.family}, {'InnoDB' if s.transactional else 'MyISAM'}, policy {s.policy}, buffer {s.buffer},"
            f" {'sells below zero' if s.allow_checkout else 'switches off at zero'}"
            for n, s in enumerate(self.shops)
        ]
        acts = [f"phase {a.phase} {a.at:8.3f} s  {a.kind} (shop {a.shop}, seed {a.seed})" for a in self.acts]
        return "\n".join([f"seed {self.seed}", *shops, *acts])


def plan(seed: int, latest: bool = True) -> Plan:
    """Return the world of this seed. The kinds of fault it has, and their number, are drawn first: rare meetings become common.

    ``latest``: with the kinds of acts that were added last. Worlds that are kept because they once failed are planned without these.
    """
    chance = Random(seed)
    shops = tuple(
        ShopPlan(
            family=chance.choice(list(Family)),
            transactional=chance.random() < 0.5,
            allow_checkout=chance.random() < 0.7,
            policy=chance.choice(list(Policy)),
            buffer=chance.choice((0, 0, 0, 2)),
        )
        for _ in range(chance.choice((1, 2, 2, 3)))
    )
    faults: dict[str, int] = {}
    for group in (SHOP_FAULTS, OUR_FAULTS, NETWORK_FAULTS):
        if chance.random() < 0.75:
            faults |= {kind: often for kind, often in group.items() if chance.random() < 0.6}
    usual = TRADE | OFFICE
    number = chance.choice((20, 60, 60, 120))
    acts = [_act(chance, phase, len(shops), usual) for phase in range(PHASES) for _ in range(number)]
    if faults:
        acts += [
            _act(chance, phase, len(shops), faults) for phase in range(PHASES) for _ in range(chance.choice((1, 4, 12)))
        ]
    by_hand = Random(f"by hand {seed}")  # drawn separately: all other acts of a seed are the same without these
    acts += [
        _act(by_hand, phase, len(shops), BY_HAND) for phase in range(PHASES) for _ in range(by_hand.choice((0, 1, 3)))
    ]
    numbers = Random(f"numbers {seed}")  # separately, too
    acts += [
        _act(numbers, phase, len(shops), NUMBERS)
        for phase in range(PHASES)
        for _ in range(numbers.choice((0, 0, 0, 1)))
    ]
    renames = Random(f"renames {seed}")  # separately, too
    acts += [
        _act(renames, phase, len(shops), RENAMES)
        for phase in range(PHASES)
        for _ in range(renames.choice((0, 0, 0, 1)))
    ]
    files = Random(f"files {seed}")  # separately, too
    acts += [
        _act(files, phase, len(shops), FILES) for phase in range(PHASES) for _ in range(files.choice((0, 0, 1, 2)))
    ]
    sell_outs = Random(f"sell-outs {seed}")  # separately, too
    acts += [
        _act(sell_outs, phase, len(shops), SELL_OUTS)
        for phase in range(PHASES)
        for _ in range(sell_outs.choice((0, 0, 1, 2)))
    ]
    edits = _of_orders(Random(f"orders {seed}"), len(shops), ("", "uncounted", *EDITORS), EDITORS)  # separately, too
    acts += edits + (_latest(seed, len(shops), bool(edits)) if latest else [])
    acts += [
        Act(PHASE_SECONDS, phase, kind, chance.randrange(len(shops)), chance.getrandbits(32))
        for phase in range(PHASES)
        if (kind := chance.choice(AFTER_PHASE))
    ]
    return Plan(seed, shops, tuple(sorted(acts, key=lambda act: (act.phase, act.at, act.kind, act.seed))))


def _latest(seed: int, shops: int, edited: bool) -> list[Act]:
    """Return the acts that were added last: shops that lie in one world of four, a copy of the store in one of eight, and editors of other
    kinds in half of those worlds whose orders are not ``edited``."""
    liars, copies = Random(f"lies {seed}"), Random(f"copies {seed}")
    acts = []
    if liars.random() < 0.25:
        acts += [_act(liars, phase, shops, LIES) for phase in range(PHASES) for _ in range(liars.choice((1, 2)))]
    if copies.random() < 0.125:
        acts.append(_act(copies, copies.randrange(PHASES), shops, COPIES))
    if not edited:
        acts += _of_orders(Random(f"other editors {seed}"), shops, ("", "", *OTHER_EDITORS), OTHER_EDITORS)
    return acts


def _of_orders(chance: Random, shops: int, editors: Sequence[str], kinds_of: Mapping[str, dict[str, int]]) -> list[Act]:
    """Return the acts on orders after their sale: in half of the worlds, by each shop's own editor."""
    if chance.random() < 0.5:
        return []
    edits = [kinds_of.get(chance.choice(editors), {}) for _ in range(shops)]
    acts = []
    for phase in range(PHASES):
        for _ in range(chance.choice((1, 3, 8))):
            act = _act(chance, phase, shops, RETURNS)
            kinds = edits[act.shop]
            if kinds and chance.random() < 0.6:
                (kind,) = chance.choices(list(kinds), list(kinds.values()))
                act = replace(act, kind=kind)
            acts.append(act)
    return acts


def _act(chance: Random, phase: int, shops: int, kinds: dict[str, int]) -> Act:
    (kind,) = chance.choices(list(kinds), list(kinds.values()))
    return Act(
        round(chance.uniform(0.0, PHASE_SECONDS), 3), phase, kind, chance.randrange(shops), chance.getrandbits(32)
    )
