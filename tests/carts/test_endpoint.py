"""Holds ``connector/onhand.php`` and ``carts/endpoint.py`` to the protocol, on real PHP and real MariaDB.

Path: pytest. The whole contract runs on InnoDB, on MyISAM and through PDO; what only this connector has follows below.
Promise: crashes are real: the PHP process is killed while the database is at work.
Never: has a hook in the connector.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from onhand.carts.signing import Key, key_file
from onhand.domain.errors import OnHandError, Permanent, Retriable
from onhand.domain.shop import FRACTION, Change, Outcome
from onhand.domain.sketch import Counters, Sums, cells_of
from tests.carts.contract import LockContract, OneShop, ShopContract, WireContract, apply, counters, look, post
from tests.servers import PhpServer, shared_php
from tests.shops.families import OsCommerce23

pytestmark = pytest.mark.servers

# A PHP that has PDO only, as some hosts have it.
PDO_ONLY = ("-n", "-d", "extension=mysqlnd", "-d", "extension=pdo", "-d", "extension=pdo_mysql")


@pytest.fixture(params=["InnoDB"])
def driver(request, mariadb, php):
    shop = OsCommerce23(mariadb, php, request.param)
    yield shop
    shop.close()


@pytest.fixture
def wire(driver):
    return driver.wire()


both_engines = pytest.mark.parametrize("driver", ["InnoDB", "MyISAM"], indirect=True)


class TestEndpointOnInnoDB(OneShop, ShopContract, LockContract, WireContract):
    cart = OsCommerce23


class TestEndpointOnMyISAM(OneShop, ShopContract):
    cart = partial(OsCommerce23, engine="MyISAM")


class TestEndpointThroughPdo(OneShop, ShopContract):
    @staticmethod
    def cart(mariadb, php):
        # checkout.php needs mysqli, so the shop's own pages run on the ordinary PHP; both serve the same directory.
        return OsCommerce23(mariadb, php, connector_php=shared_php(*PDO_ONLY))


class TestFractions:
    """Shops whose columns are not whole: Zen Cart's FLOAT, Gambio's DECIMAL."""

    @pytest.fixture(params=["FLOAT", "DECIMAL(15,4)", "DOUBLE"])
    def driver(self, request, mariadb, php):
        shop = OsCommerce23(mariadb, php, "MyISAM" if request.param == "FLOAT" else "InnoDB")
        shop.sql(
            f"ALTER TABLE products MODIFY products_quantity {request.param} NOT NULL, MODIFY products_ordered {request.param} NOT NULL"
        )
        yield shop
        shop.close()

    def test_fractions_are_flagged_and_rounded_alike_everywhere(self, driver):
        whole, half, tiny = (driver.add_product(sku, 1234567) for sku in ("W", "H", "T"))
        driver.sql("UPDATE products SET products_quantity = 10.75 WHERE products_id = %s", (half,))
        driver.sql("UPDATE products SET products_ordered = -0.1 WHERE products_id = %s", (tiny,))
        rows = driver.shop().rows([whole, half, tiny])
        assert [(row.quantity, row.ordered, row.flags) for row in rows] == [
            (1234567, 0, 0),
            (11, 0, FRACTION),
            (1234567, 0, FRACTION),
        ]
        assert look(driver, sums=True).sums == Sums.total(
            Sums.of(row.product, row.quantity, row.ordered, 1) for row in rows
        )
        expected = cells_of({row.product: Counters(row.quantity, row.ordered) for row in rows}, 5)
        assert list(driver.shop().cells(5)) == expected

    def test_posts_keep_the_fraction(self, driver):
        product = driver.add_product("A", 1)
        driver.sql("UPDATE products SET products_quantity = 2.5, products_status = 0")
        assert apply(driver, 1, (product, 3, True)).failed == {}
        assert driver.row(product).quantity == pytest.approx(5.5)
        assert driver.row(product).status == 1

    def test_what_the_column_cannot_hold_exactly_is_out_of_range(self, driver):
        product = driver.add_product("A", 10)
        assert apply(driver, 1, (product, 10**14)).failed == (
            {} if "double" in driver.shop().hello().quantity_type else {product: "range"}
        )

    def test_sums_hold_what_a_wide_column_holds(self, driver):
        product = driver.add_product("A", 0)
        driver.sql("UPDATE products SET products_quantity = 16777216 * 1024")
        assert look(driver, sums=True).sums == Sums.of(product, 2**34, 0, 1)


class TestColumnTypes:
    @pytest.mark.parametrize(
        ("column", "least", "most"),
        [
            ("TINYINT", -128, 127),
            ("SMALLINT UNSIGNED", 0, 65535),
            ("MEDIUMINT", -8388608, 8388607),
            ("INT UNSIGNED", 0, 2**32 - 1),
            ("BIGINT", -(2**53), 2**53 - 1),
            ("BIGINT UNSIGNED", 0, 2**53 - 1),
            ("DECIMAL(8,2)", -999999, 999999),
        ],
    )
    def test_the_range_is_that_of_the_column(self, driver, column, least, most):
        driver.sql(f"ALTER TABLE products MODIFY products_quantity {column} NOT NULL")
        low, high = driver.add_product("L", least + 1), driver.add_product("H", most - 1)
        assert apply(driver, 1, (low, -2), (high, 2)).failed == {low: "range", high: "range"}
        assert apply(driver, 3, (low, -1), (high, 1)).failed == {}
        assert [row.quantity for row in driver.shop().rows([low, high])] == [least, most]
        assert look(driver, sums=True).sums.quantity == least + most

    def test_a_counter_that_may_be_null_counts_as_zero(self, driver):
        driver.sql("ALTER TABLE products MODIFY products_ordered INT NULL")
        product = driver.add_product("A", 5)
        driver.sql("UPDATE products SET products_ordered = NULL")
        assert look(driver, sums=True).sums == Sums.of(product, 5, 0, 1)
        assert driver.shop().rows([product])[0].ordered == 0

    def test_text_that_is_not_utf8_is_marked(self, driver):
        driver.sql("ALTER TABLE products_description MODIFY products_name VARBINARY(64) NOT NULL")
        product = driver.add_product("A", 5)
        driver.sql("UPDATE products_description SET products_name = %s", (b"Gr\xfc\xdfe \xe2\x82\xac \xed\xa0\x80!",))
        assert driver.shop().rows([product])[0].name == "Gr\ufffd\ufffde € \ufffd\ufffd\ufffd!"

    def test_an_old_latin1_shop_speaks_utf8_to_us(self, mariadb, php):
        shop = OsCommerce23(mariadb, php, "MyISAM", collation="DEFAULT CHARACTER SET latin1")
        product = shop.add_product("Ärmel", 5, name="Größe")
        assert [(row.model, row.name) for row in shop.shop().rows([product])] == [("Ärmel", "Größe")]
        shop.close()


class TestNames:
    """Which of several names and settings the shop itself would use."""

    def test_the_name_is_that_of_the_default_language(self, driver):
        product = driver.add_product("A", 5, name="Mug")
        driver.sql(
            "INSERT INTO products_description (products_id, language_id, products_name) VALUES (%s, 2, 'Becher')",
            (product,),
        )
        assert driver.shop().rows([product])[0].name == "Mug"
        driver.setting("DEFAULT_LANGUAGE", "de")
        assert driver.shop().rows([product])[0].name == "Becher"
        driver.sql("UPDATE products_description SET products_name = '' WHERE language_id = 2")
        assert driver.shop().rows([product])[0].name == "Mug"

    def test_of_a_setting_that_stands_twice_the_first_counts(self, driver):
        driver.sql(
            "INSERT INTO configuration (configuration_title, configuration_key, configuration_value, configuration_description,"
            " configuration_group_id, date_added) VALUES ('', 'STOCK_LIMITED', 'false', '', 9, now())"
        )
        assert driver.shop().hello().switches["STOCK_LIMITED"] == "true"

    def test_a_zero_date_is_no_date(self, driver):
        product = driver.add_product("A", 5)
        driver.sql("SET SESSION sql_mode = ''")
        driver.sql("UPDATE products SET products_last_modified = '0000-00-00 00:00:00'")
        (row,) = driver.shop().rows([product])
        assert (row.modified, row.age) == (None, None)


class TestSetUp:
    """What a technician can get wrong; each refusal says what to do."""

    def refusal(self, driver, kind=Permanent):
        with pytest.raises(kind) as refusal:
            driver.shop().hello()
        return refusal.value

    def test_a_missing_key_file(self, driver):
        (driver.root / "onhand-key.php").unlink()
        refusal = self.refusal(driver)
        assert refusal.facts["reason"] == "config"
        assert "onhand-key.php" in refusal.message

    @pytest.mark.parametrize("function", ["hash_hmac", "hash", "json_encode", "preg_match", "file_get_contents"])
    def test_a_php_that_lacks_what_is_needed(self, mariadb, php, function):
        lacking = PhpServer(options=("-d", f"disable_functions={function}")).start()
        try:
            shop = OsCommerce23(mariadb, php, connector_php=lacking)
            refusal = self.refusal(shop)
            assert refusal.facts["reason"] == "config"
            assert function in refusal.message.split(":")[0]
            shop.close()
        finally:
            lacking.remove()

    def test_a_missing_configuration(self, driver):
        (driver.root / "includes" / "configure.php").unlink()
        refusal = self.refusal(driver)
        assert refusal.facts["reason"] == "config"
        assert "includes/configure.php" in refusal.message

    def test_a_configuration_without_a_login(self, driver):
        (driver.root / "includes" / "configure.php").write_text("<?php define('DB_SERVER', 'localhost');")
        assert "DB_SERVER_USERNAME" in self.refusal(driver).message

    def test_a_configuration_that_prints_and_warns(self, driver):
        file = driver.root / "includes" / "configure.php"
        file.write_text("\ufeff hello\n" + file.read_text() + "\necho $nowhere; define('DB_SERVER', 'twice');\n?>\n\n")
        assert driver.shop().hello().family == "oscommerce"

    def test_a_broken_configuration_is_an_internal_error(self, driver):
        (driver.root / "includes" / "configure.php").write_text("<?php this is no PHP")
        assert self.refusal(driver, Retriable).facts["reason"] == "internal"

    def test_the_local_configuration_wins(self, driver):
        (driver.root / "includes" / "local").mkdir()
        (driver.root / "includes" / "local" / "configure.php").write_text(
            f"<?php define('DB_DATABASE', '{driver.database}');"
        )
        driver.configure(database="shop_elsewhere")
        assert driver.shop().hello().family == "oscommerce"

    @pytest.mark.parametrize(
        "server",
        ["localhost:{socket}", "{socket}", ":{socket}", "p:{socket}", "p:127.0.0.1:{port}", " 127.0.0.1:{port} "],
    )
    def test_the_ways_to_write_a_server(self, driver, server):
        driver.configure(server=server.format(socket=driver.mariadb.socket, port=driver.mariadb.port))
        assert driver.shop().hello().family == "oscommerce"

    @pytest.mark.parametrize(
        ("server", "place"),
        [
            ("/nowhere/m.sock", "/nowhere/m.sock"),
            ("localhost:/nowhere/m.sock", "/nowhere/m.sock"),
            ("nowhere/m.sock", "nowhere/m.sock"),
            ("[::1]:1", "[::1]:1"),
            ("p:[::1]:1", "[::1]:1"),
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("p:127.0.0.1:1", "127.0.0.1:1"),
        ],
    )
    def test_a_server_that_does_not_answer_is_named_as_it_was_understood(self, driver, server, place):
        driver.configure(server=server)
        refusal = self.refusal(driver, Retriable)
        assert refusal.facts["reason"] == "database"
        assert f" {place}, " in refusal.message
        assert "configure.php" in refusal.message

    def test_a_wrong_database_password(self, driver):
        driver.configure(password="wrong")
        refusal = self.refusal(driver, Retriable)
        assert refusal.facts["reason"] == "database"
        assert "user or password" in refusal.message

    def test_a_database_that_is_down(self, driver):
        driver.configure(server="127.0.0.1:1")
        refusal = self.refusal(driver, Retriable)
        assert refusal.facts["reason"] == "database"
        assert "does not answer" in refusal.message

    def test_a_wrong_prefix(self, driver):
        file = driver.root / "onhand-key.php"
        file.write_text(file.read_text().replace("'prefix' => ''", "'prefix' => 'zen_'"))
        refusal = self.refusal(driver)
        assert refusal.facts["reason"] == "tables"
        assert "prefix" in refusal.message

    def test_a_table_that_lacks_a_column(self, driver):
        driver.sql("ALTER TABLE products DROP COLUMN products_ordered")
        refusal = self.refusal(driver)
        assert refusal.facts["reason"] == "tables"
        assert "products_ordered" in refusal.message

    def test_a_prefix_in_the_key_file_names_all_tables(self, mariadb, php):
        shop = OsCommerce23(mariadb, php, prefix="osc_")
        with pytest.raises(Permanent) as refusal:
            shop.shop().hello()
        assert "A shop stands there under the prefix 'osc_'." in refusal.value.message
        (shop.root / "onhand-key.php").write_text(key_file(shop.key_id, shop.secret_hex, False, "osc_"))
        assert shop.shop().hello().prefix == "osc_"
        assert shop.shop().look(0, 0, 10, sums=True, catalogue=True).sums == Sums()
        assert shop.shop().listings(0, 10).rows == ()
        assert shop.sql("SHOW TABLES LIKE 'osc_onhand_state'")
        shop.close()

    def test_plain_http_from_elsewhere_is_refused(self, driver):
        answer, signed = post(driver.wire(), b'{"verb":"hello"}', x_forwarded_for="192.0.2.7")
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "https"
        Key.of(driver.key_id, driver.secret_hex).check_answer(signed, 403, answer.content, answer.headers)

    def test_plain_http_from_elsewhere_is_served_if_the_owner_says_so(self, driver):
        file = driver.root / "onhand-key.php"
        file.write_text(file.read_text().replace("'allow_http' => false", "'allow_http' => true"))
        assert post(driver.wire(), b'{"verb":"hello"}', x_forwarded_for="192.0.2.7")[0].status_code == 200

    def test_https_that_ends_at_a_proxy_is_https(self, driver):
        answer, _ = post(driver.wire(), b'{"verb":"hello"}', x_forwarded_for="192.0.2.7", x_forwarded_proto="https")
        assert answer.status_code == 200

    def test_a_database_user_without_rights_is_told(self, driver):
        with driver.mariadb.connect() as root, root.cursor() as cursor:
            cursor.execute("CREATE USER 'reader'@'127.0.0.1' IDENTIFIED BY 'shop secret'")
            cursor.execute(f"GRANT SELECT ON `{driver.database}`.* TO 'reader'@'127.0.0.1'")
        file = driver.root / "includes" / "configure.php"
        file.write_text(file.read_text().replace("'shop');", "'reader');"))
        refusal = self.refusal(driver, Retriable)
        with driver.mariadb.connect() as root, root.cursor() as cursor:
            cursor.execute("DROP USER 'reader'@'127.0.0.1'")
        assert refusal.facts["reason"] == "database"
        assert "CREATE" in refusal.message

    def test_strict_servers_are_no_different(self, driver):
        with driver.mariadb.connect() as root, root.cursor() as cursor:
            cursor.execute("SELECT @@GLOBAL.sql_mode")
            (before,) = cursor.fetchone()
            cursor.execute("SET GLOBAL sql_mode = 'ANSI,TRADITIONAL,ONLY_FULL_GROUP_BY,PIPES_AS_CONCAT'")
        try:
            product = driver.add_product("A", 5)
            assert driver.shop().listings(0, 5).rows[0].product == product
            assert driver.shop().cells(2)
            assert apply(driver, 1, (product, 2)).outcome is Outcome.APPLIED
        finally:
            with driver.mariadb.connect() as root, root.cursor() as cursor:
                cursor.execute("SET GLOBAL sql_mode = %s", (before,))

    def test_the_file_is_php_without_a_warning(self, driver):
        checked = subprocess.run(["php", "-l", driver.root / "onhand.php"], capture_output=True, text=True, check=True)
        assert "No syntax errors" in checked.stdout


class TestCrashes:
    """The PHP process dies in the middle of an apply."""

    def in_background(self, driver, epoch, *changes):
        """Sends batch 1 from another thread; answers the thread and the list its failure lands in."""
        client, ended = driver.new_client(), []

        def send():
            try:
                client.apply(epoch, 1, [Change(*change) for change in changes])
            except OnHandError as problem:
                ended.append(problem)
            finally:
                client.disconnect()

        thread = threading.Thread(target=send)
        thread.start()
        return thread, ended

    def at_work(self, driver):
        """Waits until the connector's connection is at its one UPDATE; answers the connection's id."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            found = driver.sql(
                "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = %s AND HOST LIKE '%%:%%'"  # over TCP: ours are not
                " AND INFO LIKE 'UPDATE (SELECT%%'",
                (driver.database,),
            )
            if found:
                return int(found[0][0])
            time.sleep(0.01)
        raise AssertionError("The connector never came to its UPDATE.")

    def kill_php(self, driver, connection):
        """Kills the PHP process that owns the database connection, as an out-of-memory killer does."""
        port = driver.sql("SELECT HOST FROM information_schema.PROCESSLIST WHERE ID = %s", (connection,))[0][0].split(
            ":"
        )[1]
        (pid,) = [pid for pid in driver.php.pids() if int(port) in _local_ports(pid)]
        os.kill(pid, signal.SIGKILL)

    @pytest.fixture
    def driver(self, request, mariadb, doomed_php):
        shop = OsCommerce23(mariadb, doomed_php, getattr(request, "param", "InnoDB"))
        yield shop
        shop.close()

    @pytest.fixture
    def doomed_php(self):
        with PhpServer(workers=4) as server:
            yield server

    @pytest.mark.parametrize("driver", ["MyISAM"], indirect=True)
    def test_a_crash_after_the_update_leaves_the_batch_unfinished(self, driver):
        a, b = driver.add_product("A", 10), driver.add_product("B", 10)
        # The batch's statement takes long, so that PHP dies while the database is at work; the database goes on.
        driver.sql(
            "CREATE TRIGGER slow BEFORE UPDATE ON products FOR EACH ROW SET NEW.products_tax_class_id = SLEEP(0.7)"
        )
        thread, ended = self.in_background(driver, driver.shop().hello().epoch, (a, 5), (b, 7))
        self.kill_php(driver, self.at_work(driver))
        thread.join()
        assert ended[0].facts["reason"] == "cut"

        # The next request waits until the statement has ended: the lock belongs to the connection.
        assert look(driver).begun
        assert counters(driver, [a, b]) == {a: Counters(15, 0), b: Counters(17, 0)}
        driver.sql("DROP TRIGGER slow")

        assert apply(driver, 1, (a, 5), (b, 7)).outcome is Outcome.UNFINISHED
        assert apply(driver, 1, (a, 5), (b, 7)).outcome is Outcome.UNFINISHED
        assert [row.quantity for row in driver.shop().rows([a, b])] == [15, 17]
        assert apply(driver, 1, (a, 5), (b, 7), close=True).outcome is Outcome.CLOSED
        assert apply(driver, 1, (a, 5), (b, 7)).outcome is Outcome.ALREADY
        assert apply(driver, 3, (a, 1)).outcome is Outcome.APPLIED
        assert counters(driver, [a, b]) == {a: Counters(16, 0), b: Counters(17, 0)}

    @pytest.mark.parametrize("driver", ["MyISAM"], indirect=True)
    def test_a_crash_before_the_update_leaves_the_batch_unfinished_too(self, driver):
        product = driver.add_product("A", 10)
        blocker = driver.mariadb.connect(driver.database)
        try:
            with blocker.cursor() as cursor:
                cursor.execute("LOCK TABLES products READ")  # lets the connector read, but not write
                thread, _ = self.in_background(driver, driver.shop().hello().epoch, (product, 5))
                connection = self.at_work(driver)
                self.kill_php(driver, connection)
                thread.join()
                driver.sql("KILL %s", (connection,))  # as when the database notices that its client has gone
                cursor.execute("UNLOCK TABLES")
        finally:
            blocker.close()
        assert look(driver).begun
        assert apply(driver, 1, (product, 5)).outcome is Outcome.UNFINISHED
        assert driver.row(product).quantity == 10
        assert apply(driver, 1, (product, 5), close=True).outcome is Outcome.CLOSED
        assert apply(driver, 2, (product, 5)).outcome is Outcome.APPLIED
        assert driver.row(product).quantity == 15

    def test_a_crash_on_innodb_leaves_nothing_behind(self, driver):
        product = driver.add_product("A", 10)
        driver.sql(
            "CREATE TRIGGER slow BEFORE UPDATE ON products FOR EACH ROW SET NEW.products_tax_class_id = SLEEP(0.7)"
        )
        thread, ended = self.in_background(driver, driver.shop().hello().epoch, (product, 5))
        self.kill_php(driver, self.at_work(driver))
        thread.join()
        assert ended[0].facts["reason"] == "cut"
        driver.sql("DROP TRIGGER slow")
        seen = look(driver)
        assert (seen.begun, seen.last_seq) == (False, 0)
        assert driver.row(product).quantity == 10
        assert apply(driver, 1, (product, 5)).outcome is Outcome.APPLIED
        assert driver.row(product).quantity == 15

    @both_engines
    def test_an_answer_that_is_lost_is_given_again(self, driver):
        product = driver.add_product("A", 10)
        epoch = driver.shop().hello().epoch
        driver.sql(
            "CREATE TRIGGER slow BEFORE UPDATE ON products FOR EACH ROW SET NEW.products_tax_class_id = SLEEP(0.7)"
        )
        hasty = driver.new_client(read_timeout_seconds=0.2)
        with pytest.raises(Retriable) as trouble:
            hasty.apply(epoch, 1, [Change(product, 5), Change(product + 9, 1)])
        assert trouble.value.facts["reason"] == "timeout"
        result = apply(driver, 1, (product, 5), (product + 9, 1), epoch=epoch)
        assert (result.outcome, result.failed) == (Outcome.ALREADY, {product + 9: "missing"})
        assert driver.row(product).quantity == 15

    @both_engines
    def test_a_lock_of_the_shop_is_waited_for(self, driver):
        product = driver.add_product("A", 10)
        epoch = driver.shop().hello().epoch
        blocker = driver.mariadb.connect(driver.database)
        try:
            with blocker.cursor() as cursor:
                cursor.execute("LOCK TABLES products WRITE")
                thread, ended = self.in_background(driver, epoch, (product, 5))
                time.sleep(0.5)
                cursor.execute("UNLOCK TABLES")
            thread.join()
        finally:
            blocker.close()
        assert ended == []
        assert driver.row(product).quantity == 15

    @pytest.mark.long
    def test_a_row_held_too_long_is_busy_and_changes_nothing(self, driver):
        product = driver.add_product("A", 10)
        epoch = driver.shop().hello().epoch
        blocker = driver.mariadb.connect(driver.database)
        try:
            with blocker.cursor() as cursor:
                cursor.execute("START TRANSACTION")
                cursor.execute("SELECT * FROM products WHERE products_id = %s FOR UPDATE", (product,))
                with pytest.raises(Retriable) as refusal:
                    apply(driver, 1, (product, 5), epoch=epoch)
        finally:
            blocker.close()
        assert refusal.value.facts["reason"] == "busy"
        assert driver.shop().hello().last_seq == 0
        assert apply(driver, 1, (product, 5)).outcome is Outcome.APPLIED
        assert driver.row(product).quantity == 15


class TestSize:
    @both_engines
    def test_a_large_shop_is_looked_at_in_little_memory(self, driver):
        driver.add_products(100_000)
        # The connector as it is; when it has ended, a file appears that says how many bytes of memory it took.
        (driver.root / "probe.php").write_text(
            "<?php register_shutdown_function(function () { register_shutdown_function(function () {"
            " file_put_contents(__DIR__ . '/peak.new', memory_get_peak_usage(true));"
            " rename(__DIR__ . '/peak.new', __DIR__ . '/peak'); }); });"
            " include __DIR__ . '/onhand.php';"
        )
        driver.shop().hello()
        shop = driver.new_client(path="probe.php")
        for ask in (
            lambda: shop.look(0, 0, 2000, True, True),
            lambda: shop.cells(12),
            lambda: shop.cells(16384),
            lambda: shop.listings(0, 2000),
        ):
            assert _peak(ask, driver.root / "peak") < 64 * 1024 * 1024
        assert shop.look(0, 0, 10, True, False).sums.count == 100_000
        shop.disconnect()


def _peak(ask, peak):
    """Bytes of PHP's memory that a request took."""
    peak.unlink(missing_ok=True)
    ask()
    while not peak.exists():  # the answer is here before the script has ended
        time.sleep(0.005)
    return int(peak.read_text())


def _local_ports(pid):
    """The local TCP ports of a process."""
    inodes = set()
    for entry in os.scandir(f"/proc/{pid}/fd"):
        try:
            target = Path(entry.path).readlink().name
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    rows = [row.split() for row in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    return {int(row[1].split(":")[1], 16) for row in rows if row[9] in inodes}
