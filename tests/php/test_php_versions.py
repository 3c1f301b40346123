"""Runs the connector on PHP 5.6 to 8.5: the whole contract, on both engines, through both drivers, on a real MariaDB.

Path: pytest, by ``make test-php``. The shop's own pages run on Debian's PHP, as ``tests/carts`` runs everything.
Promise: beside right answers, no version writes a warning, a notice or a deprecation to its error log.
Never: names what Debian's PHP shows as well; below the contract stands only what differs from version to version.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import threading

import httpx2
import pytest

from onhand.carts.signing import Key, key_file
from onhand.domain.errors import OnHandError, Permanent, Retriable
from onhand.domain.shop import FRACTION
from onhand.domain.sketch import Counters, Sums, cells_of
from tests.carts.contract import LockContract, ShopContract, WireContract, apply, look, post
from tests.php.wasm import EVERYTHING, WasmPhp
from tests.servers import MariaDB, PhpServer, shared_mariadb, shared_php
from tests.shops.families import OsCommerce23
from tests.shops.shop import CONNECTOR

pytestmark = [pytest.mark.php, pytest.mark.servers]

# Those that the promise names, both ends, and both sides of the step from 5 to 7, which changed errors into exceptions.
VERSIONS = ("5.6", "7.0", "7.4", "8.1", "8.4", "8.5")
OLD_BUILDS = ("5.6", "7.0")  # compiled with 32 bits, and without a network for what runs once a page has ended
COMPLAINT = re.compile(
    r"^.*\b(?:Warning|Notice|Deprecated|Strict Standards|Fatal error|Parse error|RuntimeError)\b.*$", re.MULTILINE
)


@pytest.fixture(scope="session", params=[pytest.param(v, marks=pytest.mark.xdist_group(v)) for v in VERSIONS])
def version(request) -> str:
    return request.param


@pytest.fixture(scope="session")
def mariadb() -> MariaDB:
    return shared_mariadb()


@pytest.fixture(scope="session")
def by_mysqli(version):
    with WasmPhp(version, *EVERYTHING) as server:
        yield server


@pytest.fixture(scope="session")
def by_pdo(version):
    """As on a host that has PDO only."""
    with WasmPhp(version, *EVERYTHING, "disable_functions=mysqli_init") as server:
        yield server


def shop_on(mariadb: MariaDB, php: PhpServer, engine: str = "InnoDB", **more) -> OsCommerce23:
    return OsCommerce23(mariadb, shared_php(), engine, connector_php=php, **more)


class Quiet:
    """What PHP complains of fails the test that brought it about."""

    @pytest.fixture(autouse=True)
    def quiet(self, by_mysqli, by_pdo):
        before = {server: len(server.log()) for server in (by_mysqli, by_pdo)}
        yield
        assert [line for server, read in before.items() for line in COMPLAINT.findall(server.log()[read:])] == []


@pytest.fixture(scope="session")
def on_innodb(mariadb, by_mysqli):
    """One shop for many tests, which empty it first; so is the next."""
    shop = shop_on(mariadb, by_mysqli)
    yield shop
    shop.close()


@pytest.fixture(scope="session")
def on_myisam(mariadb, by_pdo):
    shop = shop_on(mariadb, by_pdo, "MyISAM")
    yield shop
    shop.close()


class TestOnInnoDBByMysqli(Quiet, ShopContract, LockContract, WireContract):
    @pytest.fixture
    def driver(self, on_innodb):
        on_innodb.empty()
        return on_innodb

    @pytest.fixture
    def wire(self, driver):
        return driver.wire()


class TestOnMyISAMByPdo(Quiet, ShopContract):
    @pytest.fixture
    def driver(self, on_myisam):
        on_myisam.empty()
        return on_myisam


@pytest.fixture
def driver(mariadb, by_mysqli):
    shop = shop_on(mariadb, by_mysqli)
    yield shop
    shop.close()


@pytest.fixture(params=["mysqli", "PDO"])
def either(request, mariadb, by_mysqli, by_pdo):
    """A shop, through each of the two drivers."""
    shop = shop_on(mariadb, by_mysqli if request.param == "mysqli" else by_pdo)
    yield shop
    shop.close()


class TestValues(Quiet):
    """How versions and drivers read text and numbers."""

    def test_text_that_is_not_utf8_is_marked(self, either):
        either.sql("ALTER TABLE products_description MODIFY products_name VARBINARY(64) NOT NULL")
        product = either.add_product("A", 5)
        either.sql("UPDATE products_description SET products_name = %s", (b"Gr\xfc\xdfe \xe2\x82\xac \xed\xa0\x80!",))
        assert either.shop().rows([product])[0].name == "Gr\ufffd\ufffde € \ufffd\ufffd\ufffd!"

    def test_an_old_latin1_shop_speaks_utf8_to_us(self, mariadb, by_pdo):
        shop = shop_on(mariadb, by_pdo, "MyISAM", collation="DEFAULT CHARACTER SET latin1")
        product = shop.add_product("Ärmel", 5, name="Größe")
        assert [(row.model, row.name) for row in shop.shop().rows([product])] == [("Ärmel", "Größe")]
        shop.close()

    @pytest.mark.parametrize("column", ["FLOAT", "DECIMAL(15,4)"])
    def test_fractions_are_flagged_and_rounded_alike_everywhere(self, either, column):
        either.sql(f"ALTER TABLE products MODIFY products_quantity {column} NOT NULL")
        whole, half = either.add_product("W", 1234567), either.add_product("H", 0)
        either.sql("UPDATE products SET products_quantity = 10.75 WHERE products_id = %s", (half,))
        rows = either.shop().rows([whole, half])
        assert [(row.quantity, row.flags) for row in rows] == [(1234567, 0), (11, FRACTION)]
        assert look(either, sums=True).sums == Sums.total(Sums.of(row.product, row.quantity, 0, 1) for row in rows)
        expected = cells_of({row.product: Counters(row.quantity, 0) for row in rows}, 5)
        assert list(either.shop().cells(5)) == expected
        assert apply(either, 1, (half, 3)).failed == {}
        assert either.row(half).quantity == pytest.approx(13.75)

    @pytest.mark.parametrize(
        ("column", "least", "most"),
        [("SMALLINT UNSIGNED", 0, 65535), ("INT", -(2**31), 2**31 - 1), ("DECIMAL(8,2)", -999999, 999999)],
    )
    def test_the_range_is_that_of_the_column(self, driver, column, least, most):
        driver.sql(f"ALTER TABLE products MODIFY products_quantity {column} NOT NULL")
        low, high = driver.add_product("L", least + 1), driver.add_product("H", most - 1)
        assert apply(driver, 1, (low, -2), (high, 2)).failed == {low: "range", high: "range"}
        assert apply(driver, 3, (low, -1), (high, 1)).failed == {}
        assert [row.quantity for row in driver.shop().rows([low, high])] == [least, most]

    def test_what_needs_more_than_32_bits_is_read_as_it_is(self, either):
        either.sql("ALTER TABLE products MODIFY products_quantity BIGINT NOT NULL")
        product = either.add_product("A", 5_000_000_000)
        assert either.shop().rows([product])[0].quantity == 5_000_000_000

    def test_what_needs_more_than_32_bits_is_posted_whole_or_refused(self, either, version):
        either.sql("ALTER TABLE products MODIFY products_quantity BIGINT NOT NULL")
        product = either.add_product("A", 10)
        if version in OLD_BUILDS:
            with pytest.raises(Permanent) as refusal:
                apply(either, 1, (product, 5_000_000_000))
            assert refusal.value.facts["reason"] == "request"
            assert either.row(product).quantity == 10
        else:
            assert apply(either, 1, (product, 5_000_000_000)).failed == {}
            assert either.row(product).quantity == 5_000_000_010


class TestSetUp:
    """What stands in the way; versions throw, warn or die of it, and the answer is the same."""

    def refusal(self, driver, kind: type[OnHandError] = Permanent):
        with pytest.raises(kind) as refusal:
            driver.shop().hello()
        return refusal.value

    def test_hello_names_the_php(self, either, version):
        assert either.shop().hello().runtime.startswith(f"PHP {version}.")

    def test_a_configuration_that_prints_and_warns(self, driver):
        file = driver.root / "includes" / "configure.php"
        file.write_text("\ufeff hello\n" + file.read_text() + "\necho $nowhere; define('DB_SERVER', 'twice');\n?>\n\n")
        assert driver.shop().hello().family == "oscommerce"

    def test_a_broken_configuration_is_an_internal_error(self, driver):
        (driver.root / "includes" / "configure.php").write_text("<?php this is no PHP")
        assert self.refusal(driver, Retriable).facts["reason"] == "internal"

    def test_a_configuration_that_calls_what_is_not_there_is_an_internal_error(self, driver):
        (driver.root / "includes" / "configure.php").write_text("<?php mysql_connect_somehow();")
        assert self.refusal(driver, Retriable).facts["reason"] == "internal"

    def test_a_configuration_that_takes_all_memory_is_an_internal_error(self, driver):
        (driver.root / "includes" / "configure.php").write_text(
            "<?php ini_set('memory_limit', '16M'); $all = str_repeat('x', 64 * 1024 * 1024);"
        )
        assert self.refusal(driver, Retriable).facts["reason"] == "internal"

    def test_the_local_configuration_wins(self, driver):
        (driver.root / "includes" / "local").mkdir()
        (driver.root / "includes" / "local" / "configure.php").write_text(
            f"<?php define('DB_DATABASE', '{driver.database}');"
        )
        driver.configure(database="shop_elsewhere")
        assert driver.shop().hello().family == "oscommerce"

    def test_a_missing_key_file(self, driver):
        (driver.root / "onhand-key.php").unlink()
        assert self.refusal(driver).facts["reason"] == "config"

    def test_a_wrong_database_password(self, either):
        either.configure(password="wrong")
        refusal = self.refusal(either, Retriable)
        assert refusal.facts["reason"] == "database"
        assert "user or password" in refusal.message

    def test_a_database_that_is_down(self, either):
        either.configure(server="127.0.0.1:1")
        assert self.refusal(either, Retriable).facts["reason"] == "database"

    def test_a_table_that_lacks_a_column(self, either):
        either.sql("ALTER TABLE products DROP COLUMN products_ordered")
        refusal = self.refusal(either)
        assert refusal.facts["reason"] == "tables"
        assert "products_ordered" in refusal.message

    def test_plain_http_from_elsewhere_is_refused_and_https_at_a_proxy_served(self, driver):
        elsewhere = {"x_forwarded_for": "192.0.2.7"}
        answer, _ = post(driver.wire(), b'{"verb":"hello"}', **elsewhere)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "https")
        answer, _ = post(driver.wire(), b'{"verb":"hello"}', **elsewhere, x_forwarded_proto="https")
        assert answer.status_code == 200


class TestHint(Quiet):
    """The optional file that tells OnHand of a sale, at the end of a page of the shop."""

    def test_a_page_that_sold_sends_one_signed_hint(self, driver, version):
        if version in OLD_BUILDS:
            pytest.skip("As this PHP was compiled, it has no network left once a page has ended.")
        shutil.copy(CONNECTOR.with_name("onhand-hint.php"), driver.root)
        (driver.root / "sold.php").write_text("<?php include_once __DIR__ . '/onhand-hint.php'; echo 'sold';")
        with socket.create_server(("127.0.0.1", 0)) as onhand:
            onhand.settimeout(20)
            address = f"http://127.0.0.1:{onhand.getsockname()[1]}"
            (driver.root / "onhand-key.php").write_text(
                key_file(driver.key_id, driver.secret_hex, False, "", f"{address}/hint/7")
            )
            heard: list[bytes] = []
            listener = threading.Thread(target=lambda: heard.append(hear(onhand)))
            listener.start()
            page = httpx2.get(driver.url.replace("onhand.php", "sold.php"), timeout=20)
            listener.join()
        assert (page.status_code, page.text) == (200, "sold")
        head, _, body = heard[0].partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        assert first == "POST /hint/7 HTTP/1.1"
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        Key.of(driver.key_id, driver.secret_hex).check_request("/hint/7", body, headers)


def hear(server: socket.socket) -> bytes:
    """One request with its body, answered as OnHand answers a hint."""
    connection, _ = server.accept()
    with connection:
        request = b""
        while not request.endswith(b"}"):
            part = connection.recv(4096)
            assert part, request
            request += part
        connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
    return request


class TestTheServer:
    """The server of this folder is as true a web server as PHP's own; Debian's is the measure."""

    PROBE = """<?php
        header('X-Told: once'); header('X-Told: twice', false); http_response_code(418);
        $told = array('body' => md5(file_get_contents('php://input')), 'file' => basename(__FILE__));
        foreach ($_SERVER as $name => $value) {
            if (preg_match('/^(HTTP_X_.*|HTTP_HOST|CONTENT_.*|QUERY_STRING|REMOTE_ADDR|SERVER_(NAME|PORT|PROTOCOL)'
                . '|REQUEST_(METHOD|URI)|SCRIPT_NAME|PHP_SELF)$/', $name) && $value !== '') {
                $told[$name] = $value;
            }
        }
        $told['script'] = realpath($_SERVER['SCRIPT_FILENAME']) === __FILE__;
        ksort($told);
        echo json_encode($told);
        exit;"""

    def ask(self, server: PhpServer, path: str, body: bytes | None, **headers: str):
        (server.root / "probe").mkdir(exist_ok=True)
        (server.root / "probe" / "probe.php").write_text(self.PROBE)
        answer = httpx2.request("POST" if body is not None else "GET", server.url + path, content=body, headers=headers)
        told = json.loads(answer.text.replace(str(server.port), "PORT"))
        return answer.status_code, answer.headers.get_list("x-told"), answer.headers["content-type"].lower(), told

    def test_php_is_told_what_php_s_own_server_tells_it(self, by_mysqli):
        for path, body, headers in (
            ("/probe/probe.php", b'{"verb":"hello"}', {"content-type": "application/json", "x-one": 'a;b="c"'}),
            ("/probe/probe.php?a=%20b&c", None, {"x-two": "2"}),
            ("/probe/probe.php", "Größe ☃".encode() * 40_000, {"content-type": "text/plain"}),
        ):
            assert self.ask(by_mysqli, path, body, **headers) == self.ask(shared_php(), path, body, **headers)

    def test_what_is_not_there_is_not_found(self, by_mysqli):
        assert httpx2.get(by_mysqli.url + "/nowhere.php").status_code == 404

    def test_what_php_complains_of_stands_in_the_log(self, by_mysqli):
        (by_mysqli.root / "probe").mkdir(exist_ok=True)
        (by_mysqli.root / "probe" / "careless.php").write_text("<?php ini_set('display_errors', '0'); echo $nothing;")
        before = len(by_mysqli.log())
        httpx2.get(by_mysqli.url + "/probe/careless.php")
        assert COMPLAINT.findall(by_mysqli.log()[before:])
