"""The address of a cart that is reached directly: what it says, and what is refused."""

from __future__ import annotations

import pytest

from onhand.carts.mysql import MySql
from onhand.carts.mysql_rights import as_text, grants
from onhand.carts.mysql_server import Address
from onhand.domain.errors import Permanent


def test_an_address_names_user_host_port_and_database():
    address = Address.of("mysql://shop%40home@db.example:3307/my%2Dshop?prefix=zen_&ca=/etc/ca.pem&rowlog=1")
    assert (address.user, address.host, address.port, address.database) == ("shop@home", "db.example", 3307, "my-shop")
    assert (address.prefix, address.ca, address.rowlog, address.local) == ("zen_", "/etc/ca.pem", True, False)


def test_what_is_left_out_is_found_or_usual():
    address = Address.of("mysql://shop@db.example/shop")
    assert (address.port, address.prefix, address.ca, address.socket, address.rowlog) == (3306, None, None, None, False)
    assert Address.of("mysql://shop@db.example/shop?prefix=").prefix == ""


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.5.5.5", "[::1]", "db.example/shop?socket=/run/s"])
def test_this_machine_needs_no_certificate(host):
    assert Address.of(f"mysql://shop@{host}{'' if '?' in host else '/shop'}").local


@pytest.mark.parametrize("host", ["db.example", "192.0.2.7", "localhost.example", "127.1", "[2001:db8::1]"])
def test_any_other_does(host):
    assert not Address.of(f"mysql://shop@{host}/shop").local


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("mysql://shop:secret@db.example/shop", "Leave the password out"),
        ("mysql://shop:@db.example/shop", "Leave the password out"),
        ("mysql://db.example/shop", "whole address"),
        ("mysql://shop@/shop", "whole address"),
        ("mysql://shop@db.example", "whole address"),
        ("mysql://shop@db.example/", "whole address"),
        ("mysql://shop@db.example:port/shop", "whole address"),
        ("mysql://shop@db.example:99999/shop", "whole address"),
        ("mysql://shop@db.example/shop/more", "whole address"),
        ("mysql://shop@db.example/sh%60op", "whole address"),
        ("mysql://shop@db.example/shop#part", "whole address"),
        ("mysql://shop@db.example/shop?prefix=zen';--", "table prefix"),
        ("mysql://shop@db.example/shop?tls=no", "but not 'tls'"),
        ("mysql://shop@db.example/shop?password=secret", "but not 'password'"),
        ("mysql://shop@db.example/shop?ca=ca.pem", "whole paths"),
        ("mysql://shop@db.example/shop?rowlog=yes", "rowlog=1"),
        ("mysql://shop@[::1/shop", "whole address"),
    ],
)
def test_what_cannot_be_an_address_is_refused_with_what_to_do(address, says):
    with pytest.raises(Permanent, match=says) as refusal:
        MySql(address, "secret", clock=lambda: 0.0)
    assert refusal.value.facts["reason"] == "request"
    assert "secret" not in f"{refusal.value} {refusal.value.facts}"


def test_the_password_is_in_no_repr():
    shop = MySql("mysql://shop@db.example/shop", "a secret", clock=lambda: 0.0)
    assert "a secret" not in f"{shop!r} {shop._server!r}"


def test_grants_quote_what_they_name():
    address = Address.of("mysql://o'neil%5C@db.example/shop_1?rowlog=1")
    text = as_text(grants(address, "zen_", "10.0.0.%"))
    assert "CREATE USER 'o''neil\\\\'@'10.0.0.%' IDENTIFIED BY 'the password';" in text
    assert (
        "GRANT UPDATE (products_quantity, products_status) ON `shop_1`.`zen_products` TO 'o''neil\\\\'@'10.0.0.%';"
        in text
    )
    assert "GRANT REPLICATION SLAVE ON *.*" in text
    assert "REPLICATION" not in as_text(grants(Address.of("mysql://o@db.example/shop"), "", "%"))
