"""The `imagetrain` command: one file a subcommand; what is slow to import is imported when a subcommand runs."""

from __future__ import annotations

import typer

from imagetrain.cli.cache import cache
from imagetrain.cli.compare import compare
from imagetrain.cli.evaluate import evaluate
from imagetrain.cli.export import export
from imagetrain.cli.predict import predict
from imagetrain.cli.report import report
from imagetrain.cli.saliency import saliency
from imagetrain.cli.size import size
from imagetrain.cli.tables import tables
from imagetrain.cli.train import train

app = typer.Typer(
    help="Label tables and radiographs in, evaluated classifiers out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (cache, train, predict, evaluate, compare, tables, report, export, saliency, size):
    app.command()(command)


def main() -> None:
    """Run the command line."""
    app()
