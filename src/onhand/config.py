"""Reads how this process is to run: from ``ONHAND_…`` variables and the command line.

Path: ``cli`` builds a ``Config`` and hands it to ``app``.
Promise: a value that does not fit ends the program with one sentence.
Never: holds what belongs to the store data file; that is in system parameters.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Config(BaseSettings):
    """How this process runs."""

    model_config = SettingsConfigDict(env_prefix="ONHAND_", frozen=True, extra="ignore")

    store: Path = Field(default=Path("onhand.db"), description="The store data file.")
    key_file: Path | None = Field(default=None, description="Its key file, if it does not lie beside it.")
    host: str = Field(default="127.0.0.1", description="Where pages are served; loopback unless you know better.")
    port: int = Field(default=8420, ge=0, le=65535)
    url: str = Field(
        default="",
        pattern=r"^(https?://[^/\s]+/?)?$",
        description="What people type, where a web server with TLS stands before.",
    )
    json_logs: bool = False
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
