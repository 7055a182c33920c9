"""`radprompter sample`: reports for people to read are drawn and written; `read` is in a file of its own."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from radprompter.cli.sample_files import OPEN, PRIVATE, SAMPLE, load_sample, sheet_path, write_files
from radprompter.cli.sample_read import read
from radprompter.options import AsJson
from radprompter.terminal import DONE, console, guarded, print_json

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from radprompter.label_table import LabelTable
    from radprompter.reading import Sample
    from radprompter.recipe import Reports
    from radprompter.records import Report

sample = typer.Typer(no_args_is_help=True)
sample.command()(read)


class Format(StrEnum):
    """What the sheets are written as."""

    CSV = "csv"
    JSONL = "jsonl"
    LABEL_STUDIO = "label-studio"


class Separator(StrEnum):
    """What stands between the cells of a CSV sheet."""

    COMMA = "comma"
    SEMICOLON = "semicolon"


@sample.command()
@guarded
def draw(
    labels: Annotated[Path, typer.Argument(help="labels.parquet that `radprompter label` wrote.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the sample and its sheets.")],
    n: Annotated[int, typer.Option("--n", min=1, help="Reports to draw.")] = 300,
    random_share: Annotated[
        float, typer.Option(min=0, max=1, help="Share drawn at random from all; the rest is rare and uncertain.")
    ] = 0.3,
    seed: Annotated[int, typer.Option(help="The same seed draws the same reports.")] = 7,
    form: Annotated[Format, typer.Option("--format", help="What the sheets are written as.")] = Format.CSV,
    separator: Annotated[Separator, typer.Option(help="Between the cells of a CSV sheet.")] = Separator.COMMA,
    recipe: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Recipe whose reports' texts are put into the sheets.")
    ] = None,
    reports: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Table of reports whose texts are put into the sheets.")
    ] = None,
    report_id: Annotated[str, typer.Option("--id", help="Column of --reports with the report's id.")] = "report_id",
    text: Annotated[
        str, typer.Option(metavar="NAMES", help="Columns of --reports with the text, commas between.")
    ] = "findings,impression",
    raters: Annotated[int, typer.Option(min=1, help="People who read; each has a sheet.")] = 1,
    overlap: Annotated[float, typer.Option(min=0, max=1, help="Share of the reports that all of them read.")] = 0.2,
    show_labels: Annotated[
        bool, typer.Option("--show-labels/--blind", help="Show the labels of the table, which sways whoever reads.")
    ] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Draw also from reports that lack a label.")] = False,
    one_per: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Draw at most one report of each value, such as a patient.")
    ] = None,
    without: Annotated[
        list[Path] | None, typer.Option(metavar="DIR", help="Leave out the reports of an earlier sample; repeatable.")
    ] = None,
    json: AsJson = False,
) -> int:
    """Draw reports for people to read, rare and uncertain ones first, and write sheets for them to fill."""
    from radprompter.errors import InputError
    from radprompter.files import sha256
    from radprompter.reading import Sample, assign, draw_reports, set_aside, stratify
    from radprompter.store import read_labels

    if out.exists() and not out.is_dir():
        raise InputError(f"--out {out}: is a file; name a folder")
    table = read_labels(labels)
    source = _source(recipe, reports, report_id, text)
    groups = None if one_per is None else _groups(source, one_per, table)
    earlier = [load_sample(path) for path in without or ()]
    ids = tuple(item.id for item in earlier)
    strata = stratify(table, with_failed=failed, without=set_aside(earlier, groups))
    drawn = draw_reports(strata, n=n, random_share=random_share, seed=seed, groups=groups, after=ids)
    chosen = Sample(
        schema=table.schema,
        seed=seed,
        random_share=random_share,
        reports=drawn.reports,
        strata=drawn.strata,
        raters=assign(drawn, n_raters=raters, overlap=overlap, seed=seed),
        population={
            "n_reports": len(table),
            "n_without_words": strata.n_without_words,
            "n_failed": strata.n_failed,
            "n_drawable": len(strata.of),
        },
        labels_hash=sha256(labels),
        blind=not show_labels,
        one_per=one_per,
        without=ids,
    )
    texts = None if source is None else _texts(source, chosen.report_ids)
    contents = _contents(out, chosen, form, texts, _predicted(table, chosen) if show_labels else None, separator)
    written = _write(out, chosen, contents, private=texts is not None)
    if json:
        print_json({"out": str(out), "sample": chosen.id, "files": [path.name for path in written], **_summary(chosen)})
        return DONE
    _show(chosen)
    for path in written:
        _say(f"wrote {path}")
    if not written:
        _say(f"{out}: this very sample is there already; nothing was written")
    if texts is not None:
        _say("the sheets hold the reports' texts, and only you may read them: keep them where the reports may be")
    return DONE


class Source(NamedTuple):
    """A table of reports, and what becomes of words in them that may name a person."""

    reports: Reports
    screen: Callable[[Report], Report]


def _source(recipe: Path | None, reports: Path | None, report_id: str, text: str) -> Source | None:
    """Where the texts of the reports are, if anything says so; of a recipe that masks identifiers, masked."""
    from radprompter.errors import InputError
    from radprompter.labeling.section import label_screening, label_section
    from radprompter.recipe import Reports, load_recipe
    from radprompter.shipped import find_recipe

    if recipe is not None and reports is not None:
        raise InputError("--recipe and --reports both name a table of reports; give one of them")
    if recipe is not None:
        section = label_section(load_recipe(find_recipe(recipe)))
        return Source(section.reports.model_copy(update={"only": None}), label_screening(section))
    if reports is None:
        return None
    columns = {name.strip(): name.strip() for name in text.split(",")}
    return Source(Reports(path=reports, id=report_id, text=columns), lambda report: report)


def _texts(source: Source, report_ids: Collection[str]) -> dict[str, Mapping[str, str]]:
    """The sections of the drawn reports."""
    from radprompter.errors import TableError
    from radprompter.store import read_reports

    wanted = set(report_ids)
    drawn = (report for report in read_reports(source.reports) if report.id in wanted)
    found = {report.id: source.screen(report).sections for report in drawn}
    lacking = sorted(wanted - found.keys())
    if lacking:
        raise TableError(
            f"{source.reports.path}: lacks {len(lacking)} of the drawn reports; the first is {lacking[0]!r}"
        )
    return found


def _groups(source: Source | None, column: str, table: LabelTable) -> dict[str, str]:
    """Report id -> what its table has in a column."""
    from radprompter.errors import InputError, TableError
    from radprompter.files import read_table

    if source is None:
        raise InputError(f"--one-per {column}: name the table with that column, by --reports or --recipe")
    path, key = source.reports.path, source.reports.id
    frame = read_table(path, required=(key, column))
    found = dict(zip(frame[key].astype(str), frame[column].astype(str), strict=True))
    lacking = [report_id for report_id in table.report_ids if not found.get(report_id, "").strip()]
    if lacking:
        raise TableError(f"{path}: {len(lacking)} reports have no {column!r}; the first is {lacking[0]!r}")
    return {report_id: found[report_id] for report_id in table.report_ids}


def _predicted(table: LabelTable, chosen: Sample) -> dict[str, dict[str, str]]:
    rows = table.wide().loc[list(chosen.report_ids)].to_dict("index")
    return {str(report_id): {str(name): str(state) for name, state in row.items()} for report_id, row in rows.items()}


def _contents(
    out: Path, chosen: Sample, form: Format, texts: Any, predicted: Any, separator: Separator
) -> dict[Path, str]:
    """The files of a sample with what they hold."""
    from radprompter.reading import write_csv, write_interface, write_jsonl, write_tasks

    shown = {"texts": texts, "predicted": predicted}
    if form is Format.LABEL_STUDIO:
        sections = tuple(dict.fromkeys(name for report in (texts or {}).values() for name in report))
        interface = {out / "interface.xml": write_interface(chosen.schema, sections, with_predicted=not chosen.blind)}
        return interface | {
            sheet_path(out, chosen, rater, beginning="tasks", ending=".json"): write_tasks(chosen, rater, **shown)
            for rater in chosen.raters
        }
    if form is Format.JSONL:
        return {sheet_path(out, chosen, r, ending=".jsonl"): write_jsonl(chosen, r, **shown) for r in chosen.raters}
    delimiter = ";" if separator is Separator.SEMICOLON else ","
    return {
        sheet_path(out, chosen, rater, ending=".csv"): write_csv(chosen, rater, delimiter=delimiter, **shown)
        for rater in chosen.raters
    }


def _write(out: Path, chosen: Sample, contents: Mapping[Path, str], *, private: bool) -> list[Path]:
    """Write what is not there yet; a sheet that is there may be filled, and is never replaced."""
    from radprompter.errors import InputError
    from radprompter.files import write_json

    if (out / SAMPLE).exists():
        if load_sample(out).id != chosen.id:
            raise InputError(
                f"{out}: holds another sample, perhaps with filled sheets; choose another folder with --out"
            )
    elif there := [path for path in contents if path.exists()]:
        raise InputError(f"{there[0]}: is there already, and no sample with it; choose another --out")
    else:
        write_json(out / SAMPLE, chosen.to_json())
    new = {path: text for path, text in contents.items() if not path.exists()}
    if new:
        write_files(new, mode=PRIVATE if private else OPEN)
    return list(new)


def _summary(chosen: Sample) -> dict[str, Any]:
    return {
        "n": len(chosen.reports),
        "n_at_random": sum(report.at_random for report in chosen.reports),
        "population": dict(chosen.population),
        "strata": [stratum._asdict() for stratum in chosen.strata],
        "raters": {name: len(ids) for name, ids in chosen.raters.items()},
    }


def _show(chosen: Sample) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    unit = "reports" if chosen.one_per is None else chosen.one_per
    for name in ("stratum", unit, "drawn", "of them at random", "weight"):
        table.add_column(name, justify="left" if name == "stratum" else "right", no_wrap=True)
    for item in chosen.strata:
        weight = f"{item.n_population / item.n_drawn:.2f}"
        table.add_row(item.name, f"{item.n_population:,}", f"{item.n_drawn:,}", f"{item.n_at_random:,}", weight)
    console().print(table)
    summary, population = _summary(chosen), chosen.population
    _say(
        f"\n{summary['n']:,} of {population['n_drawable']:,} reports drawn, {summary['n_at_random']:,} at random; "
        f"{population['n_reports']:,} in the table, {population['n_failed']:,} of them lack a label, "
        f"{population['n_without_words']:,} have no words"
    )
    if chosen.one_per is not None:
        _say(f"a weight is multiplied by the number of reports with the same {chosen.one_per}")
    if len(chosen.raters) > 1:
        _say(", ".join(f"{name} reads {number:,}" for name, number in summary["raters"].items()))


def _say(text: str) -> None:
    console().print(text, markup=False, emoji=False, soft_wrap=True)
