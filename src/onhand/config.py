"""Reads the configuration of this process from ``ONHAND_…`` variables and the command line.

Path: ``cli`` builds a ``Config`` and hands it to ``app``.
Promise: an invalid value ends the program with one sentence.
Never: holds settings of the store; those are system parameters.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from onhand.address import StoreAddress, address_of


class Config(BaseSettings):
    """The configuration of one process."""

    model_config = SettingsConfigDict(env_prefix="ONHAND_", frozen=True, extra="ignore")

    store: Annotated[StoreAddress, BeforeValidator(address_of)] = Field(
        default=Path("onhand.db"),
        description="The store data file, or the address of a database on a PostgreSQL server.",
    )
    key_file: Path | None = Field(default=None, description="Its key file, if it is not beside it.")
    host: str = Field(
        default="127.0.0.1", description="The host name or address that people type; by default this machine only."
    )
    port: int = Field(default=8420, ge=0, le=65535)
    url: str = Field(
        default="",
        pattern=r"^(https?://[^/\s]+/?)?$",
        description="The address that people type, if a web server with TLS is in front of OnHand.",
    )
    json_logs: bool = False
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
