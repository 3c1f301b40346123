"""Holds what counts as this machine to loopback names and addresses."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.addresses import is_loopback


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.255.255.254", "::1"])
def test_loopback_is_this_machine(host: str) -> None:
    assert is_loopback(host) is True


@pytest.mark.parametrize(
    "host", ["", "onhand.example", "localhost.example", "127.0.0.1.example", "10.0.0.7", "::", "2001:db8::7"]
)
def test_every_other_name_or_address_is_another_machine(host: str) -> None:
    assert is_loopback(host) is False


@given(st.ip_addresses(v=4))
def test_the_loopback_addresses_are_those_that_begin_with_127(address: IPv4Address) -> None:
    assert is_loopback(str(address)) == (address.packed[0] == 127)
