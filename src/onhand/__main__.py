"""Runs the program ``onhand`` as ``python -m onhand``.

Path: the interpreter → ``cli.program.main``.
Promise: the same as the program.
Never: does anything else.
"""

from onhand.cli.program import main

main()
