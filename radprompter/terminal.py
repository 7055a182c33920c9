"""The edge of the commands: progress, summaries and exit codes; what both command lines share."""

from __future__ import annotations

import functools
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

import orjson

from radprompter.errors import AwaitingError, InputError, RadprompterError, StoppedError

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")
P = ParamSpec("P")

DONE, DONE_WITH_FAILURES, REFUSED = 0, 1, 2

LINE_EVERY_S = 30.0
"""Time between two lines about progress, where there is no terminal to draw a bar on."""


Note = Callable[[], str]
"""A few words about how something goes just now; empty if there is nothing to say."""


class Track(Protocol):
    """Passes items through while telling somebody how far they are."""

    def __call__(
        self, items: Iterable[T], description: str, total: int | None = None, *, note: Note | None = None
    ) -> Iterable[T]:
        """Yield the items, in order; `note` is asked now and then how it goes."""
        ...


def quiet(items: Iterable[T], description: str, total: int | None = None, *, note: Note | None = None) -> Iterable[T]:
    """Tell nobody: what functions use unless a command passes `show_progress`."""
    return items


def show_progress(
    items: Iterable[T], description: str, total: int | None = None, *, note: Note | None = None
) -> Iterator[T]:
    """A progress bar on stderr with count, rate, time left and a note; where stderr is no terminal, a line at times."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    screen = console(stderr=True)
    show = _show_bar if screen.is_terminal else _show_lines
    return show(items, screen, description, total, note or str)


def _show_bar(items: Iterable[T], screen: Console, description: str, total: int | None, note: Note) -> Iterator[T]:
    from rich import progress as bars
    from rich.text import Text

    class NoteColumn(bars.ProgressColumn):
        def render(self, task: bars.Task) -> Text:
            return Text(note())

    columns = (
        bars.TextColumn("{task.description:<16}"),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TimeElapsedColumn(),
        bars.TimeRemainingColumn(),
        NoteColumn(),
    )
    with bars.Progress(*columns, console=screen) as progress:
        task = progress.add_task(description, total=total)
        for item in items:
            yield item
            progress.advance(task)


def _show_lines(items: Iterable[T], screen: Console, description: str, total: int | None, note: Note) -> Iterator[T]:
    """A line every `LINE_EVERY_S`, for log files, and one at the end."""
    started = said_at = time.monotonic()
    n_done = 0

    def say(left: str = "") -> None:
        count = f"{n_done:,}" if total is None else f"{n_done:,}/{total:,}"
        words = (description, count, _span(time.monotonic() - started), left, note())
        screen.print("  ".join(word for word in words if word), markup=False, soft_wrap=True)

    for item in items:
        yield item
        n_done += 1
        now = time.monotonic()
        if now - said_at >= LINE_EVERY_S:
            said_at = now
            say("" if total is None else f"{_span((now - started) / n_done * (total - n_done))} left")
    say()


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


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

    Answers that will come later are no error (0). What a signal stopped ends with 128 and the signal's number.

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
        except StoppedError as stopped:
            console(stderr=True).print(str(stopped), markup=False, soft_wrap=True)
            code = stopped.code
        except RadprompterError as error:
            console(stderr=True).print(f"error: {error}", style="red", markup=False, soft_wrap=True)
            code = REFUSED if isinstance(error, InputError) else DONE_WITH_FAILURES
        except KeyboardInterrupt:
            console(stderr=True).print("stopped; what was done is kept, run the same command to go on")
            code = 130
        raise typer.Exit(code)

    return run
