"""Tests that one process owns a store data file, and that every command works meanwhile.

Path: pytest; owners are processes of their own, killed and ended as an operating system would.
Promise: what is booked through an owner is booked once and stays after it.
Never: reaches an owner but through the door.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from onhand import lock as ownership
from onhand.app import App
from onhand.carts.sample import SampleShop
from onhand.cli import door
from onhand.config import Config
from onhand.domain.errors import Conflict, Permanent, Refused
from onhand.lock import Owned, Ownership
from onhand.storage import vault
from onhand.verbs import run
from onhand.wire import data_of
from tests.entrypoints.conftest import OnHand, connect, until

pytestmark = pytest.mark.slow  # every test starts a process of its own

SOON_SECONDS = 8.0  # an owner that is told to end is gone by then, whatever its shops do


def silent(*_):
    """Ignore progress."""


def end(process, number=signal.SIGTERM):
    """Tell a process to end; answers its exit code and how many seconds it took."""
    began = time.monotonic()
    process.send_signal(number)
    return process.wait(30), time.monotonic() - began


def serve(onhand):
    """Start `onhand serve` on a free port; answers the process and the port."""
    process = onhand.start("serve", "--port", "0")
    assert "http://127.0.0.1:" in process.greeting
    return process, int(process.greeting.rsplit(":", 1)[1].strip().rstrip("/"))


@pytest.mark.parametrize("role", [pytest.param("controller", marks=pytest.mark.long), "serve"])
def test_commands_go_through_the_process_that_owns_the_file(onhand, role):
    process = onhand.start(*([role] if role == "controller" else [role, "--port", "0"]))
    onhand("item", "add", "TEA", "--on-hand", 10)
    assert onhand.json("adjust", "TEA", "-3", "--reason", "broken")["on_hand"] == 7
    assert [m["person"] for m in onhand.json("movements")["movements"]] == ["Ann", "Ann"]
    said = onhand.json("receive", "TEA=1", "NO=1", code=1)["error"]
    assert (said["code"], said["facts"]) == ("refused", {"unknown": ["NO"]})
    assert onhand.json("item", "show", "TEA", "--limit", 100_000)["on_hand"] == 7
    assert onhand.json("status")["controller"] is True
    assert end(process)[0] == 0
    assert onhand.json("item", "show", "TEA")["on_hand"] == 7
    assert onhand.json("prove")["holds"] is True


def test_the_answer_is_the_same_with_an_owner_and_without(onhand, aligned):
    questions = [
        ("item", "list"),
        ("item", "show", "TEA"),
        ("param", "list"),
        ("cart", "products", "Amber"),
        ("prove",),
    ]
    alone = [onhand.json(*question) for question in questions]
    onhand.start("controller")
    assert [onhand.json(*question) for question in questions] == alone


def test_get_and_send_work_through_an_owner(onhand, amber):
    onhand.start("controller")
    assert onhand.json("get-qoh", "Amber", "--create")["counts"] == {"created": 3}
    onhand("receive", "TEA=2")
    assert onhand.json("send-qoh", "Amber")["counts"] == {"changed": 1, "equal": 2}
    assert amber.shop.find("TEA").quantity == 12


def test_progress_comes_from_the_owner(onhand, amber):
    onhand.start("controller")
    phases = []
    config = Config(store=onhand.store)
    door.call(config, "get_qoh", {"cart": "Amber", "create": True}, lambda phase, *_: phases.append(phase))
    assert phases[0] == "reading"


def test_a_receipt_through_an_owner_reaches_the_shop_at_once(onhand, aligned):
    onhand("param", "set", "SynchQOH", "True")
    onhand("sync", "on", "Amber")
    process, _ = serve(onhand)
    onhand("receive", "TEA=5")
    until(lambda: aligned.shop.find("TEA").quantity == 15)
    aligned.shop.buy("TEA", 2)
    until(lambda: onhand.json("item", "show", "TEA")["on_hand"] == 13)
    until(lambda: onhand.json("status")["carts"][0]["state"] == "in step")
    onhand("status", "--check")
    assert end(process)[0] == 0


@pytest.mark.long
def test_status_check_fails_while_a_difference_needs_a_decision(onhand, aligned):
    onhand("param", "set", "SynchQOH", "True")
    onhand("cart", "edit", "Amber", "--policy", "ask")
    onhand("sync", "on", "Amber")
    process, _ = serve(onhand)
    until(lambda: onhand.json("status")["in_step"])
    onhand("status", "--check")
    aligned.shop.admin_save("TEA", 77)
    until(lambda: onhand.json("differences", "--open")["differences"])
    until(lambda: onhand.json("status")["carts"][0]["state"] == "waits for you")
    onhand("status", "--check", code=4)
    said = {onhand.json("cart", "show", "Amber")["state"], onhand.json("cart", "list")["carts"][0]["state"]}
    assert said == {"waits for you"}
    assert onhand.json("status")["in_step"] is False
    onhand("decide", onhand.json("differences", "--open")["differences"][0]["id"], "ours")
    until(lambda: onhand.json("status")["in_step"])
    onhand("status", "--check")
    assert end(process)[0] == 0


def test_status_names_oversold_low_and_unmatched_items(onhand, aligned):
    onhand("order", "add", "TEA=12", "--oversell")
    onhand("item", "edit", "MUG", "--reorder-point", "5")
    aligned.shop.add_product("CUP", "Cup", 4)
    onhand("send-qoh", "Amber")
    kinds = {notice["kind"]: notice["count"] for notice in onhand.json("status")["notices"]}
    assert kinds == {"oversold": 1, "unmatched": 1, "low": 1}
    text = onhand.text("status")
    assert "TEA −2" in text
    assert "MUG 3" in text
    assert onhand.json("listing", "create", "Amber", "--dry-run")["counts"] == {"created": 1}
    assert onhand.json("status")["carts"][0]["unmatched"] == 1
    assert onhand.json("listing", "create", "Amber")["counts"] == {"created": 1}
    assert onhand.json("item", "show", "CUP")["on_hand"] == 4
    onhand("listing", "create", "Amber", code=1)
    for command in ("switch-on", "leave-off"):
        onhand("listing", command, "Amber", aligned.shop.find("CUP").product, code=1)


@pytest.mark.long
def test_status_estimates_how_much_two_shops_may_oversell(onhand, aligned, tmp_path):
    with ExitStack() as afterwards:
        shop = SampleShop(tmp_path / "birch.db", "Birch").create([("TEA", "Green Tea", 10, 5.0)])
        afterwards.callback(shop.close)
        afterwards.callback(connect(onhand, shop, "Birch").stop)
        onhand("send-qoh", "Birch")
        onhand("param", "set", "SynchQOH", "True")
        for name in ("Amber", "Birch"):
            onhand("sync", "on", name)
        onhand("cart", "edit", "Birch", "--tick-seconds", "0.5")
        process, _ = serve(onhand)
        onhand("receive", "TEA=30")
        until(lambda: aligned.shop.find("TEA").quantity == shop.find("TEA").quantity == 40)
        aligned.shop.buy("TEA", 12)
        shop.buy("TEA", 12)
        until(lambda: onhand.json("item", "show", "TEA")["on_hand"] == 16)
        said = onhand.json("status")["oversell"]
        assert said == {
            "sku": "TEA",
            "rate_per_hour": pytest.approx(24 * 60),  # within the first minute of trade
            "window_seconds": 0.5,
            "shops": 2,
            "expected_units": pytest.approx(24 / 60 * 0.5 / 2),
        }
        assert "TEA, 1,400 an hour" in onhand.text("status")
        assert end(process)[0] == 0


@pytest.mark.parametrize("role", [pytest.param("controller", marks=pytest.mark.long), "serve"])
def test_a_second_owner_is_refused(onhand, role):
    first = onhand.start("controller")
    done = onhand.program(role, code=3)
    assert f"process {first.pid}" in done.stderr
    assert json.loads(onhand.program(role, "--json", code=3).stdout)["error"]["code"] == "owned"


def _by_a_symbolic_link(store, elsewhere):
    elsewhere.mkdir()
    (elsewhere / "other.db").symlink_to(store)
    return elsewhere / "other.db"


def _by_a_link_to_a_link(store, elsewhere):
    return _by_a_symbolic_link(_by_a_symbolic_link(store, elsewhere), elsewhere / "deeper")


def _by_a_link_to_its_folder(store, elsewhere):
    elsewhere.symlink_to(store.parent)
    return elsewhere / store.name


def _by_a_hard_link(store, elsewhere):
    elsewhere.mkdir()
    (elsewhere / "other.db").hardlink_to(store)
    return elsewhere / "other.db"


def _by_a_relative_path(store, _elsewhere):
    return Path(os.path.relpath(store))


def _after_the_notice_was_deleted(store, _elsewhere):
    store.with_name(store.name + ownership.SUFFIX).unlink()
    return store


def _after_its_folder_was_renamed(store, elsewhere):
    store.parent.rename(elsewhere)
    return elsewhere / store.name


def _after_a_backup_was_put_in_its_place(store, elsewhere):
    shutil.copy(store, elsewhere)
    elsewhere.replace(store)
    return store


@pytest.mark.parametrize(
    "reach",
    [_after_the_notice_was_deleted,
     *(pytest.param(reach, marks=pytest.mark.long) for reach in
       (_by_a_symbolic_link, _by_a_link_to_a_link, _by_a_link_to_its_folder, _by_a_hard_link, _by_a_relative_path,
        _after_its_folder_was_renamed, _after_a_backup_was_put_in_its_place))],
    ids=lambda reach: reach.__name__.strip("_"),
)  # fmt: skip
@pytest.mark.long
def test_a_second_owner_is_refused_under_any_name_of_the_file(tmp_path, reach):
    onhand = OnHand(tmp_path / "house" / "onhand.db")
    onhand("init")
    first = onhand.start("serve", "--port", "0")
    other = OnHand(reach(onhand.store, tmp_path / "elsewhere"))
    done = other.program("serve", "--json", "--port", "0", code=3)
    assert json.loads(done.stdout)["error"]["code"] == "owned"
    assert end(first)[0] == 0


@pytest.mark.long
def test_a_second_owner_is_refused_through_a_bind_mount(tmp_path):
    """Mounted in a namespace of its own, as a container would have it: that needs no rights."""
    onhand = OnHand(tmp_path / "house" / "onhand.db")
    onhand("init")
    (tmp_path / "mounted").mkdir()
    first = onhand.start("serve", "--port", "0")
    words = [sys.executable, "-m", "onhand", "--store", str(tmp_path / "mounted" / "onhand.db"), "controller", "--json"]
    script = (
        f'mount --bind {shlex.quote(str(onhand.store.parent))} {shlex.quote(str(tmp_path / "mounted"))} && exec "$@"'
    )
    root = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    done = subprocess.run([*root, "sh", "-c", script, "sh", *words], capture_output=True, timeout=60, check=False)
    assert done.returncode == 3, done.stderr
    assert json.loads(done.stdout)["error"]["code"] == "owned"
    assert end(first)[0] == 0


def test_commands_find_the_owner_and_its_key_file_through_a_symbolic_link(onhand, tmp_path):
    other = OnHand(_by_a_symbolic_link(onhand.store, tmp_path / "elsewhere"))
    process = onhand.start("controller")
    assert other.json("item", "add", "TEA", "--on-hand", 5)["on_hand"] == 5
    assert end(process)[0] == 0
    other("cart", "add", "Amber", "--url", "http://127.0.0.1:1/onhand.php")
    key = other.json("cart", "key", "Amber")["key_id"]
    assert onhand.json("cart", "key", "Amber")["key_id"] == key
    assert not list((tmp_path / "elsewhere").glob("*.key"))


def test_a_key_file_beside_the_symbolic_link_is_found(onhand, tmp_path):
    onhand("cart", "add", "Amber", "--url", "http://127.0.0.1:1/onhand.php")
    key = onhand.json("cart", "key", "Amber")["key_id"]
    link = _by_a_symbolic_link(onhand.store, tmp_path / "elsewhere")
    vault.beside(onhand.store).rename(link.with_name(link.name + vault.SUFFIX))
    assert OnHand(link).json("cart", "key", "Amber")["key_id"] == key


def test_a_file_with_two_hard_links_is_refused_until_one_is_gone(onhand, tmp_path):
    other = OnHand(_by_a_hard_link(onhand.store, tmp_path / "elsewhere"))
    for either in (onhand, other):
        assert either.json("status", code=1)["error"]["facts"]["reason"] == "links"
    other.store.unlink()
    onhand("status")


def test_a_deleted_notice_is_created_again(onhand):
    process = onhand.start("controller")
    _after_the_notice_was_deleted(onhand.store, None)
    assert (
        onhand.json("item", "add", "TEA", "--on-hand", 5)["on_hand"] == 5
    )  # within the ten seconds that a command waits
    assert end(process)[0] == 0


@pytest.mark.parametrize("move", [_after_its_folder_was_renamed, _after_a_backup_was_put_in_its_place])
def test_an_owner_stops_reading_and_writing_a_moved_or_replaced_file(tmp_path, move):
    """What it wrote would be lost, or would meet another owner's."""
    onhand = OnHand(tmp_path / "house" / "onhand.db")
    onhand("init")
    onhand("item", "add", "TEA", "--on-hand", 5)
    with App(onhand.store, "serve") as app:
        store = move(onhand.store, tmp_path / "elsewhere")
        for verb, arguments in (("receive", {"lines": [("TEA", 1)]}), ("item_list", {})):
            with pytest.raises(Permanent) as refused:
                run(app, verb, arguments, silent)
            assert refused.value.facts["reason"] == "replaced"
    assert OnHand(store).json("item", "show", "TEA")["on_hand"] == 5
    assert OnHand(store).json("prove")["holds"] is True


def test_a_second_open_in_one_process_keeps_the_locks_of_sqlite(onhand):
    """Closing any descriptor of a file drops all POSIX locks that the process has on it, SQLite's as well."""

    def held():
        inode = str(onhand.store.stat().st_ino)
        return sorted(line.split(None, 1)[1] for line in Path("/proc/locks").read_text().splitlines() if inode in line)

    with App(onhand.store, "serve") as app, app.database._engine.reader() as reader:
        reader.exec_driver_sql("SELECT * FROM items").all()
        before = held()
        with pytest.raises(Owned):
            Ownership(onhand.store, "again")
        assert any("POSIX" in lock for lock in before)
        assert held() == before


def test_after_a_kill_the_next_command_works(onhand):
    process = onhand.start("controller")
    onhand("item", "add", "TEA", "--on-hand", 2)
    end(process, signal.SIGKILL)
    assert onhand.json("item", "show", "TEA")["on_hand"] == 2
    onhand("receive", "TEA=1")
    assert onhand.json("prove")["holds"] is True


@pytest.mark.long
def test_many_commands_at_once_wait_for_each_other(onhand):
    onhand("item", "add", "TEA")
    line = [sys.executable, "-m", "onhand", "--store", str(onhand.store), "receive", "TEA=1"]
    running = [subprocess.Popen(line, stdout=subprocess.DEVNULL) for _ in range(4)]
    assert [process.wait(60) for process in running] == [0] * 4
    assert onhand.json("item", "show", "TEA")["on_hand"] == 4


def test_a_command_gives_up_when_a_short_one_takes_too_long(onhand, monkeypatch):
    monkeypatch.setattr(door, "WAIT_SECONDS", 0.2)
    with Ownership(onhand.store, "get-qoh"):
        assert onhand.json("status", code=3)["error"]["code"] == "owned"
        assert "`onhand get-qoh`" in onhand.text("status", code=3)
    onhand("status")


@pytest.mark.long
def test_a_watched_status_prints_one_line_of_json_each_second(onhand):
    process = onhand.start("status", "--watch", "--json")
    assert json.loads(process.greeting) == json.loads(process.stdout.readline())
    assert end(process, signal.SIGINT)[0] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_serve_cleanly(onhand, number):
    process, port = serve(onhand)
    code, seconds = end(process, number)
    assert code == 0
    assert seconds < SOON_SECONDS
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


@pytest.mark.long
def test_an_open_event_stream_does_not_block_the_end_of_serve(onhand):
    process, port = serve(onhand)
    stream = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    link = re.search(r"/begin/\S+", process.stdout.readline())[0]
    form = "name=Ida&password=correct+horse+battery&again=correct+horse+battery"
    stream.request("POST", link, form, {"Content-Type": "application/x-www-form-urlencoded"})
    answer = stream.getresponse()
    answer.read()
    stream.request("GET", "/events?page=/", headers={"Cookie": answer.headers["set-cookie"].partition(";")[0]})
    assert stream.getresponse().status == 200
    code, seconds = end(process)
    assert code == 0
    assert seconds < SOON_SECONDS
    stream.close()


@pytest.mark.long
def test_a_shop_that_never_answers_does_not_block_the_end_of_the_controller(onhand, aligned):
    onhand("param", "set", "SynchQOH", "True")
    onhand("sync", "on", "Amber")
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        asked = threading.Event()

        def accept():
            kept.append(deaf.accept())
            asked.set()

        kept = []
        threading.Thread(target=accept, daemon=True).start()
        onhand("cart", "edit", "Amber", "--url", f"http://127.0.0.1:{deaf.getsockname()[1]}/onhand.php")
        process = onhand.start("controller")
        assert asked.wait(20)
        code, seconds = end(process)
        kept[0][0].close()
    assert code == 0
    assert seconds < SOON_SECONDS
    onhand("status")


def test_serve_prints_its_address_as_json(onhand):
    process = onhand.start("serve", "--port", "0", "--json")
    assert json.loads(process.greeting)["url"].startswith("http://127.0.0.1:")


@pytest.mark.long
def test_a_taken_port_is_refused_and_releases_the_file(onhand):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = onhand.program("serve", "--json", "--port", str(port), code=1)
        assert json.loads(done.stdout)["error"]["facts"] == {"port": port}
    done = onhand.program("serve", "--json", "--host", "0.0.0.0", code=1)
    assert json.loads(done.stdout)["error"]["facts"] == {"host": "0.0.0.0"}
    onhand("status")


def test_an_answer_that_is_cut_off_is_a_conflict(onhand):
    """The caller cannot know whether it was done: it is told to look, and nothing is asked for twice."""
    with socket.create_server(("127.0.0.1", 0)) as owner, Ownership(onhand.store, "serve") as own:
        own.announce(f"http://127.0.0.1:{owner.getsockname()[1]}", "token")
        calls = []

        def die_in_the_middle():
            connection = owner.accept()[0]
            calls.append(connection.recv(65536))
            connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n{"progress":["a",1,2]}\n')
            connection.close()

        thread = threading.Thread(target=die_in_the_middle)
        thread.start()
        with pytest.raises(Conflict) as conflict:
            door.call(Config(store=onhand.store), "prove", {}, silent)
        assert conflict.value.facts["reason"] == "cut"
        thread.join()
        assert len(calls) == 1


def test_a_wrong_argument_is_wrong_usage(onhand):
    config = Config(store=onhand.store)
    with pytest.raises(Refused, match=r"adjust: change") as alone:
        door.call(config, "adjust", {"sku": "TEA", "change": "many"}, silent)
    onhand.start("controller")
    with pytest.raises(Refused) as owned:
        door.call(config, "adjust", {"sku": "TEA", "change": "many"}, silent)
    assert data_of(alone.value) == data_of(owned.value)
    assert alone.value.code == "invalid"
    with pytest.raises(Refused, match="no verb"):
        door.call(config, "no_such_verb", {}, silent)


def test_an_open_app_is_an_owner(onhand):
    with App(onhand.store, "demo"), pytest.raises(Owned):
        App(onhand.store, "serve")
