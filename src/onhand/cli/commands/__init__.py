"""The commands, one module per noun.

Path: ``program`` puts them into the program ``onhand``.
Promise: every command does exactly one verb, and `--help` says all there is to it.
Never: imports at the top what `--help` can do without.
"""
