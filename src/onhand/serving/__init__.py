"""The server: commands of this machine, the API for programs, shops' hints, and the screens of ``web``.

Path: ``server`` listens; ``doorkeeper`` takes commands, ``programs`` API calls, ``hints`` hints; ``openapi`` describes the API.
Promise: every entry point checks the caller before it runs a verb.
Never: does the work of a verb.
"""
