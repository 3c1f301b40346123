"""Adds the screens to the server: all that a browser sees of OnHand.

Path: ``serving.server`` builds the FastAPI application and calls ``attach``; every module of ``screens`` lists its pages and forms.
Promise: pages need nothing from other servers, run no inline script or style, and do what matters without JavaScript.
Never: changes anything except through a verb.
"""

from __future__ import annotations

import importlib
import pkgutil
import threading
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles

from onhand.app import App

from . import faults, screens
from .site import Site
from .stream import Streams


def attach(api: FastAPI, app: App) -> Site:
    """Add pages, static files and the event stream. Streams end when ``api.state.stopping`` is set; it is made if missing."""
    if not hasattr(api.state, "stopping"):
        api.state.stopping = threading.Event()
    site = Site(api, app)
    for module in sorted(found.name for found in pkgutil.iter_modules(screens.__path__)):
        for screen in importlib.import_module(f"{screens.__name__}.{module}").SCREENS:
            site.add(screen)
    Streams(site, api.state.stopping).attach(api)
    api.mount("/static", _Static(directory=Path(__file__).parent / "static"), name="static")
    api.router.redirect_slashes = False  # an address is right or wrong
    faults.attach(api, site)
    return site


class _Static(StaticFiles):
    """Static files that a browser keeps, but asks about each time: after an upgrade it must not mix old and new ones."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
