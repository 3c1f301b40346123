"""The server: commands of this machine, programs, shops' hints, and the screens of ``web``.

Path: ``server`` listens; ``doorkeeper`` takes commands, ``programs`` the API, ``hints`` what shops say; ``openapi`` describes the API.
Promise: every entry point checks who asks before it calls a verb.
Never: does what a verb does.
"""
