"""Limits that every server needs: of connections, and of requests at work at once.

Path: ``serving`` and ``web`` take a turn before they work, and listen through ``connections``.
Promise: no single caller can keep others out.
Never: knows what a request is about.
"""
