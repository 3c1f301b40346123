"""What stands between us and a shop's database: TLS, logins, servers that are down or old. Each refusal says what to do.

Path: pytest, on real MariaDB; names of hosts lead to this machine, since nothing here may listen elsewhere.
Promise: the password is in no message, no fact and no traceback.
Never: waits for a server that is not on this machine.
"""

from __future__ import annotations

import socket
import threading
import time
import traceback

import pytest

from onhand.carts.mysql import MySql
from onhand.carts.mysql_rights import as_text, grants
from onhand.carts.mysql_server import Address
from onhand.domain.errors import Permanent, Retriable
from onhand.domain.shop import Change, Outcome
from tests.carts import certificates
from tests.carts.wiretap import Wiretap
from tests.servers import MariaDB
from tests.shops import families
from tests.shops.direct import PASSWORD, direct, run_as_administrator

pytestmark = pytest.mark.servers

OsCommerce23 = direct(families.OsCommerce23)


@pytest.fixture
def driver(mariadb, php):
    shop = OsCommerce23(mariadb, php)
    yield shop
    shop.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    certificates.make(folder, "db.example")
    return folder


@pytest.fixture(scope="module")
def tls_mariadb(folder):
    """A server with a certificate for db.example; it may be killed, and is started again."""
    options = (f"--ssl-cert={folder}/server.pem", f"--ssl-key={folder}/server.key", f"--ssl-ca={folder}/ca.pem")
    with MariaDB(durable=True, options=options) as server:
        yield server


@pytest.fixture
def guarded(tls_mariadb, php, monkeypatch):
    """A shop on it whose user is let in over TLS only, and names that lead to it."""
    names_lead_here(monkeypatch)
    shop = OsCommerce23(tls_mariadb, php)
    shop.sql(f"ALTER USER '{shop.login}'@'127.0.0.1' REQUIRE SSL")
    yield shop
    shop.close()


def names_lead_here(monkeypatch):
    real = socket.getaddrinfo
    names = ("db.example", "other.example")
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *more, **named: real("127.0.0.1" if host in names else host, *more, **named)
    )


def reached(driver, host="db.example", port=None, database=None, user=None, **members):
    query = "&".join(f"{name}={value}" for name, value in members.items())
    port = port or driver.mariadb.port
    return f"mysql://{user or driver.login}@{host}:{port}/{database or driver.database}" + (query and f"?{query}")


def refusal(kind, address, password=PASSWORD, **more):
    """What a hello at this address is refused with."""
    shop = MySql(address, password, **{"clock": time.monotonic, **more})
    with pytest.raises(kind) as refused:
        shop.hello()
    shown = "".join(traceback.format_exception(refused.value)) + str(refused.value.facts) + repr(shop)
    assert PASSWORD not in shown
    assert "secret" not in shown.replace("secrets", "")
    return refused.value


class TestTls:
    def test_a_certificate_of_a_known_ca_for_this_host_is_good(self, guarded, folder):
        shop = guarded.new_client(address=reached(guarded, ca=f"{folder}/ca.pem"))
        assert shop.hello().family == "oscommerce"
        ((_, cipher),) = shop._server.rows("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        assert cipher
        shop.disconnect()

    def test_a_ca_that_nobody_named_is_refused(self, guarded):
        refused = refusal(Permanent, reached(guarded))
        assert refused.facts["reason"] == "https"
        assert "certificate" in refused.message

    def test_a_certificate_for_another_host_is_refused(self, guarded, folder):
        refused = refusal(Permanent, reached(guarded, "other.example", ca=f"{folder}/ca.pem"))
        assert refused.facts["reason"] == "https"
        assert "not valid for this address" in refused.message

    def test_a_file_that_is_no_ca_is_named(self, guarded, folder):
        for file in (folder / "server.key", folder / "none.pem"):
            refused = refusal(Permanent, reached(guarded, ca=file))
            assert (refused.facts["reason"], file.name in refused.message) == ("config", True)

    def test_a_server_without_tls_learns_nothing(self, driver, monkeypatch):
        names_lead_here(monkeypatch)
        with Wiretap(driver.mariadb.port) as wire:
            refused = refusal(Permanent, reached(driver, port=wire.port))
            assert refused.facts["reason"] == "https"
            assert "offers no TLS" in refused.message
            assert driver.login.encode() not in wire.seen

    def test_plain_is_possible_if_the_owner_says_so(self, driver, monkeypatch):
        names_lead_here(monkeypatch)
        shop = driver.new_client(address=reached(driver), allow_plain=True)
        assert shop.hello().family == "oscommerce"
        shop.disconnect()

    def test_even_then_tls_is_used_where_it_is_offered(self, guarded):
        for address, allow_plain in ((reached(guarded), True), (guarded.address, False)):
            shop = guarded.new_client(address=address, allow_plain=allow_plain)
            assert shop.hello().family == "oscommerce"  # the user is let in over TLS only
            shop.disconnect()

    def test_where_plain_is_allowed_a_tls_too_old_is_done_without(self, guarded):
        guarded.sql(f"ALTER USER '{guarded.login}'@'127.0.0.1' REQUIRE NONE")
        with Wiretap(guarded.mariadb.port) as wire:
            wire.refuse_tls()
            shop = guarded.new_client(address=reached(guarded, port=wire.port), allow_plain=True)
            assert shop.hello().family == "oscommerce"
            shop.disconnect()
            refused = refusal(Permanent, reached(guarded, port=wire.port))
        assert refused.facts["reason"] == "https"
        assert "no TLS that is safe" in refused.message

    def test_a_socket_needs_no_tls(self, driver):
        driver.sql(f"CREATE USER '{driver.login}'@'localhost' IDENTIFIED BY %s", (PASSWORD,))
        driver.sql(f"GRANT ALL ON `{driver.database}`.* TO '{driver.login}'@'localhost'")
        shop = driver.new_client(address=reached(driver, "localhost", socket=driver.mariadb.socket))
        assert shop.hello().family == "oscommerce"
        shop.disconnect()
        driver.sql(f"DROP USER '{driver.login}'@'localhost'")


class TestLogin:
    def test_a_wrong_password(self, driver):
        refused = refusal(Permanent, driver.address, "another secret")
        assert refused.facts["reason"] == "config"
        assert "user or password are wrong" in refused.message

    def test_an_unknown_database(self, driver):
        refused = refusal(Permanent, reached(driver, "127.0.0.1", database="elsewhere"))
        assert refused.facts["reason"] == "config"
        assert "database" in refused.message

    def test_a_user_who_lacks_a_right(self, driver):
        driver.sql(f"REVOKE ALL PRIVILEGES ON `{driver.database}`.`onhand_state` FROM '{driver.login}'@'127.0.0.1'")
        refused = refusal(Permanent, driver.address)
        assert refused.facts["reason"] == "config"
        assert "onhand cart grants" in refused.message

    def test_a_user_who_may_not_write_the_quantity(self, driver):
        product, epoch = driver.add_product("A", 5), driver.shop().hello().epoch
        driver.sql(
            f"REVOKE UPDATE (products_quantity) ON `{driver.database}`.`products` FROM '{driver.login}'@'127.0.0.1'"
        )
        with pytest.raises(Permanent, match="onhand cart grants"):
            driver.shop().apply(epoch, 1, [Change(product, 1)])
        assert driver.shop().hello().last_seq == 0


class TestPlace:
    def test_a_database_without_a_shop(self, driver):
        for table in ("products", "orders_products"):
            driver.sql(f"RENAME TABLE {table} TO old_{table}")
        refused = refusal(Permanent, driver.address)
        assert refused.facts["reason"] == "tables"
        assert refused.facts["prefixes"] == [""], "what is left of one"
        assert not driver.sql("SHOW TABLES LIKE '%onhand%'")

    def test_rights_for_tables_without_a_prefix_in_a_shop_that_has_one(self, driver):
        """As `cart grants` printed them, before anybody said the prefix: nothing of the shop can be seen then."""
        tables = [table for (table,) in driver.sql("SHOW TABLES")]
        for table in tables:
            driver.sql(f"RENAME TABLE `{table}` TO `zen_{table}`")
        refused = refusal(Permanent, driver.address)
        assert (refused.facts["reason"], refused.facts["prefixes"]) == ("tables", [])
        assert "?prefix=zen_" in refused.message
        driver.sql(f"GRANT SELECT ON `{driver.database}`.`zen_products` TO '{driver.login}'@'127.0.0.1'")
        assert refusal(Permanent, driver.address).facts["prefixes"] == ["zen_"]
        driver.sql(f"GRANT SELECT ON `{driver.database}`.`zen_orders_products` TO '{driver.login}'@'127.0.0.1'")
        script = as_text(grants(Address.of(driver.address), "zen_", "127.0.0.1"))
        run_as_administrator(
            driver, "\n".join(line for line in script.splitlines() if not line.startswith("CREATE USER"))
        )
        shop = driver.shop()
        assert shop.hello().prefix == "zen_"
        shop.disconnect()

    def test_two_shops_in_one_database_have_to_be_told_apart(self, driver):
        for table in ("products", "orders_products"):
            driver.sql(f"CREATE TABLE zen_{table} LIKE {table}")
            driver.sql(f"GRANT SELECT ON `{driver.database}`.`zen_{table}` TO '{driver.login}'@'127.0.0.1'")
        refused = refusal(Permanent, driver.address)
        assert refused.facts["reason"] == "tables"
        assert "'' and 'zen_'" in refused.message
        shop = driver.new_client(address=reached(driver, "127.0.0.1", prefix=""))
        assert shop.hello().prefix == ""
        shop.disconnect()

    def test_other_tables_of_that_name_are_no_shop(self, driver):
        driver.sql("CREATE TABLE my_orders_products (id INT)")
        driver.sql(f"GRANT SELECT ON `{driver.database}`.`my_orders_products` TO '{driver.login}'@'127.0.0.1'")
        assert driver.shop().hello().prefix == ""

    def test_a_wrong_prefix_is_told_with_the_right_one(self, driver):
        refused = refusal(Permanent, reached(driver, "127.0.0.1", prefix="zen_"))
        assert refused.facts["reason"] == "tables"
        assert "A shop stands there under the prefix ''." in refused.message

    def test_a_table_that_lacks_a_column(self, driver):
        driver.shop().hello()
        driver.sql("ALTER TABLE products DROP COLUMN products_ordered")
        with pytest.raises(Permanent, match="products_ordered") as refused:
            driver.shop().look(0, 0, 1, True, False)
        assert refused.value.facts["reason"] == "tables"


class TestServer:
    def test_nobody_listens(self, driver):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        refused = refusal(Retriable, reached(driver, "127.0.0.1", port=port))
        assert refused.facts["reason"] == "unreachable"

    def test_something_else_listens(self, driver):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(
                target=lambda: listener.accept()[0].sendall(b"SSH-2.0-OpenSSH_9.2\r\n"), daemon=True
            ).start()
            refused = refusal(Permanent, reached(driver, "127.0.0.1", port=listener.getsockname()[1]))
        assert "else than MySQL" in refused.message

    def test_somebody_listens_and_says_nothing(self, driver):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = reached(driver, "127.0.0.1", port=listener.getsockname()[1])
            refused = refusal(Retriable, address, read_timeout_seconds=0.3)
        assert refused.facts["reason"] == "timeout"

    def test_a_server_that_is_read_only(self, driver):
        product, epoch = driver.add_product("A", 5), driver.shop().hello().epoch
        driver.sql("SET GLOBAL read_only = 1")
        try:
            with pytest.raises(Retriable, match="read-only") as refused:
                driver.shop().apply(epoch, 1, [Change(product, 1)])
            assert refused.value.facts["reason"] == "database"
            assert driver.shop().look(0, 0, 1, True, False).sums.quantity == 5
        finally:
            driver.sql("SET GLOBAL read_only = 0")
        assert driver.shop().apply(epoch, 1, [Change(product, 1)]).outcome is Outcome.APPLIED

    def test_a_server_that_goes_and_comes_back(self, guarded):
        product, epoch = guarded.add_product("A", 5), guarded.shop().hello().epoch
        guarded.mariadb.kill()
        with pytest.raises(Retriable) as refused:
            guarded.shop().look(0, 0, 1, True, False)
        assert refused.value.facts["reason"] == "cut"
        with pytest.raises(Retriable) as refused:
            guarded.shop().look(0, 0, 1, True, False)
        assert refused.value.facts["reason"] == "unreachable"
        guarded.mariadb.restart()
        guarded.reconnect()
        assert guarded.shop().apply(epoch, 1, [Change(product, 1)]).outcome is Outcome.APPLIED
        assert guarded.row(product).quantity == 6

    def test_a_connection_that_was_ended_there_is_made_anew_by_the_next_verb(self, driver):
        driver.shop().hello()
        ((connection,),) = driver.sql("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = %s", (driver.login,))
        driver.sql("KILL %s", (connection,))
        with pytest.raises(Retriable) as refused:
            driver.shop().hello()
        assert refused.value.facts["reason"] == "cut"
        assert driver.shop().hello().family == "oscommerce"

    def test_a_server_that_does_not_know_utf8mb4_is_spoken_to_in_utf8(self, driver):
        product = driver.add_product("Ärmel", 5, name="漢字")
        with Wiretap(driver.mariadb.port) as wire:
            wire.swap(b"SET NAMES utf8mb4", b"SET NAMES utf8mb7")
            shop = driver.new_client(address=reached(driver, "127.0.0.1", port=wire.port))
            (row,) = shop.rows([product])
            shop.disconnect()
            assert b"SET NAMES utf8mb4" in wire.seen
        assert (row.model, row.name) == ("Ärmel", "漢字")

    def test_a_server_without_limits_on_waiting_for_locks_is_served_all_the_same(self, driver):
        with Wiretap(driver.mariadb.port) as wire:
            wire.swap(b"innodb_lock_wait_timeout", b"innodb_lock_wait_timeles")
            shop = driver.new_client(address=reached(driver, "127.0.0.1", port=wire.port))
            assert shop.hello().family == "oscommerce"
            assert shop._server.row("SELECT @@SESSION.sql_mode, @@SESSION.wait_timeout") == (
                b"NO_ENGINE_SUBSTITUTION",
                b"20",
            )
            shop.disconnect()
