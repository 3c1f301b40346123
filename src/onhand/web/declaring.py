"""Declares screens: the function that answers at each address, and the right that it needs.

Path: each module of ``screens`` lists its pages and forms in ``SCREENS``; ``site`` adds them to the server.
Promise: a page or form cannot be declared without its scope; the few that need no login say so by name.
Never: calls a screen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fastapi.responses import Response

from onhand.domain.people import Scope

from .visit import Page

Function = Callable[..., Page | Response]  # called with the Visit, and the parameters of the path by name


@dataclass(frozen=True, slots=True)
class Screen:
    """One page or form."""

    method: str
    path: str
    scope: Scope | None  # None: no login is needed
    function: Function


def page(path: str, scope: Scope, function: Function) -> Screen:
    """Declare a page that a browser can open."""
    return Screen("GET", path, scope, function)


def form(path: str, scope: Scope, function: Function) -> Screen:
    """Declare the address that a form is sent to."""
    return Screen("POST", path, scope, function)


def open_page(path: str, function: Function) -> Screen:
    """Declare a page for everybody who can reach OnHand: the login, and one-time links."""
    return Screen("GET", path, None, function)


def open_form(path: str, function: Function) -> Screen:
    """Declare a form for everybody who can reach OnHand."""
    return Screen("POST", path, None, function)
