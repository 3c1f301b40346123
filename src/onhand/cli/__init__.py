"""The command line.

Path: ``program`` declares all commands → ``console`` (options, errors, exit codes) → ``door`` → a verb; ``printing`` shows the answer.
Promise: every command runs exactly one verb, in this process or in the one that owns the store data file.
Never: imports anything at the top that `--help` does not need.
"""
