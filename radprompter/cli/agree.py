"""`radprompter agree`: a label table against a reference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from radprompter.options import AsJson
from radprompter.terminal import console, guarded, print_json

if TYPE_CHECKING:
    from radprompter.agreement.metrics import Agreement

SHOWN = {"positive": "pos", "negative": "neg", "uncertain": "unc", "not_mentioned": "n.m."}


@guarded
def agree(
    labels: Annotated[Path, typer.Argument(help="labels.parquet that `radprompter label` wrote.")],
    reference: Annotated[Path, typer.Argument(help="Reference: CSV with one column a finding, or a labels.parquet.")],
    projection: Annotated[str, typer.Option(help="How the four states are compared.")] = "four_states",
    json: AsJson = False,
) -> int:
    """Hold a label table against a reference table."""
    from radprompter.agreement.metrics import agree as compare
    from radprompter.agreement.metrics import summarise
    from radprompter.errors import InputError
    from radprompter.labels import PROJECTIONS
    from radprompter.store import read_labels, read_reference

    if projection not in PROJECTIONS:
        raise InputError(f"--projection {projection!r}: expected one of {', '.join(PROJECTIONS)}")
    table = read_labels(labels)
    truth = read_reference(reference, table.schema)
    agreement = compare(table, truth, projection=PROJECTIONS[projection])
    if json:
        print_json(summarise(agreement))
    else:
        _show(agreement)
    return 0


def _show(agreement: Agreement) -> None:
    from rich.table import Table

    from radprompter.labels import LabelState

    table = Table(title=f"agreement with the reference ({agreement.projection}, {agreement.n_reports} reports)")
    table.add_column("finding", no_wrap=True)
    for name in ("n", "none", "acc", "prec", "rec", *(f"F1 {name}" for name in SHOWN.values())):
        table.add_column(name, justify="right")
    for item in agreement.findings:
        numbers = (
            item.accuracy,
            item.precision(LabelState.POSITIVE),
            item.recall(LabelState.POSITIVE),
            *(item.f1(LabelState(state)) for state in SHOWN),
        )
        shown = ["–" if value != value else f"{value:.3f}" for value in numbers]
        table.add_row(item.finding, str(item.n), str(item.n_unlabelled), *shown)
    console().print(table)
    console().print(
        f"cells right: {agreement.accuracy:.4f}   reports with every cell right: {agreement.report_accuracy:.4f}\n"
        "none: cells without a label; acc: right cells; prec, rec: of positive; n.m.: not mentioned; –: no such cell"
    )
