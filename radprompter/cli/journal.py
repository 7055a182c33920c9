"""`radprompter journal`: what is kept of all requests, written out, made smaller."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from radprompter.options import AsJson
from radprompter.terminal import DONE, DONE_WITH_FAILURES, console, guarded, print_json

if TYPE_CHECKING:
    from radprompter.journal import Contents, Removal

journal = typer.Typer(no_args_is_help=True)

JournalPath = Annotated[
    Path, typer.Argument(metavar="FILE|RECIPE", help="A journal, or the recipe (.yaml) whose journal is meant.")
]


@journal.command()
@guarded
def show(path: JournalPath, json: AsJson = False) -> int:
    """Say what is in a journal, and check every row; a run may go on meanwhile."""
    from radprompter.journal import read_contents

    file = _find(path)
    contents = read_contents(file)
    if json:
        print_json({"path": str(file), **asdict(contents)})
    else:
        _show(file, contents)
    return DONE_WITH_FAILURES if contents.n_damaged else DONE


@journal.command()
@guarded
def export(
    path: JournalPath,
    to: Annotated[Path, typer.Option("--to", metavar="OUT", help="File to write: .jsonl, or .jsonl.gz (compressed).")],
    json: AsJson = False,
) -> int:
    """Write every completion as a line of JSON; a run may go on meanwhile."""
    from radprompter.journal import export_journal

    n_lines = export_journal(_find(path), to)
    if json:
        print_json({"path": str(to), "n_completions": n_lines})
    else:
        _say(f"wrote {to}: {n_lines:,} completions")
    _warn(f"answers may quote reports: treat {to} like the reports")
    return DONE


@journal.command()
@guarded
def prune(
    path: JournalPath,
    failed: Annotated[bool, typer.Option("--failed", help="Remove failures, also where there is no answer.")] = False,
    superseded: Annotated[
        bool, typer.Option("--superseded", help="Remove failures and older answers of requests that have an answer.")
    ] = False,
    damaged: Annotated[bool, typer.Option("--damaged", help="Remove rows that are no longer what was stored.")] = False,
    older_than: Annotated[
        float | None,
        typer.Option("--older-than", min=0, metavar="DAYS", help="Only what is older; alone: all that is older."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")] = False,
    json: AsJson = False,
) -> int:
    """Remove rows that nobody needs, and make the file smaller; not while a run goes on."""
    from radprompter.journal import prune_journal

    file = _find(path)
    remove = partial(
        prune_journal, file, failed=failed, superseded=superseded, damaged_rows=damaged, older_than_days=older_than
    )
    planned = remove(dry_run=True)
    _warn(f"{'would remove' if dry_run else 'removing'} {_removed(planned)}")
    if not dry_run:
        planned = remove()
    if json:
        print_json({"path": str(file), "dry_run": dry_run, **asdict(planned)})
    elif dry_run:
        _say(f"about {planned.n_bytes:,} bytes would be gained")
    else:
        _say(f"removed {planned.n_rows:,} rows; {planned.n_bytes:,} bytes gained")
    return DONE


def _find(path: Path) -> Path:
    """The journal itself, or that of a recipe."""
    if path.suffix not in (".yaml", ".yml"):
        return path
    from radprompter.labeling.section import label_journal
    from radprompter.recipe import load_recipe
    from radprompter.shipped import find_recipe

    return label_journal(load_recipe(find_recipe(path)))


def _show(path: Path, contents: Contents) -> None:
    _say(f"{path}: {contents.n_rows:,} completions, {contents.n_bytes:,} bytes")
    _say(f"different requests: {contents.n_requests:,}, of them answered: {contents.n_answered:,}")
    _say(f"successes: {contents.n_successes:,}")
    for kind, number in contents.failures.items():
        _say(f"failures ({kind}): {number:,}")
    for model, number in contents.models.items():
        _say(f"model {model or 'unknown'}: {number:,}")
    _say("tokens: " + ", ".join(f"{kind} {number:,}" for kind, number in contents.tokens.items()))
    if contents.first is not None:
        _say(f"stored from {contents.first} to {contents.last}")
    if contents.n_damaged:
        _warn(
            f"damaged rows, which no run takes for an answer: {contents.n_damaged:,}; put a backup in its place,"
            " or take them away with `journal prune --damaged`"
        )


def _removed(removal: Removal) -> str:
    said = f"{removal.n_rows:,} rows, {removal.n_failures:,} of them failures"
    return f"{said}; {removal.n_answers:,} answers would be asked for again" if removal.n_answers else said


def _say(text: str) -> None:
    console().print(text, markup=False, emoji=False, soft_wrap=True)


def _warn(text: str) -> None:
    console(stderr=True).print(text, markup=False, emoji=False, soft_wrap=True, style="yellow")
