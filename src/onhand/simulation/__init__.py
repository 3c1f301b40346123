"""Simulates OnHand with its shops, people, network and disk, on a simulated clock, to prove the promises by breaking things.

Path: ``onhand simulate`` and ``tests/simulation`` call ``run.simulate``; it makes many small worlds, each from one seed.
Promise: the services, the books and the controller are the real ones; the same seed gives the same history, byte for byte.
Never: is used by a running OnHand.
"""
