"""The arguments of each verb: one declaration per verb, for the verb itself, the API and the command line.

Path: ``verbs`` bind a function to a declaration, ``openapi`` describes it, ``cli.deriving`` makes a command of it; one module per noun.
Promise: the type, bounds, default and description of each argument are written here and nowhere else.
Never: imports anything slow; `--help` loads all of it.
"""
