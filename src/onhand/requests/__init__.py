"""What each verb takes: one declaration per verb, for the verb itself, the API and the command line.

Path: ``verbs`` bind a function to a declaration, ``openapi`` describes it, ``cli.deriving`` makes a command of it; one module per noun.
Promise: type, bounds, default and one sentence for each argument are written here and nowhere else.
Never: imports anything slow; `--help` loads all of it.
"""
