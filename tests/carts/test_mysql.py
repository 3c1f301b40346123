"""Holds ``carts/mysql.py`` to the protocol, on real MariaDB and as a user who has the rights that OnHand asks for and no others.

Path: pytest. The whole contract runs on InnoDB, on MyISAM and in a shop with a prefix and FLOAT counters; what only direct MySQL
has follows below, and its troubles in ``test_mysql_trouble``.
Promise: crashes are real: connections are killed, and processes, while the database is at work.
Never: has a hook in the connector.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from functools import partial

import pymysql
import pytest

from onhand.domain.errors import OnHandError, Permanent, Retriable
from onhand.domain.shop import FRACTION, Change, Outcome
from onhand.domain.sketch import Counters, Sums, cells_of
from tests.carts.contract import LockContract, OneShop, ShopContract, apply, counters, look
from tests.carts.wiretap import Wiretap
from tests.shops import families
from tests.shops.direct import PASSWORD, direct

pytestmark = [pytest.mark.servers, pytest.mark.long]

OsCommerce23 = direct(families.OsCommerce23)


@pytest.fixture(params=["InnoDB"])
def driver(request, mariadb, php):
    shop = OsCommerce23(mariadb, php, request.param)
    yield shop
    shop.close()


both_engines = pytest.mark.parametrize("driver", ["InnoDB", "MyISAM"], indirect=True)


class TestDirectOnInnoDB(OneShop, ShopContract, LockContract):
    cart = OsCommerce23


class TestDirectOnMyISAM(OneShop, ShopContract):
    cart = partial(OsCommerce23, engine="MyISAM")


class TestDirectOnZenCart(OneShop, ShopContract):
    cart = direct(families.ZenCart15)


@pytest.mark.parametrize("cart", families.FAMILIES, ids=lambda cart: cart.__name__)
def test_a_family_is_recognised_by_its_tables_and_found_by_its_prefix(cart, mariadb, php):
    shop = direct(cart)(mariadb, php)
    product = shop.add_product("A", 10, name="Mug")
    hello, seen = shop.shop().hello(), families_endpoint(shop, cart).hello()
    (row,) = shop.shop().listings(0, 10).rows
    shop.close()
    assert (hello.family, hello.engine, hello.prefix) == (cart.family, cart.usual_engine, cart.usual_prefix)
    for name in ("collation", "sku_length", "quantity_type", "columns", "stock_elsewhere", "switches", "epoch"):
        assert getattr(hello, name) == getattr(seen, name)
    assert (row.product, row.name, row.quantity, row.flags) == (product, "Mug", 10, 0)


def families_endpoint(shop, cart=families.OsCommerce23):
    """A client for the PHP connector in the same shop."""
    return cart.new_client(shop)


class TestColumns:
    @pytest.mark.parametrize("column", ["FLOAT", "DECIMAL(15,4)", "DOUBLE"])
    def test_fractions_are_flagged_and_rounded_alike_everywhere(self, driver, column):
        for name in ("products_quantity", "products_ordered"):
            driver.sql(f"ALTER TABLE products MODIFY {name} {column} NOT NULL DEFAULT 0")
        whole, half, tiny = (driver.add_product(sku, 1234567) for sku in ("W", "H", "T"))
        driver.sql("UPDATE products SET products_quantity = 10.75 WHERE products_id = %s", (half,))
        driver.sql("UPDATE products SET products_ordered = -0.1 WHERE products_id = %s", (tiny,))
        rows = driver.shop().rows([whole, half, tiny])
        assert [(row.quantity, row.ordered, row.flags) for row in rows] == [
            (1234567, 0, 0),
            (11, 0, FRACTION),
            (1234567, 0, FRACTION),
        ]
        expected = cells_of({row.product: Counters(row.quantity, row.ordered) for row in rows}, 5)
        assert list(driver.shop().cells(5)) == expected
        assert apply(driver, 1, (half, 3)).failed == {}
        assert driver.row(half).quantity == pytest.approx(13.75)

    @pytest.mark.parametrize(
        ("column", "least", "most"),
        [
            ("TINYINT", -128, 127),
            ("INT UNSIGNED", 0, 2**32 - 1),
            ("BIGINT", -(2**53), 2**53 - 1),
            ("DECIMAL(8,2)", -999999, 999999),
        ],
    )
    def test_the_range_is_that_of_the_column_also_when_it_was_altered_just_now(self, driver, column, least, most):
        driver.shop().hello()
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

    def test_strict_servers_are_no_different(self, driver):
        (before,) = driver.sql("SELECT @@GLOBAL.sql_mode")[0]
        driver.sql("SET GLOBAL sql_mode = 'ANSI,TRADITIONAL,ONLY_FULL_GROUP_BY,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES'")
        try:
            product = driver.add_product("A", 5)
            assert driver.shop().listings(0, 5).rows[0].product == product
            assert driver.shop().cells(2)
            assert apply(driver, 1, (product, 2)).outcome is Outcome.APPLIED
        finally:
            driver.sql("SET GLOBAL sql_mode = %s", (before,))

    def test_an_oscommerce_4_is_not_served_this_way(self, driver):
        product, epoch = driver.add_product("A", 5), driver.shop().hello().epoch
        driver.sql("ALTER TABLE products ADD COLUMN warehouse_stock_quantity INT NOT NULL DEFAULT 0")
        assert "onhand.php" in driver.shop().hello().obstacle
        for ask in (lambda: driver.shop().apply(epoch, 1, [Change(product, 1)]), lambda: look(driver)):
            with pytest.raises(Permanent) as refusal:
                ask()
            assert refusal.value.facts["reason"] == "obstacle"
        assert driver.row(product).quantity == 5

    def test_variants_of_an_add_on_are_told(self, mariadb, php):
        shop = direct(families.ZenCart)(mariadb, php)
        plain, varied = shop.add_product("P", 5), shop.add_product("V", 5)
        shop.sql("INSERT INTO products_options_stock (products_id) VALUES (%s)", (varied,))
        assert [row.flags for row in shop.shop().rows([plain, varied])] == [0, 4]
        assert shop.shop().hello().version == "2.2.2"
        shop.close()


class TestRights:
    """The user of these tests has what ``onhand cart grants`` prints, and every verb works; here is what he has not."""

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE products SET products_ordered = 1",
            "UPDATE products SET products_price = 1",
            "UPDATE products SET products_last_modified = NOW()",
            "INSERT INTO products (products_quantity) VALUES (1)",
            "DELETE FROM products",
            "UPDATE orders SET orders_status = 1",
            "UPDATE orders_products SET products_quantity = 1",
            "UPDATE configuration SET configuration_value = ''",
            "DELETE FROM onhand_state",
            "DROP TABLE onhand_state",
            "ALTER TABLE products ADD COLUMN more INT",
            "CREATE TABLE more (id INT)",
            "LOCK TABLES products WRITE",
            "SELECT customers_name FROM orders",
            "SELECT comments FROM orders_status_history",
            "SELECT * FROM orders_products_attributes",
        ],
    )
    def test_nothing_else_can_be_written_and_no_customer_be_read(self, driver, statement):
        driver.shop().hello()
        with pymysql.connect(
            host="127.0.0.1",
            port=driver.mariadb.port,
            user=driver.login,
            password=PASSWORD.encode(),
            database=driver.database,
        ) as connection:
            with pytest.raises(pymysql.MySQLError) as refusal:
                connection.cursor().execute(statement)
            assert refusal.value.args[0] in (1044, 1142, 1143)


class TestBesideTheFile:
    """A cart may go from the PHP file to direct MySQL and back: same memory, same lock."""

    def test_batches_go_on_in_the_same_epoch(self, driver):
        product, file, here = driver.add_product("A", 10), families_endpoint(driver), driver.shop()
        epoch = file.hello().epoch
        assert here.hello().epoch == epoch
        assert file.apply(epoch, 1, [Change(product, 1), Change(product + 9, 1)]).last_seq == 2
        again = here.apply(epoch, 1, [Change(product, 1), Change(product + 9, 1)])
        assert (again.outcome, again.failed) == (Outcome.ALREADY, {product + 9: "missing"})
        assert here.apply(epoch, 3, [Change(product + 9, 1), Change(product, 1)]).failed == {product + 9: "missing"}
        again = file.apply(epoch, 3, [Change(product + 9, 1), Change(product, 1)])
        assert (again.outcome, again.failed) == (Outcome.ALREADY, {product + 9: "missing"})
        assert driver.row(product).quantity == 12

    @both_engines
    def test_both_see_the_same(self, driver):
        driver.sell(driver.add_product("A", 10, name="Größe"), 2)
        driver.prepare(driver.add_product(None, 5), 1)
        driver.make_download(driver.add_product("D", 7))
        file, here = families_endpoint(driver), driver.shop()
        seen, told = here.look(0, 0, 9, True, True), file.look(0, 0, 9, True, True)
        for name in ("lines", "more", "last_line", "window", "sums", "catalogue"):
            assert getattr(seen, name) == getattr(told, name)
        assert here.listings(0, 9).rows == file.listings(0, 9).rows
        assert here.cells(7) == file.cells(7)

    @pytest.mark.parametrize("slow", ["file", "direct"])
    def test_each_waits_for_the_other(self, driver, slow):
        product = driver.add_product("A", 10)
        epoch = driver.shop().hello().epoch
        driver.sql(
            "CREATE TRIGGER slow BEFORE UPDATE ON products FOR EACH ROW SET NEW.products_tax_class_id = SLEEP(1)"
        )
        one, other = families_endpoint(driver), driver.new_client()
        if slow == "direct":
            one, other = other, one
        thread = threading.Thread(target=lambda: one.apply(epoch, 1, [Change(product, 5)]))
        thread.start()
        at_work(driver)
        assert (
            other.look(0, 0, 1, False, False).last_seq == 1
        )  # it was served after the batch, though asked in the middle of it
        thread.join()
        one.disconnect()
        other.disconnect()


class TestBetweenVerbs:
    @both_engines
    def test_no_lock_and_no_transaction_is_held(self, driver):
        product = driver.add_product("A", 10)
        shop, epoch = driver.shop(), driver.shop().hello().epoch
        for verb in (
            lambda: shop.look(0, 0, 5, True, True),
            lambda: shop.cells(3),
            lambda: shop.listings(0, 5),
            lambda: shop.orders([1]),
            lambda: shop.apply(epoch, 1, [Change(product, 1)]),
            lambda: shop.apply(epoch, 1, [Change(product, 1)]),
        ):
            verb()
            assert driver.sql("SELECT IS_FREE_LOCK(%s)", (driver.lock_name,)) == [(1,)]
            assert driver.sql("SELECT COUNT(*) FROM information_schema.INNODB_TRX") == [(0,)]
        with pytest.raises(OnHandError):
            shop.apply(epoch, 9, [Change(product, 1)])
        time.sleep(0.1)
        assert driver.sql("SELECT IS_FREE_LOCK(%s)", (driver.lock_name,)) == [(1,)]

    def test_one_connection_serves_verb_after_verb_until_it_rested_too_long(self, driver):
        now = [0.0]
        shop = driver.new_client(clock=lambda: now[0])
        shop.hello()
        (first,) = ours(driver)
        now[0] += 9
        shop.look(0, 0, 1, True, False)
        assert ours(driver) == [first]
        now[0] += 11
        shop.look(0, 0, 1, True, False)
        (later,) = ours(driver)
        assert later != first
        shop.disconnect()

    def test_the_server_ends_a_session_that_fell_silent(self, driver):
        shop = driver.new_client()
        shop.hello()
        assert shop._server.row("SELECT @@SESSION.wait_timeout") == (b"20",)
        shop.disconnect()


class TestCrashes:
    """The connection, or the whole process, dies in the middle of an apply."""

    def slow(self, driver):
        driver.sql(
            "CREATE TRIGGER slow BEFORE UPDATE ON products FOR EACH ROW SET NEW.products_tax_class_id = SLEEP(0.7)"
        )

    def in_background(self, driver, epoch, *changes):
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

    def process(self, driver, epoch, *changes):
        """The same in a process of its own, to be killed."""
        code = (
            "import sys, time; from onhand.carts.mysql import MySql; from onhand.domain.shop import Change\n"
            "password = sys.stdin.readline()[:-1]\n"
            f"MySql({driver.address!r}, password, clock=time.monotonic)"
            f".apply({epoch!r}, 1, [Change(*change) for change in {changes!r}])"
        )
        process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, text=True, encoding="utf-8")
        process.stdin.write(f"{PASSWORD}\n")
        process.stdin.close()
        return process

    def killed(self, process):
        process.kill()
        process.wait()

    def test_a_connection_killed_on_innodb_leaves_nothing_behind(self, driver):
        a, b = driver.add_product("A", 10), driver.add_product("B", 10)
        self.slow(driver)
        thread, ended = self.in_background(driver, driver.shop().hello().epoch, (a, 5), (b, 7))
        driver.sql("KILL %s", (at_work(driver),))
        thread.join()
        assert isinstance(ended[0], Retriable)
        driver.sql("DROP TRIGGER slow")
        assert (look(driver).begun, look(driver).last_seq) == (False, 0)
        assert counters(driver, [a, b]) == {a: Counters(10, 0), b: Counters(10, 0)}
        assert apply(driver, 1, (a, 5), (b, 7)).outcome is Outcome.APPLIED
        assert counters(driver, [a, b]) == {a: Counters(15, 0), b: Counters(17, 0)}

    @pytest.mark.parametrize("driver", ["MyISAM"], indirect=True)
    def test_a_connection_killed_on_myisam_leaves_the_batch_unfinished(self, driver):
        a, b = driver.add_product("A", 10), driver.add_product("B", 10)
        self.slow(driver)
        thread, ended = self.in_background(driver, driver.shop().hello().epoch, (a, 5), (b, 7))
        connection = at_work(driver)
        time.sleep(1)  # the first row is written, the second is not
        driver.sql("KILL %s", (connection,))
        thread.join()
        assert isinstance(ended[0], Retriable)
        driver.sql("DROP TRIGGER slow")
        assert look(driver).begun
        assert apply(driver, 1, (a, 5), (b, 7)).outcome is Outcome.UNFINISHED
        assert [row.quantity for row in driver.shop().rows([a, b])] == [15, 10]
        assert apply(driver, 1, (a, 5), (b, 7), close=True).outcome is Outcome.CLOSED
        assert apply(driver, 3, (b, 7)).outcome is Outcome.APPLIED
        assert counters(driver, [a, b]) == {a: Counters(15, 0), b: Counters(17, 0)}

    def test_a_process_killed_on_innodb_leaves_nothing_behind(self, driver):
        product = driver.add_product("A", 10)
        self.slow(driver)
        process = self.process(driver, driver.shop().hello().epoch, (product, 5))
        at_work(driver)
        self.killed(process)
        driver.sql("DROP TRIGGER slow")  # waits until the statement has ended
        assert (look(driver).begun, look(driver).last_seq) == (False, 0)
        assert driver.row(product).quantity == 10
        assert apply(driver, 1, (product, 5)).outcome is Outcome.APPLIED
        assert driver.row(product).quantity == 15

    @pytest.mark.parametrize("driver", ["MyISAM"], indirect=True)
    def test_a_process_killed_on_myisam_leaves_the_batch_unfinished(self, driver):
        a, b = driver.add_product("A", 10), driver.add_product("B", 10)
        self.slow(driver)
        process = self.process(driver, driver.shop().hello().epoch, (a, 5), (b, 7))
        at_work(driver)
        self.killed(process)
        # The database goes on, and the next verb waits until the statement has ended: the lock belongs to the connection.
        assert look(driver).begun
        assert counters(driver, [a, b]) == {a: Counters(15, 0), b: Counters(17, 0)}
        driver.sql("DROP TRIGGER slow")
        assert apply(driver, 1, (a, 5), (b, 7)).outcome is Outcome.UNFINISHED
        assert apply(driver, 1, (a, 5), (b, 7), close=True).outcome is Outcome.CLOSED
        assert apply(driver, 1, (a, 5), (b, 7)).outcome is Outcome.ALREADY
        assert apply(driver, 3, (a, 1)).outcome is Outcome.APPLIED

    @pytest.mark.parametrize("driver", ["MyISAM"], indirect=True)
    def test_a_crash_before_the_update_leaves_the_batch_unfinished_too(self, driver):
        product = driver.add_product("A", 10)
        blocker = driver.mariadb.connect(driver.database)
        try:
            with blocker.cursor() as cursor:
                cursor.execute("LOCK TABLES products READ")  # lets the connector read, but not write
                thread, _ = self.in_background(driver, driver.shop().hello().epoch, (product, 5))
                driver.sql("KILL %s", (at_work(driver),))
                thread.join()
                cursor.execute("UNLOCK TABLES")
        finally:
            blocker.close()
        assert look(driver).begun
        assert apply(driver, 1, (product, 5)).outcome is Outcome.UNFINISHED
        assert driver.row(product).quantity == 10
        assert apply(driver, 1, (product, 5), close=True).outcome is Outcome.CLOSED
        assert apply(driver, 2, (product, 5)).outcome is Outcome.APPLIED
        assert driver.row(product).quantity == 15

    @both_engines
    def test_a_commit_whose_answer_is_lost_is_answered_already(self, driver):
        product = driver.add_product("A", 10)
        epoch = driver.shop().hello().epoch
        with Wiretap(driver.mariadb.port) as wire:
            shop = driver.new_client(address=driver.address.replace(str(driver.mariadb.port), str(wire.port)))
            shop.hello()
            # On MyISAM the first commit is that of the note, so it is the second whose answer is lost.
            wire.lose_the_answer_to(b"COMMIT", 2 if driver.engine == "MyISAM" else 1)
            with pytest.raises(Retriable) as trouble:
                shop.apply(epoch, 1, [Change(product, 5), Change(product + 9, 1)])
            assert trouble.value.facts["reason"] == "cut"
            result = shop.apply(epoch, 1, [Change(product, 5), Change(product + 9, 1)])
            shop.disconnect()
        assert (result.outcome, result.failed) == (Outcome.ALREADY, {product + 9: "missing"})
        assert driver.row(product).quantity == 15

    def test_an_answer_that_takes_too_long_is_given_up_and_nothing_is_sent_twice(self, driver):
        product = driver.add_product("A", 10)
        epoch = driver.shop().hello().epoch
        self.slow(driver)
        hasty = driver.new_client(read_timeout_seconds=0.3)
        with pytest.raises(Retriable) as trouble:
            hasty.apply(epoch, 1, [Change(product, 5)])
        assert trouble.value.facts["reason"] == "timeout"
        assert look(driver).last_seq == 0
        driver.sql("DROP TRIGGER slow")
        assert apply(driver, 1, (product, 5), epoch=epoch).outcome is Outcome.APPLIED
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


class TestQuestions:
    @pytest.mark.parametrize(
        "ask",
        [
            lambda shop: shop.look(1, 2, 10, False, False),
            lambda shop: shop.look(0, 0, 0, False, False),
            lambda shop: shop.look(-1, -1, 1, False, False),
            lambda shop: shop.cells(0),
            lambda shop: shop.apply("e", 1, []),
            lambda shop: shop.apply("e", 0, [Change(1, 1)]),
            lambda shop: shop.apply("e", 1, [Change(1, 10**15)]),
        ],
    )
    def test_what_cannot_be_asked_is_refused(self, driver, ask):
        with pytest.raises(Permanent) as refusal:
            ask(driver.shop())
        assert refusal.value.facts["reason"] == "request"

    @pytest.mark.parametrize(
        "ask",
        [
            lambda shop: shop.look(0, 0, 2001, False, False),
            lambda shop: shop.listings(0, 2001),
            lambda shop: shop.rows(range(2001)),
            lambda shop: shop.orders(range(2001)),
        ],
    )
    def test_what_is_over_a_limit_is_refused(self, driver, ask):
        with pytest.raises(Permanent) as refusal:
            ask(driver.shop())
        assert refusal.value.facts["reason"] == "too_large"

    def test_only_whole_numbers_come_into_a_statement(self, driver):
        with pytest.raises(ValueError):
            driver.shop().rows(["1) OR (1=1"])


def at_work(driver):
    """Waits until a connector's connection is at its one UPDATE; answers the connection's id."""
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


def ours(driver):
    """The ids of the connector's connections."""
    time.sleep(0.1)
    return [
        row[0] for row in driver.sql("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = %s", (driver.login,))
    ]
