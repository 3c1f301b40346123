"""Holds the sharing of duties to its promise: each has one holder, everybody gets a share, and nothing goes back and forth."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace

import pytest

from onhand.domain.duties import HOUSEKEEPING, WEBHOOKS, Lease, Share, cart_of, of_cart, share


@dataclass
class Office:
    """Processes that share duties by their leases, one step at a time, as they do in a store."""

    work: list[str]
    drivers: list[str] = field(default_factory=list)
    leases: dict[str, Lease] = field(default_factory=dict)
    given_up: int = 0

    def step(self, me: str) -> bool:
        """One process does what it should; return whether anything changed."""
        found = share(me, self.drivers, self.work, self.leases.values())
        for duty in found.give_up:
            assert self.leases[duty].holder == me
            self.leases[duty] = replace(self.leases[duty], holder="")
        for duty in found.claim:
            before = self.leases.get(duty, Lease(duty))
            assert not before.holder, f"{me} took {duty} from {before.holder}"
            wanted = "" if before.wanted == me else before.wanted
            self.leases[duty] = Lease(duty, me, before.epoch + 1, wanted)
        self.given_up += len(found.give_up)
        return found != Share()

    def settle(self, chance: random.Random) -> int:
        """Let all act, in any order, until nobody changes anything; return how many rounds that took."""
        for rounds in range(10):
            moved = [self.step(me) for me in chance.sample(self.drivers, len(self.drivers))]
            if not any(moved):
                return rounds
        raise AssertionError(f"never settled: {self.leases}")

    def die(self, who: str) -> None:
        self.drivers.remove(who)
        for lease in self.leases.values():
            if lease.holder == who:
                self.leases[lease.duty] = replace(lease, holder="")

    def shares(self, carts: bool = True) -> list[int]:
        held = Counter(
            lease.holder
            for lease in self.leases.values()
            if lease.duty in self.work and (cart_of(lease.duty) is not None) == carts
        )
        return [held[driver] for driver in self.drivers]

    def check(self) -> None:
        assert all(self.leases[duty].holder in self.drivers for duty in self.work)
        assert all(not lease.holder or lease.duty in self.work for lease in self.leases.values())
        assert max(self.shares()) - min(self.shares()) <= 1
        assert max(self.shares(carts=False)) - min(self.shares(carts=False)) <= 1


def office(carts: int, drivers: int) -> Office:
    return Office([*map(of_cart, range(carts)), WEBHOOKS, HOUSEKEEPING], [f"p{n}" for n in range(drivers)])


def test_any_history_of_processes_and_carts_ends_in_equal_shares(seed: int) -> None:
    for history in range(150):
        chance = random.Random(f"{seed} {history}")
        shop = office(chance.randrange(0, 12), chance.randrange(1, 6))
        names = iter(range(100, 1000))
        for _ in range(chance.randrange(1, 12)):
            match chance.choice(["comes", "dies", "cart", "no cart", "half"]):
                case "comes":
                    shop.drivers.append(f"p{next(names)}")
                case "dies" if len(shop.drivers) > 1:
                    shop.die(chance.choice(shop.drivers))
                case "cart":
                    shop.work.append(of_cart(next(names)))
                case "no cart":
                    shop.work.remove(chance.choice(shop.work[:-2])) if len(shop.work) > 2 else None
                case "half":  # what follows comes before all have acted
                    shop.step(chance.choice(shop.drivers))
        shop.settle(chance)
        shop.check()


@pytest.mark.parametrize("carts", range(1, 14))
@pytest.mark.parametrize("drivers", range(1, 6))
def test_a_newcomer_gets_its_share_and_no_more_moves_than_that(carts: int, drivers: int) -> None:
    shop = office(carts, drivers)
    chance = random.Random(0)
    shop.settle(chance)
    shop.given_up = 0
    shop.drivers.append("new")
    shop.settle(chance)
    shop.check()
    assert shop.shares()[-1] == carts // (drivers + 1)
    assert shop.given_up == shop.shares()[-1] + shop.shares(carts=False)[-1]


@pytest.mark.parametrize("carts", range(1, 14))
@pytest.mark.parametrize("drivers", range(2, 6))
def test_duties_of_a_dead_process_are_claimed_and_nothing_else_moves(carts: int, drivers: int) -> None:
    shop = office(carts, drivers)
    chance = random.Random(0)
    shop.settle(chance)
    before = dict(shop.leases)
    dead = shop.drivers[0]
    shop.die(dead)
    assert shop.settle(chance) <= 2
    shop.check()
    assert shop.given_up == 0
    assert all(lease.holder == dead or shop.leases[lease.duty] == lease for lease in before.values())


def test_a_cart_that_another_process_waits_for_is_given_up_and_left_to_it() -> None:
    assert Lease("cart:1").epoch == 0
    leases = [Lease("cart:1", "a", 3, wanted="b"), Lease("cart:2", "a", 1)]
    assert share("a", ["a"], ["cart:1", "cart:2"], leases) == Share(give_up=("cart:1",))
    free = [Lease("cart:1", "", 3, wanted="b"), leases[1]]
    assert share("a", ["a"], ["cart:1", "cart:2"], free) == Share()


def test_who_drives_nothing_holds_nothing() -> None:
    assert share("a", [], ["cart:1"], [Lease("cart:1")]) == Share()
    assert share("a", ["b"], ["cart:1"], [Lease("cart:1", "a", 1)]) == Share(give_up=("cart:1",))


def test_names_of_duties() -> None:
    assert (cart_of(of_cart(7)), cart_of(WEBHOOKS)) == (7, None)


def test_the_names_of_duties_are_stored_and_stay_what_they_are() -> None:
    assert (WEBHOOKS, HOUSEKEEPING, of_cart(7)) == ("webhooks", "housekeeping", "cart:7")
