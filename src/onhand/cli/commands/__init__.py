"""The commands, one module per noun.

Path: ``program`` puts them into the program ``onhand``.
Promise: every command runs exactly one verb, and `--help` explains it completely.
Never: imports anything at the top that `--help` does not need.
"""
