"""Limits on connections, and on requests that run at the same time.

Path: ``serving`` and ``web`` take a turn before they work, and listen through ``connections``.
Promise: no single caller can lock others out.
Never: knows what a request is about.
"""
