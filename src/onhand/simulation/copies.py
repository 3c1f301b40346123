"""Runs a second OnHand next to the first: a copy of the store that a person starts on another machine, and that ends a while later.

Path: ``acts`` starts one; it has a disk of its own, and the same shops. ``World`` waits for its end before all is quiet.
Promise: the copy is a whole ``Program`` with real drivers; it posts under a name of its own, as every run does.
Never: lets either of them know that there is another.
"""

from __future__ import annotations

from random import Random

from sqlalchemy import select

from onhand.storage.tables import posts

from .disks import Disk
from .program import Program
from .world import World

Post = tuple[int, str, int, int, int]  # cart, epoch, number, product, signed units


def run_copy(world: World, shop: int, chance: Random) -> None:
    """Start a copy of the store as it is now. Both go on until one finds that it is not alone, or the copy is ended."""
    if world.program.dead or world.disk.full:
        return
    disk = world.new_disk()
    disk.put_back(world.disk.image())
    before = _posts(disk, "applied")
    own = Random(chance.getrandbits(32))
    copy = Program(disk, world.time, world.clock, world.networks, own, died=lambda: None)
    world.unsure += 1
    world.faults["copy of the store"] += 1

    def end() -> None:
        copy.kill()
        world.unsure -= 1
        world.tell("the copy ends")
        _look_back(world, _posts(disk, "applied") - before, _posts(disk, "sent"))

    copy.arrange()
    world.time.at(min(world.time.now + chance.uniform(2.0, 12.0), world.phase_ends), end)


def _look_back(world: World, applied: set[Post], sent: set[Post]) -> None:
    """Note the carts that the first OnHand has to stop: those where a post of the copy took effect that is not one of its own."""
    known = _posts(world.disk, "applied", "sent")
    numbers = {post[:3] for post in known}
    landed = {
        post
        for post in sent
        if world.shops[world.carts.index(post[0])].taken[post[1], post[2]] and post[:3] not in numbers
    }
    for cart, epoch in {post[:2] for post in applied | landed}:
        world.void.add(epoch)
        world.phase.copied.add(cart)
        alien = {post for post in applied | landed if post[:2] == (cart, epoch)} - known
        if alien:  # nothing is booked until a person aligns the cart, as after a restore from a backup
            world.phase.restored.add(world.carts.index(cart))
            world.ever_restored.add(world.carts.index(cart))
        if alien and world.cart(cart).epoch == epoch and cart not in world.phase.stopped:
            world.must_halt.add(cart)


def _posts(disk: Disk, *states: str) -> set[Post]:
    """Return the posts in these states, as far as a store knows."""
    query = select(posts.c.cart_id, posts.c.epoch, posts.c.seq, posts.c.product, posts.c.delta)
    return {tuple(row) for row in disk.connection.execute(query.where(posts.c.state.in_(states)))}
