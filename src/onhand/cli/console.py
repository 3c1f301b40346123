"""Runs one command: its global options, its answer, its errors and its exit code.

Path: ``program`` declares commands with ``command``; each runs its verb through the ``Call`` it gets.
Promise: `--json` prints the verb's answer or ``{"error": …}`` on stdout and nothing else; people get the same facts as text.
Never: knows a verb.
"""

from __future__ import annotations

import getpass
import inspect
import json
import os
import re
import string
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
from onhand.words import counted

if TYPE_CHECKING:  # slow to import, and `--help` needs none of them
    from rich.console import Console

    from onhand.config import Config
    from onhand.wire import Data, Progress

EXITS = (
    "Exit codes: 0 done · 1 refused: change the request · 2 wrong usage · 3 conflict: something changed, or another process has "
    "the file · 4 temporary problem, such as a shop that is down: try again · 5 a person must change something in the shop or on "
    "this machine · 6 a promise of OnHand is broken."
)

PANEL = "Common options"
Store = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="PATH",
        help="The store data file, or postgresql://USER@HOST/DATABASE; the variable ONHAND_STORE names it too.",
        rich_help_panel=PANEL,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.", rich_help_panel=PANEL)]
Person = Annotated[
    str | None,
    typer.Option(
        "--person", metavar="NAME", help="The person who does this; your login name if left out.", rich_help_panel=PANEL
    ),
]
Verbose = Annotated[bool, typer.Option("--verbose", help="Show the log too.", rich_help_panel=PANEL)]
EVERYWHERE = {"store": (Store, None), "as_json": (AsJson, False), "person": (Person, None), "verbose": (Verbose, False)}
ADDED = [
    inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context),
    *(
        inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)
        for option, (kind, default) in EVERYWHERE.items()
    ),
]

Limit = Annotated[int, typer.Option("--limit", min=1, max=100_000, help="The most rows to return.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would happen; change nothing.")]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="FILE", help="Write to this file instead of the screen, as XLSX if its name ends in .xlsx."
    ),
]
PUBLIC = 0o666  # file mode: the user's umask decides

ASKS: dict[
    Callable[..., Any], tuple[type, ...]
] = {}  # the requests that each command makes; a test looks for missing ones

Printer = Callable[["Console", "Data"], None]


@dataclass(frozen=True)
class Call:
    """One run of a command, with its global options."""

    store: str | None = None
    as_json: bool = False
    person_given: str | None = None
    verbose: bool = False

    def with_more(self, given: Mapping[str, Any]) -> Call:
        """Return this call with the options given after the command. Options given before it apply unless repeated."""
        return replace(
            self,
            store=given["store"] or self.store,
            as_json=given["as_json"] or self.as_json,
            person_given=given["person"] if given["person"] is not None else self.person_given,
            verbose=given["verbose"] or self.verbose,
        )

    @property
    def person(self) -> str:
        """Return the person who does this."""
        if self.person_given is not None:
            return self.person_given
        try:
            return getpass.getuser()
        except (OSError, KeyError):
            return ""  # a user without a name, as in some containers

    def config(self, **more: object) -> Config:
        """Return the configuration of this process. Raise a usage error if a variable or an option is invalid."""
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
        """Run a verb and return its answer."""
        from onhand.cli import door  # noqa: PLC0415

        with self._bar(verb) as progress:
            return door.call(self.config(), verb, arguments, progress)

    def answer(self, verb: str, printer: Printer, **arguments: object) -> Data:
        """Run a verb, print its answer and return it."""
        data = self.do(verb, **arguments)
        self.show(data, printer)
        return data

    def hand_over(self, verb: str, out: Path | None, words: str, **arguments: object) -> None:
        """Run a verb that writes a table, and print it as CSV or write it to a file in the format of its ending."""
        from onhand.files.sheets import Form  # noqa: PLC0415

        data = self.do(verb, form=Form.of(out.name if out else "").value, **arguments)
        content = b64decode(data["file"])
        if out is None:
            self.show(data, lambda console, _: printing.text(console, {"text": content.decode("utf-8-sig")}))
        else:
            write_file(out, content, PUBLIC)
            self.show(data, lambda console, _: printing.say(console, in_words(words, {"out": out, **data})))

    def show(self, data: Data, printer: Printer) -> None:
        """Print an answer, as text or as JSON."""
        if self.as_json:
            print(json.dumps(data, ensure_ascii=False), flush=True)  # noqa: T201
        else:
            printer(printing.console(sys.stdout), data)

    def fail(self, error: OnHandError) -> int:
        """Print an error and return the exit code."""
        if self.as_json:
            print(json.dumps({"error": data_of(error)}, ensure_ascii=False), flush=True)  # noqa: T201
        else:
            printing.error(printing.console(sys.stderr), error)
        return kind_of(error).exit

    @contextmanager
    def _bar(self, verb: str) -> Iterator[Progress]:
        """Show a progress bar on a terminal while a verb reports progress."""
        if verb not in {"get_qoh", "send_qoh", "item_import"} or not sys.stderr.isatty():
            yield lambda *_: None
            return
        with printing.bar(printing.console(sys.stderr)) as progress:
            yield progress


def command(
    group: typer.Typer, name: str, *, asks: type | tuple[type, ...] = (), **settings: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Declare a command. The function's first parameter is its ``Call``; the global options are added to the others.

    ``asks``: the requests that the command makes."""

    def declare(function: Callable[..., None]) -> Callable[..., None]:
        def run(**given: Any) -> None:
            context: typer.Context = given.pop("ctx")
            call = (context.obj or Call()).with_more({option: given.pop(option) for option in EVERYWHERE})
            with answering(call):
                function(call, **given)

        # Typer reads the name, docstring, signature and annotations: show it the function's own and the global options.
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
    """Turn the errors of a block into a message, or JSON, and an exit code."""
    _set_up_logs(call)
    try:
        yield
    except OnHandError as error:
        raise typer.Exit(call.fail(error)) from None
    except (typer.Exit, typer.Abort, typer.TyperException, BrokenPipeError):
        raise
    except Exception as error:  # noqa: BLE001
        # The outermost frame: a program must get an answer for a fault in OnHand too, not just a traceback.
        import structlog  # noqa: PLC0415

        structlog.get_logger().exception("command.broke")
        fault = Broken(f"Fault in OnHand: {type(error).__name__}: {error}")
        raise typer.Exit(call.fail(fault)) from None


def main(app: typer.Typer) -> None:
    """Run the program. With `--json`, report wrong usage as JSON too."""
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


class _Sentence(string.Formatter):
    """A format string in which ``{lines:line}`` is "1 line" or "2 lines", and ``{n:line is|lines are}`` agrees as well."""

    def format_field(self, value: Any, spec: str) -> str:
        if not spec or not isinstance(value, int):
            return str(super().format_field(value, spec))
        one, _, several = spec.partition("|")
        return counted(value, one, several)


def in_words(words: str, data: Mapping[str, Any]) -> str:
    """Return a sentence with facts of an answer in it; numbers and nouns agree, see ``_Sentence``."""
    return _Sentence().vformat(words, (), data)


def said(words: str) -> Printer:
    """Return a printer for one sentence with facts of the answer in it."""
    return lambda console, data: printing.say(console, in_words(words, data))


def pairs(words: list[str]) -> list[tuple[str, int]]:
    """Return SKU=N words as pairs. The last = divides, because a SKU may contain one."""
    return [_pair(word) for word in words]


def _pair(word: str) -> tuple[str, int]:
    form = re.fullmatch(r"(.+)=([+-]?[0-9]{1,20})", word, re.DOTALL)
    if form is None:
        raise typer.BadParameter(f"{word!r} is not of the form SKU=N, such as TEA=12.")
    return form[1], int(form[2])


def read_file(path: Path) -> bytes:
    """Return the bytes of a file; - is standard input. Raise Refused if it cannot be read or is too large."""
    try:
        with nullcontext(sys.stdin.buffer) if str(path) == "-" else path.open("rb") as opened:
            content = opened.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}.", path=str(path)) from error
    if len(content) > FILE_BYTES_MAX:
        raise Refused(f"{path} has more than {FILE_BYTES_MAX:,} bytes: split it into smaller files.", path=str(path))
    return content


def write_file(path: Path, content: bytes | Iterable[bytes], mode: int) -> None:
    """Write a file with this mode, in one piece or several. An existing file is replaced and gets the mode too."""
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
    """Return a command's own parameters: all except its ``Call``."""
    hints = get_type_hints(function, include_extras=True)
    own = list(inspect.signature(function).parameters.values())[1:]
    return [one.replace(annotation=hints[one.name], kind=inspect.Parameter.KEYWORD_ONLY) for one in own]
