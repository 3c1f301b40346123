"""Tells whether a host is this machine, as far as its name says.

Path: connectors and webhooks ask before they send anything without TLS.
Promise: only a loopback name or address counts as local.
Never: looks a name up.
"""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Return whether a host name or IP address is this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
