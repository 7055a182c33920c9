"""The edge of the commands: progress, summaries and exit codes; what both command lines share."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

import orjson

from radprompter.errors import AwaitingError, InputError, RadprompterError

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")
P = ParamSpec("P")

DONE, DONE_WITH_FAILURES, REFUSED = 0, 1, 2


class Track(Protocol):
    """Passes items through while telling somebody how far they are."""

    def __call__(self, items: Iterable[T], description: str, total: int | None = None) -> Iterable[T]:
        """Yield the items, in order."""
        ...


def quiet(items: Iterable[T], description: str, total: int | None = None) -> Iterable[T]:
    """Tell nobody: what functions use unless a command passes `show_progress`."""
    return items


def show_progress(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """A progress bar on stderr with count, rate and time left; one closing line where stderr is no terminal."""
    from rich import progress as bars

    if total is None and isinstance(items, Sized):
        total = len(items)
    columns = (
        bars.TextColumn("{task.description:<34}"),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TimeElapsedColumn(),
        bars.TimeRemainingColumn(),
    )
    with bars.Progress(*columns, console=console(stderr=True)) as progress:
        task = progress.add_task(description, total=total)
        for item in items:
            yield item
            progress.advance(task)


def console(*, stderr: bool = False) -> Console:
    """The console that prints to stdout or stderr."""
    from rich.console import Console

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 110
    return Console(stderr=stderr, highlight=False, width=width)


def print_json(summary: Mapping[str, Any]) -> None:
    """One machine-readable line on stdout."""
    sys.stdout.write(orjson.dumps(summary, default=str, option=orjson.OPT_SERIALIZE_NUMPY).decode() + "\n")


def guarded(command: Callable[P, int | None]) -> Callable[P, None]:
    """A command that ends with an exit code: its own, 2 after an `InputError`, 1 after another of our errors.

    Answers that will come later are no error (0).

    Other exceptions are defects and keep their traceback.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        import typer

        try:
            code = command(*args, **kwargs) or DONE
        except AwaitingError as awaiting:
            console().print(str(awaiting), markup=False, soft_wrap=True)
            code = DONE
        except RadprompterError as error:
            console(stderr=True).print(f"error: {error}", style="red", markup=False, soft_wrap=True)
            code = REFUSED if isinstance(error, InputError) else DONE_WITH_FAILURES
        except KeyboardInterrupt:
            console(stderr=True).print("stopped; what was done is kept, run the same command to go on")
            code = 130
        raise typer.Exit(code)

    return run
