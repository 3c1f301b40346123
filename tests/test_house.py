"""Keeps house: what is promised about every file of ours, and that no checker looks at."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

import onhand
from onhand.domain.families import FAMILIES

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "onhand"
FILE_LINES_MAX = 520  # a file is as long as its one subject; beyond this it has two
FUNCTION_LINES_MAX = 80
TEXTS = {".py", ".md", ".toml", ".php", ".html", ".css", ".js", ".yml", ".yaml", ".sh", ".mako", ""}
MODULES = sorted(path for path in SOURCE.rglob("*.py") if "migrations" not in path.parts)
SCREENS = sorted(path for path in (SOURCE / "web" / "screens").glob("*.py") if path.name != "__init__.py")
# The screens that ask a service, and why no verb does it. All others know verbs only.
BESIDE_VERBS = {
    "entry.py": "at the log-in and at a one-time link nobody is known yet, so there is no caller whose scopes a verb could check",
    "people.py": "one's own password and sessions: no verb takes a password, and ending one's own session needs no scope of others",
}
ELSEWHERE = re.compile(
    r"/(?:work|home|Users|root)/|/tmp/|[A-Z]:\\\\|https?://[^\s\"'<>]*(?:/simple/|/packages/|registry)", re.ASCII
)


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _tracked() -> list[Path]:
    """Every text of the project: what lies in it, but for what tools made and what others wrote."""
    made = {".git", ".venv", "node_modules", "__pycache__", "vendor", "build", "dist", "locks"}
    return [
        path
        for path in sorted(ROOT.rglob("*"))
        if path.is_file()
        and not made & set(path.parts)
        and not any(part.endswith(("_cache", ".hypothesis")) for part in path.parts)
        and path.suffix in TEXTS
    ]


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_says_what_it_owns_where_it_stands_and_what_it_promises(path: Path) -> None:
    text = ast.get_docstring(ast.parse(path.read_text()))
    if path.name == "__init__.py" and path.parent.name != "sample":
        return
    assert text, "no docstring"
    for word in ("Path:", "Promise:", "Never:"):
        assert f"\n{word} " in text, f"{word} is missing"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_file_reads_in_one_sitting_and_a_function_on_one_screen(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) < FILE_LINES_MAX
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < FUNCTION_LINES_MAX, node.name


COMPLEXITY_MAX = 15


def _complexity(function: ast.AST) -> int:
    """1, and 1 more for each branch, loop, except, boolean operation, conditional expression and comprehension within."""
    branches = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler)
    comprehensions = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    found = 1
    for node in ast.walk(function):
        found += isinstance(node, (*branches, *comprehensions))
        found += len(node.values) - 1 if isinstance(node, ast.BoolOp) else 0
    return found


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_function_can_be_followed(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert _complexity(node) <= COMPLEXITY_MAX, node.name


@pytest.mark.parametrize("path", sorted((SOURCE / "services").glob("*.py")), ids=_name)
def test_a_public_function_of_the_services_says_what_it_does(path: Path) -> None:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name


@pytest.mark.parametrize("path", sorted((SOURCE / "services" / "ports").glob("*.py")), ids=_name)
def test_every_method_of_a_port_says_what_is_expected_of_it(path: Path) -> None:
    for node in ast.parse(path.read_text()).body:
        for method in node.body if isinstance(node, ast.ClassDef) else ():
            if (
                isinstance(method, ast.FunctionDef) and not method.decorator_list
            ):  # the properties of Books are its books
                assert ast.get_docstring(method), f"{node.name}.{method.name}"


@pytest.mark.parametrize("path", SCREENS, ids=_name)
def test_a_screen_goes_through_verbs(path: Path) -> None:
    """A screen neither knows the services nor reaches into the open house: its visit does verbs."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom | ast.Import):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            if isinstance(node, ast.ImportFrom) and node.module == "onhand":
                names = [f"onhand.{alias.name}" for alias in node.names]
            around = [name for name in names if name.startswith(("onhand.services", "onhand.app"))]
        else:
            reads = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "read"
            around = ["read"] if reads else ["app"] if isinstance(node, ast.Attribute) and node.attr == "app" else []
        assert not around or path.name in BESIDE_VERBS, f"{around} in line {getattr(node, 'lineno', 0)}"


def test_the_screens_that_go_beside_verbs_still_do_it() -> None:
    for name in BESIDE_VERBS:
        assert "onhand.services" in (SOURCE / "web" / "screens" / name).read_text(), (
            f"{name} needs no exception any more"
        )


@pytest.mark.parametrize("path", SCREENS, ids=_name)
def test_a_screen_is_a_function_of_its_module_in_one_table(path: Path) -> None:
    module = importlib.import_module(f"onhand.web.screens.{path.stem}")
    for screen in module.SCREENS:
        assert screen.function.__module__ == module.__name__, screen
        assert screen.function is getattr(module, screen.function.__qualname__), screen


def test_no_file_names_a_place_on_one_machine_or_a_registry() -> None:
    found = [
        f"{_name(path)}:{number}: {line.strip()[:80]}"
        for path in _tracked()
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if ELSEWHERE.search(line)
    ]
    assert found == []


DOCS_COLUMNS = 100


@pytest.mark.parametrize(
    "path",
    sorted(
        path
        for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "connector").rglob("*.md")]
        if path.name != "mutants.md"
    ),
    ids=_name,
)
def test_prose_is_wrapped(path: Path) -> None:
    """Not tables, code and pictures, nor what cannot be broken."""
    fenced, long = False, []
    for line in path.read_text().splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced and len(line) > DOCS_COLUMNS and not line.startswith(("|", "!", "#", "    ", "> |")):
            words = re.findall(r"`[^`]*`\S*|\[[^\]]*\]\([^)]*\)\S*|\S+", line)
            long += [line] if len(words) > 2 else []
    assert long == []


def test_the_log_of_changes_knows_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert f"## [{onhand.__version__}]" in text or "## [Unreleased]" in text


# The sample shop and the simulated ones play a shop of one family.
FAMILY_BLIND = [path for path in MODULES if not {"sample", "simulation"} & set(path.parts) and path.stem != "families"]


@pytest.mark.parametrize("path", FAMILY_BLIND, ids=_name)
def test_no_code_asks_for_a_cart_by_its_name(path: Path) -> None:
    """What differs from cart to cart is a fact in ``domain.families``."""
    names = {family.key for family in FAMILIES} - {"modified"}  # an ordinary word as well
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Compare | ast.Match | ast.Dict | ast.Set):
            named = {leaf.value for leaf in ast.walk(node) if isinstance(leaf, ast.Constant)} & names
            assert not named, f"line {node.lineno}"
