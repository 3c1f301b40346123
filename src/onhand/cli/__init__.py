"""The command line.

Path: ``program`` declares all commands → ``console`` (options, errors, exit codes) → ``door`` → a verb; ``printing`` shows the answer.
Promise: every command does exactly one verb, here or in the process that owns the store data file.
Never: imports at the top what `--help` can do without.
"""
