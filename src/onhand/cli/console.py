"""Runs one command of the command line: its global options, its answer, its errors and its exit code.

Path: ``program`` declares commands with ``command``; they speak to the house through the ``Call`` they are given.
Promise: `--json` prints exactly the verb's answer or ``{"error": …}`` on stdout, and nothing else; people get the same facts as text.
Never: knows a verb.
"""

from __future__ import annotations

import getpass
import inspect
import json
import os
import re
import sys
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from onhand.cli import printing
from onhand.domain.errors import Broken, OnHandError, Permanent, Refused
from onhand.domain.importing import FILE_BYTES_MAX
from onhand.wire import DONE, REFUSED, data_of, kind_of

if TYPE_CHECKING:  # each takes its time to import; `--help` needs none of them
    from rich.console import Console

    from onhand.config import Config
    from onhand.wire import Data, Progress

EXITS = (
    "Exit codes: 0 done · 1 refused: change the request · 2 wrong usage · 3 conflict, such as another process owning the file · "
    "4 passing trouble, such as a shop that is down · 5 a person must change something in the shop or on this machine · "
    "6 a promise of OnHand is broken."
)

PANEL = "Everywhere"
Store = Annotated[
    Path | None,
    typer.Option(
        "--store", metavar="PATH", help="The store data file; ONHAND_STORE names it too.", rich_help_panel=PANEL
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.", rich_help_panel=PANEL)]
Person = Annotated[
    str | None,
    typer.Option("--person", metavar="NAME", help="Who does this; your login name if left out.", rich_help_panel=PANEL),
]
Verbose = Annotated[bool, typer.Option("--verbose", help="Show the log as well.", rich_help_panel=PANEL)]
EVERYWHERE = {"store": (Store, None), "as_json": (AsJson, False), "person": (Person, None), "verbose": (Verbose, False)}
ADDED = [
    inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context),
    *(
        inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)
        for option, (kind, default) in EVERYWHERE.items()
    ),
]

Limit = Annotated[int, typer.Option("--limit", min=1, max=100_000, help="How many at most.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would happen; change nothing.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Write there, as XLSX if the name ends so, not to the screen."),
]
PUBLIC = 0o666  # rights of a file: as the user's umask says

ASKS: dict[
    Callable[..., Any], tuple[type, ...]
] = {}  # which requests each command makes; a test looks for what it leaves out

Printer = Callable[["Console", "Data"], None]


@dataclass(frozen=True)
class Call:
    """One command as it was asked for."""

    store: Path | None = None
    as_json: bool = False
    person_given: str | None = None
    verbose: bool = False

    def with_more(self, given: Mapping[str, Any]) -> Call:
        """With the options that stood after the command; what stood before it stays unless said again."""
        return replace(
            self,
            store=given["store"] or self.store,
            as_json=given["as_json"] or self.as_json,
            person_given=given["person"] if given["person"] is not None else self.person_given,
            verbose=given["verbose"] or self.verbose,
        )

    @property
    def person(self) -> str:
        """Who does this."""
        if self.person_given is not None:
            return self.person_given
        try:
            return getpass.getuser()
        except (OSError, KeyError):
            return ""  # a user without a name, as in some containers

    def config(self, **more: object) -> Config:
        """How this process is to run. Raises a usage error if a variable or an option does not fit."""
        from pydantic import ValidationError  # noqa: PLC0415

        from onhand.config import Config  # noqa: PLC0415

        given = {"store": self.store, **more}
        try:
            return Config(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
        except ValidationError as error:
            fault = error.errors()[0]
            name = "_".join(map(str, fault["loc"]))
            raise typer.BadParameter(f"{fault['msg']} (ONHAND_{name.upper()} or --{name})") from None

    def do(self, verb: str, **arguments: object) -> Data:
        """Have a verb done; returns its answer."""
        from onhand.cli import door  # noqa: PLC0415

        with self._bar(verb) as progress:
            return door.call(self.config(), verb, arguments, progress)

    def answer(self, verb: str, printer: Printer, **arguments: object) -> Data:
        """Have a verb done and print its answer, which is returned as well."""
        data = self.do(verb, **arguments)
        self.show(data, printer)
        return data

    def hand_over(self, verb: str, out: Path | None, words: str, **arguments: object) -> None:
        """Have a verb write a table, as CSV on the screen or into a file in the form of its ending."""
        from onhand.files.sheets import Form  # noqa: PLC0415

        data = self.do(verb, form=Form.of(out.name if out else "").value, **arguments)
        content = b64decode(data["file"])
        if out is None:
            self.show(data, lambda console, _: printing.text(console, {"text": content.decode("utf-8-sig")}))
        else:
            write_file(out, content, PUBLIC)
            self.show(data, lambda console, _: printing.say(console, words.format(out=out, **data)))

    def show(self, data: Data, printer: Printer) -> None:
        """Print an answer as it was asked for."""
        if self.as_json:
            print(json.dumps(data, ensure_ascii=False), flush=True)  # noqa: T201
        else:
            printer(printing.console(sys.stdout), data)

    def fail(self, error: OnHandError) -> int:
        """Say what went wrong; returns the exit code."""
        if self.as_json:
            print(json.dumps({"error": data_of(error)}, ensure_ascii=False), flush=True)  # noqa: T201
        else:
            printing.error(printing.console(sys.stderr), error)
        return kind_of(error).exit

    @contextmanager
    def _bar(self, verb: str) -> Iterator[Progress]:
        """A bar on a person's terminal while a verb says how far it is."""
        if verb not in {"get_qoh", "send_qoh", "item_import"} or not sys.stderr.isatty():
            yield lambda *_: None
            return
        with printing.bar(printing.console(sys.stderr)) as progress:
            yield progress


def command(
    group: typer.Typer, name: str, *, asks: type | tuple[type, ...] = (), **settings: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Declare a command. The function's first parameter is its ``Call``; the global options are added to the others. ``asks``: the
    requests it makes of verbs."""

    def declare(function: Callable[..., None]) -> Callable[..., None]:
        def run(**given: Any) -> None:
            context: typer.Context = given.pop("ctx")
            call = (context.obj or Call()).with_more({option: given.pop(option) for option in EVERYWHERE})
            with answering(call):
                function(call, **given)

        # Typer reads name, docstring, signature and annotations; what it shall see is the function and the global options.
        seen = _own_parameters(function) + ADDED
        described: Any = run
        described.__name__, described.__doc__ = function.__name__, function.__doc__
        described.__signature__ = inspect.Signature(seen)
        described.__annotations__ = {parameter.name: parameter.annotation for parameter in seen}
        group.command(name, **settings)(run)
        ASKS[run] = asks if isinstance(asks, tuple) else (asks,)
        return function

    return declare


@contextmanager
def answering(call: Call) -> Iterator[None]:
    """A block whose errors become a sentence, or JSON, and an exit code."""
    _set_up_logs(call)
    try:
        yield
    except OnHandError as error:
        raise typer.Exit(call.fail(error)) from None
    except (typer.Exit, typer.Abort, typer.TyperException, BrokenPipeError):
        raise
    except Exception as error:  # noqa: BLE001
        # The outermost frame: a fault of ours must not answer a program with a traceback on its own.
        import structlog  # noqa: PLC0415

        structlog.get_logger().exception("command.broke")
        fault = Broken(f"Fault in OnHand: {type(error).__name__}: {error}")
        raise typer.Exit(call.fail(fault)) from None


def main(app: typer.Typer) -> None:
    """Run the program. Wrong usage is JSON too where JSON was asked for."""
    if "--json" not in sys.argv:
        app()
        return
    try:
        code = app(standalone_mode=False)
    except typer.TyperException as wrong:
        error = {"code": "usage", "message": wrong.format_message(), "facts": {}}
        print(json.dumps({"error": error}, ensure_ascii=False))  # noqa: T201
        code = wrong.exit_code
    except typer.Abort:
        code = REFUSED
    sys.exit(code or DONE)


def said(words: str) -> Printer:
    """A printer that says one sentence with facts of the answer in it."""
    return lambda console, data: printing.say(console, words.format_map(data))


def pairs(words: list[str]) -> list[tuple[str, int]]:
    """SKU=N words as lines. The last = divides, so that a SKU may have one."""
    return [_pair(word) for word in words]


def _pair(word: str) -> tuple[str, int]:
    form = re.fullmatch(r"(.+)=([+-]?[0-9]{1,20})", word, re.DOTALL)
    if form is None:
        raise typer.BadParameter(f"{word!r} is not of the form SKU=N, as in TEA=12.")
    return form[1], int(form[2])


def read_file(path: Path) -> bytes:
    """The table in a file; - is standard input. Raises Refused if it cannot be read or is too long."""
    try:
        with nullcontext(sys.stdin.buffer) if str(path) == "-" else path.open("rb") as opened:
            content = opened.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}.", path=str(path)) from error
    if len(content) > FILE_BYTES_MAX:
        raise Refused(f"{path} has more than {FILE_BYTES_MAX:,} bytes: split it.", path=str(path))
    return content


def write_file(path: Path, content: bytes | Iterable[bytes], mode: int) -> None:
    """Write a file with these rights, also if it is there already; all at once, or piece by piece."""
    try:
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(opened, "wb") as file:
            if mode != PUBLIC:
                os.fchmod(opened, mode)
            file.writelines([content] if isinstance(content, bytes) else content)
    except OSError as error:
        raise Permanent(f"{path} cannot be written: {error.strerror}.", path=str(path)) from error


def _set_up_logs(call: Call) -> None:
    from onhand import logs  # noqa: PLC0415

    logs.set_up("debug" if call.verbose else "warning", as_json=call.as_json)


def _own_parameters(function: Callable[..., None]) -> list[inspect.Parameter]:
    """What a command itself asks for: all but its ``Call``."""
    hints = get_type_hints(function, include_extras=True)
    own = list(inspect.signature(function).parameters.values())[1:]
    return [one.replace(annotation=hints[one.name], kind=inspect.Parameter.KEYWORD_ONLY) for one in own]
