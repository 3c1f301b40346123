"""Lets ``python -m onhand`` be the program ``onhand``.

Path: the interpreter → ``cli.main``.
Promise: the same as the program.
Never: does anything else.
"""

from onhand.cli import main

main()
