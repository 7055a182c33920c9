"""The `radprompter` command: one file a subcommand; what is slow to import is imported when a subcommand runs."""

from __future__ import annotations

import typer

from radprompter.cli.agree import agree
from radprompter.cli.compare import compare
from radprompter.cli.doctor import doctor
from radprompter.cli.explain import explain
from radprompter.cli.journal import journal
from radprompter.cli.label import label
from radprompter.cli.phantom import phantom
from radprompter.cli.pilot import pilot
from radprompter.cli.raters import raters
from radprompter.cli.render import render
from radprompter.cli.run import run
from radprompter.cli.sample import sample
from radprompter.cli.schema import schema
from radprompter.cli.serve import serve
from radprompter.cli.templates import templates

app = typer.Typer(
    help="Radiology reports in, label tables out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(templates, name="templates", help="Regions: list or show them, begin a new one, check one.")
app.add_typer(journal, name="journal", help="The kept answers: show them, export them, prune them.")
app.add_typer(sample, name="sample", help="Reports for people to read: draw them, read back what they say.")
for command in (render, pilot, label, explain, agree, compare, raters, run, phantom, schema, serve, doctor):
    app.command()(command)


def main() -> None:
    """Run the command line."""
    app()
