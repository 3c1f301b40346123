"""Stories of a shop that is not as it should be: each time one clear sentence, nothing lost, and on it goes once it is mended."""

from __future__ import annotations

from datetime import timedelta

import pytest

from onhand.carts.signing import key_file, new_key
from onhand.clock import SystemClock
from onhand.domain.differences import HEALS_PER_HOUR
from onhand.domain.errors import OnHandError
from tests.servers import PASSWORD
from tests.shops.families import OsCommerce23
from tests.stories.stage import Stage, eventually

pytestmark = [pytest.mark.servers, pytest.mark.long]


class TestTheBrake:
    @pytest.mark.parametrize(("verb", "units"), [("send_qoh", 10), ("get_qoh", 17)])
    def test_thirty_of_forty_counts_changed_at_once_stop_the_cart(self, tmp_path, mariadb, php, verb, units):
        stock = {f"SKU-{n}": 10 for n in range(40)}
        with Stage(tmp_path, stock) as stage:
            amber, birch = [stage.open_shop(OsCommerce23(mariadb, php)) for _ in range(2)]
            stage.align()
            redirected = amber.prepare("SKU-1", 4)
            amber.driver.sql(
                "UPDATE products SET products_quantity = products_quantity + 7 ORDER BY products_id LIMIT 30"
            )
            stage.eventually(lambda: stage.cart(amber)["state"] == "stopped")
            assert stage.cart(amber)["halted"] == "30 of 40 listings would change at once."
            assert stage.causes() == [("brake", 0)]
            birch.sell("SKU-39", 1)
            amber.sell("SKU-2", 2)  # what it sells is booked, so the other shop stays right
            stage.eventually(lambda: (stage.on_hand()["SKU-39"], birch.shows("SKU-2")) == (9, 8))
            amber.driver.pay(redirected)
            stage.looks_pass()
            assert (amber.shows("SKU-0"), amber.shows("SKU-39"), birch.shows("SKU-0")) == (17, 10, 10)
            assert stage.verb("posts", cart="Amber")["posts"] == []

            stage.verb(verb, cart="Amber")
            stage.all_show(**{"SKU-0": units, "SKU-1": units - 4, "SKU-2": units - 2, "SKU-29": units, "SKU-30": 10})
            assert stage.movements("SKU-1")[0] == ("sale", -4, str(redirected))
            amber.sell("SKU-0", 1)
            stage.all_show(**{"SKU-0": units - 1})
            stage.eventually(stage.in_step)


@pytest.mark.parametrize(("side", "units"), [("ours", 10), ("theirs", 50)])
def test_a_script_that_keeps_writing_one_count_is_healed_three_times_and_then_asked_about(stage, side, units):
    amber, birch = stage.shops

    def script_writes():
        at = amber.driver.sql("SELECT now()")
        eventually(lambda: amber.driver.sql("SELECT now()") != at)  # the shop notes its times in whole seconds
        amber.save_form("MUG", quantity=50)

    for healed in range(1, HEALS_PER_HOUR + 1):
        script_writes()
        stage.eventually(lambda healed=healed: len(stage.differences()) == healed)
        stage.all_show(MUG=10)
    script_writes()
    stage.eventually(lambda: len(stage.differences()) == HEALS_PER_HOUR + 1)
    stage.looks_pass()
    assert (amber.shows("MUG"), birch.shows("MUG")) == (50, 10)
    (question,) = stage.differences(open_only=True)
    assert (question["cause"], question["remedy"], question["amount"]) == ("edit in the shop", "ask", 40)

    stage.verb("decide", difference=question["id"], side=side, person="Ann")
    stage.all_show(MUG=units)
    stage.all_is_well()


class Clock(SystemClock):
    """A clock that somebody has set wrong by some hours."""

    def __init__(self):
        self.wrong = timedelta()

    def now(self):
        return super().now() + self.wrong


class Trouble:
    """One way to break Amber, and to mend it; ``says`` is part of the sentence a person is given."""

    says = ""
    is_seen_by_looking = True

    def __init__(self, stage, clock):
        self.stage, self.clock, self.driver = stage, clock, stage.shops[0].driver

    def prepare(self):
        """What has to be done before the cart is connected."""

    def page(self, php):
        """Another page where the connector is looked for; only an address that ends in the connector's name is taken."""
        (self.driver.root / "onhand-other.php").write_text(php)
        self.stage.verb("cart_edit", cart="Amber", url=f"{self.driver.base_url}/onhand-other.php")

    def mend(self):
        self.stage.verb("cart_edit", cart="Amber", url=self.driver.url)


class AWrongKey(Trouble):
    says = "the key of this cart differ"

    def break_it(self):
        self.write(*new_key())

    def mend(self):
        self.write(self.driver.key_id, self.driver.secret_hex)

    def write(self, key_id, secret, prefix=""):
        (self.driver.root / "onhand-key.php").write_text(key_file(key_id, secret, False, prefix))


class AClockThatIsWrongByAnHour(Trouble):
    says = "clock"

    def break_it(self):
        self.clock.wrong = timedelta(hours=1)

    def mend(self):
        self.clock.wrong = timedelta()


class APageInsteadOfData(Trouble):
    says = "page instead of data"

    def break_it(self):
        self.page("<html>Welcome</html>")


class ARedirectToALogin(Trouble):
    says = "redirects to https://amber.example/login.php"

    def break_it(self):
        self.page("<?php header('Location: https://amber.example/login.php');")


class AWrongPrefix(AWrongKey):
    says = "prefix"

    def break_it(self):
        self.write(self.driver.key_id, self.driver.secret_hex, "zen_")


class AnEmptyDatabase(Trouble):
    says = "database"

    def break_it(self):
        self.driver.configure(database=self.driver.mariadb.new_database())

    def mend(self):
        self.driver.configure()


class AReadOnlyDatabaseUser(Trouble):
    says = "UPDATE"
    is_seen_by_looking = False

    def prepare(self):
        self.root(
            f"CREATE OR REPLACE USER 'weak'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'",
            f"GRANT ALL ON `{self.driver.database}`.* TO 'weak'@'127.0.0.1'",
        )
        file = self.driver.root / "includes" / "configure.php"
        file.write_text(file.read_text().replace("'shop');", "'weak');"))

    def break_it(self):
        self.root(f"REVOKE UPDATE ON `{self.driver.database}`.* FROM 'weak'@'127.0.0.1'")

    def mend(self):
        self.root(f"GRANT UPDATE ON `{self.driver.database}`.* TO 'weak'@'127.0.0.1'")

    def root(self, *statements):
        with self.driver.mariadb.connect() as root, root.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


@pytest.mark.parametrize(
    "kind",
    [
        AWrongKey,
        AClockThatIsWrongByAnHour,
        APageInsteadOfData,
        ARedirectToALogin,
        AWrongPrefix,
        AnEmptyDatabase,
        AReadOnlyDatabaseUser,
    ],
)
def test_one_clear_sentence_nothing_lost_and_on_it_goes(tmp_path, mariadb, php, kind):
    clock = Clock()
    with Stage(tmp_path, {"MUG": 10, "PEN": 10}, clock=clock) as stage:
        for _ in range(2):
            stage.open_shop(OsCommerce23(mariadb, php))
        amber, birch = stage.shops
        trouble = kind(stage, clock)
        trouble.prepare()
        stage.align()

        trouble.break_it()
        if trouble.is_seen_by_looking:
            stage.eventually(lambda: trouble.says in stage.trouble(amber))
            with pytest.raises(OnHandError) as refusal:
                stage.verb("cart_test", cart="Amber")
            assert trouble.says in refusal.value.message
            assert_one_sentence(refusal.value.message)
        stage.receive("MUG", 5)
        stage.eventually(lambda: trouble.says in stage.trouble(amber))
        assert_one_sentence(stage.trouble(amber))
        assert stage.cart(amber)["state"] == "trouble"
        if kind is not AClockThatIsWrongByAnHour:  # there our own clock is wrong, and every shop refuses it
            stage.eventually(lambda: birch.shows("MUG") == 15)
            birch.sell("MUG", 1)
            stage.eventually(lambda: stage.on_hand()["MUG"] == 14)
        assert amber.shows("MUG") == 10

        trouble.mend()
        stage.all_is_well()
        assert stage.trouble(amber) == ""
        assert stage.on_hand() == {"MUG": 15 - birch.counters()["MUG"][1], "PEN": 10}
        assert stage.differences() == []


def assert_one_sentence(text):
    assert text.endswith("."), text
    assert "\n" not in text, text
    assert "Traceback" not in text, text
    assert len(text) < 300, text


def test_a_copy_of_a_product_is_shown_and_its_original_stays_in_step(stage):
    amber, birch = stage.shops
    copy = amber.driver.add_product(" mug ", 3)
    stage.eventually(lambda: stage.cart(amber)["duplicate"] == 1)
    birch.sell("MUG", 1)
    amber.sell("PEN", 1)
    stage.all_show(MUG=9, PEN=9)
    stage.all_is_well()
    assert amber.driver.row(copy).quantity == 3


def test_two_products_with_one_sku_are_left_alone_until_one_is_gone(tmp_path, mariadb, php):
    with Stage(tmp_path, {"MUG": 10, "PEN": 10}) as stage:
        amber, birch = [stage.open_shop(OsCommerce23(mariadb, php)) for _ in range(2)]
        twin = birch.driver.add_product(" mug ", 3)
        stage.align()
        problems = stage.verb("cart_products", cart="Birch", problem="any")["products"]
        assert [(found["model"], found["problem"]) for found in problems] == [
            ("MUG", "duplicate"),
            (" mug ", "duplicate"),
        ]
        stage.receive("MUG", 5)
        birch.sell("PEN", 1)  # all else goes on
        stage.eventually(lambda: (amber.shows("MUG"), amber.shows("PEN")) == (15, 9))
        stage.looks_pass()
        assert (birch.shows("MUG"), birch.driver.row(twin).quantity) == (10, 3)

        birch.driver.delete_product(twin)
        stage.eventually(lambda: stage.cart(birch)["duplicate"] == 0)
        stage.verb("send_qoh", cart="Birch")
        stage.all_show(MUG=15, PEN=9)
        stage.all_is_well()


def test_a_quantity_with_a_fraction_is_shown_and_left_alone_until_it_is_whole(tmp_path, mariadb, php):
    with Stage(tmp_path, {"MUG": 10, "PEN": 10}) as stage:
        amber, birch = [stage.open_shop(OsCommerce23(mariadb, php, "MyISAM")) for _ in range(2)]
        birch.driver.sql("ALTER TABLE products MODIFY products_quantity FLOAT NOT NULL")
        birch.save_form("MUG", quantity=2.5)
        stage.align()
        warnings = stage.verb("cart_test", cart="Birch")["warnings"]
        assert any("Quantities are of type float" in warning for warning in warnings), warnings
        assert stage.cart(birch)["untrackable"] == 1
        stage.receive("MUG", 5)
        birch.sell("PEN", 1)
        stage.eventually(lambda: (amber.shows("MUG"), amber.shows("PEN"), birch.shows("PEN")) == (15, 9, 9))
        stage.looks_pass()
        assert birch.shows("MUG") == 2.5

        birch.save_form("MUG", quantity=2)
        stage.verb("sync_off", cart="Birch")
        stage.verb("send_qoh", cart="Birch")
        stage.verb("sync_on", cart="Birch")
        birch.sell("MUG", 1)
        stage.all_show(MUG=14, PEN=9)
        stage.all_is_well()
