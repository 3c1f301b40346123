"""Keeps the words that only engineers use off the screens: in templates, in the screens' own sentences, and on every page as it is drawn.

Promise: a word of ``NEVER`` is nowhere on a screen, but for ``QUOTED``: labels of the older product, and common terms.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from urllib.parse import quote

import pytest

from onhand import web
from onhand.domain.listings import Direction
from onhand.words import label
from tests.web.conftest import NAMES, House, eventually, text

WEB = Path(web.__file__).parent
NEVER = re.compile(
    r"\b(?:agreed|anew|book|books|booked|cells|drift(?:s|ed)?|epochs?|heal(?:s|ed)?|held|in step|kept|laws?|listings?|looked|look|"
    r"marks?|posts?|posted|posting|re-?tied|seen|settle|settled|set aside|targets?|ticks?|ticked|tied|trades?|traded|unmatch|verbs?|"
    r"nobody|somebody|he|him|his|himself|by itself|stands?|lies|theirs|whoever)\b",
    re.IGNORECASE,
)
# Exceptions, and why.
QUOTED = (
    "Post Stack",  # the older product's name; its screen has the subtitle "Updates waiting for shops"
    "Mark as sent",  # what buyers call it everywhere
    "ours, theirs",  # the values of EditPolicy, as they are typed and stored
    "ours theirs ask",
    label(Direction.GET),
    label(Direction.SEND),
)
SPOKEN = re.compile(r'(?:title|aria-label|placeholder|alt)="([^"]*)"')


def never_said(words: str) -> list[str]:
    """The words of ``NEVER`` in what people read, each with what is around it."""
    for quoted in QUOTED:
        words = words.replace(quoted, "")
    return [words[max(0, found.start() - 30) : found.end() + 30] for found in NEVER.finditer(words)]


def read(html: str) -> str:
    """What a person sees or hears of a page."""
    seen = re.sub(r"<(script|style|textarea|code)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return " · ".join([text(seen), *SPOKEN.findall(seen)])


@pytest.mark.parametrize("template", sorted(WEB.glob("templates/*.html")), ids=lambda path: path.stem)
def test_a_template_says_nothing_that_only_engineers_understand(template: Path) -> None:
    source = re.sub(r"\{#.*?#\}", " ", template.read_text(), flags=re.DOTALL)
    code = re.findall(r"\{[{%].*?[%}]\}", source, re.DOTALL)
    strings = [string for piece in code for string in re.findall(r'"([^"]*)"', piece)]
    sentences = [string for string in strings if " " in string.strip() or string[:1].isupper()]
    shown = re.sub(r"\{[{%].*?[%}]\}", " ", source, flags=re.DOTALL)
    assert never_said(" · ".join([read(shown), *sentences])) == []


@pytest.mark.parametrize("module", sorted([*WEB.glob("screens/*.py"), *WEB.glob("*.py")]), ids=lambda path: path.stem)
def test_a_screen_says_nothing_that_only_engineers_understand(module: Path) -> None:
    tree = ast.parse(module.read_text())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value) for node in ast.walk(tree) if isinstance(node, documented) and ast.get_docstring(node)
    }
    compared = {id(part) for node in ast.walk(tree) for part in _compared(node)}  # values as verbs answer them
    strings = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings | compared
    ]
    assert never_said(" · ".join(string for string in strings if " " in string.strip())) == []


def _compared(node: ast.AST) -> list[ast.expr | None]:
    match node:
        case ast.Dict():
            return list(node.keys)
        case ast.Set():
            return list(node.elts)
        case ast.Compare():
            return list(node.comparators)
    return []


def test_the_script_says_nothing_that_only_engineers_understand() -> None:
    source = re.sub(r"^\s*//.*$|\s//.*$", "", (WEB / "static" / "own.js").read_text(), flags=re.MULTILINE)
    assert never_said(" · ".join(string for string in re.findall(r'"([^"]*)"', source) if " " in string)) == []


def lived_in(house: House) -> None:
    """Something for every screen to show."""
    house.begin()
    amber, birch = (house.shops[name] for name in NAMES)
    skus = [ware.sku for ware in amber.stock()]
    house.do("supplier_add", name="Leaf & Co", email="leaf@example.com")
    for sku in skus[:2]:
        house.do("item_edit", sku=sku, supplier="Leaf & Co", reorder_point=500, reorder_to=600)
    house.do("item_edit", sku=skus[2], ignore_qoh=True)
    order = house.do("purchase_raise")["orders"][0]
    house.do("purchase_send", order=order)
    house.do("purchase_add", supplier="Leaf & Co", lines=[(skus[3], 5)])
    house.do("receive", lines=[(skus[3], 5)], reference="DN 1")
    house.do("order_add", lines=[(skus[4], 2)])
    house.do("order_add", lines=[(skus[5], 1)])
    house.do("order_cancel", order=house.do("order_list")["orders"][0]["order"])
    house.do("count_add", name="Shelf")
    house.do("count_enter", sheet=1, lines=[{"sku": skus[6], "counted": 1}])
    amber.buy(skus[7], 1)
    amber.prepare(skus[8], 1)
    house.do("cart_edit", cart=NAMES[0], policy="ask")
    house.do("posts_park", cart=NAMES[1], sku=skus[9], reason="photos are being taken")
    amber.admin_save(skus[10], amber.find(skus[10]).quantity + 7)
    birch.admin_save(skus[11], birch.find(skus[11]).quantity + 3)
    birch.add_product("CUP", "Cup", 3)
    birch.add_product(None, "Gift wrapping", 3)
    house.do("webhook_add", url="http://127.0.0.1:9/hook", events=["stock.changed"])
    house.do("token_add", name="Labels", scopes=["read"], user="Ann the administrator")
    eventually(lambda: house.do("differences", closed_only=True)["differences"], 20)
    eventually(lambda: house.do("differences", open_only=True)["differences"], 20)
    eventually(lambda: house.do("cart_show", cart=NAMES[1])["unmatched"], 20)
    house.do("task_start", verb="send_qoh", arguments={"cart": NAMES[1]})
    eventually(lambda: house.do("task_list")["tasks"][0]["state"] != "running", 20)


@pytest.mark.slow
def test_no_page_says_anything_that_only_engineers_understand(connected: House) -> None:
    lived_in(connected)
    left, done, wrong = ["/", "/functions?cart=2&preview=send", "/functions?cart=1&preview=get", "/nothing"], set(), {}
    while left:
        path = left.pop()
        if path in done:
            continue
        done.add(path)
        answer = connected.browser.get(path)
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        if found := never_said(read(answer.text)):
            wrong[path] = found
        links = {link.replace("&amp;", "&") for link in re.findall(r'href="(/[^"#]*)', answer.text)}
        left += [link for link in links - done if not link.startswith(("/static", "/api"))]
    tried = connected.shops[NAMES[0]].stock()[0].sku
    asked = connected.do("differences", open_only=True)["differences"][0]["id"]
    for page, action, typed in (
        ("/carts/1", "/carts/1/test#test", {"sku": tried}),
        ("/differences?open=yes", f"/differences/{asked}/recheck", {}),
        ("/receive", "/receive", {"sku-0": "NONE", "units-0": "1"}),
        (f"/item?sku={quote(tried, safe='')}", "/item/adjust", {"counted": "-1", "reason": "lost"}),
    ):
        if found := never_said(read(connected.browser.fill(page, action, **typed).text)):
            wrong[action] = found
    assert wrong == {}, "\n".join(f"{path}: {found}" for path, found in wrong.items())
    reached = {path.partition("?")[0] for path in done}
    fixed = {path for method, path in connected.site.scopes if method == "GET" and "{" not in path}
    unreached = fixed - reached - {"/login", "/item/chart.json"}
    assert {path for path in unreached if not path.endswith(".json")} == set()
    assert f"/item?sku={quote(connected.shops[NAMES[0]].stock()[0].sku, safe='')}" in done


def test_the_way_in_says_nothing_that_only_engineers_understand(unopened: House) -> None:
    client = unopened.client()
    client.cookies.clear()
    assert never_said(read(client.get("/login").text)) == []
