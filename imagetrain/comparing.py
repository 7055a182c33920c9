"""Runs of any studies against each other: found by their folders, refused where their numbers differ in meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from imagetrain.evaluated import read_metrics
from imagetrain.evaluation.comparison.comparability import (
    OF_NO_CONCERN,
    Contestant,
    align,
    check_comparable,
    restrict,
    what_differs,
)
from imagetrain.evaluation.comparison.side_by_side import compare_predictions
from imagetrain.evaluation.numbers import Options
from imagetrain.recipe import ScoreColumns
from imagetrain.records import name_findings
from imagetrain.store import read_predictions, read_scores
from radprompter.errors import InputError, TableError
from radprompter.files import sha256
from radprompter.terminal import Track, quiet

MARGIN = "No significant difference is not evidence that runs are equal; the intervals say how large one may be."


def compare_evaluated(named: Sequence[Path], *, common: bool = False, track: Track = quiet) -> dict[str, Any]:
    """Paired tests of every pair of runs, of one study or several; plain data.

    Parameters
    ----------
    named:
        A run's folder (``OUT/train/NAME``), an output folder (all its runs), or a table of scores, as `imagetrain
        evaluate` reads it without settings.
    common:
        Compare on the tested studies and the findings that all have.

    Raises
    ------
    InputError
        If there are not two runs, or a study was not evaluated since it was trained.
    DefinitionError
        If the runs may not be compared, with every field that differs and both values.
    """
    contestants = _named([one for path in named for one in find_runs(path)])
    if len(contestants) < 2:
        raise InputError("a comparison needs at least two runs; name two folders of runs, or of studies with runs")
    found: dict[str, Any] = {"restricted": None}
    if common:
        kept = restrict(contestants)
        contestants = kept.contestants
        found["restricted"] = {key: value for key, value in kept._asdict().items() if key != "contestants"}
    check_comparable(contestants)
    options, compared = _options(contestants), [one.name for one in contestants]
    return found | {
        "compared": compared,
        "differs": what_differs(contestants),
        "unchecked": [one.name for one in contestants if not one.says_projection],
        "findings": [
            {"name": name, "title": title} for name, title in name_findings(contestants[0].predictions.findings).items()
        ],
        "options": asdict(options),
        **compare_predictions(align(contestants), options, track=track),
        "caveat": MARGIN,
    }


def find_runs(path: Path) -> list[Contestant]:
    """The runs that a path means.

    Raises
    ------
    InputError
        If there is no evaluated run, saying what to do.
    """
    if path.is_file():
        try:
            scored = read_scores(path, ScoreColumns())
        except TableError as error:
            raise TableError(
                f"{error}\nIf its columns are called otherwise, evaluate it first, then compare the folder: "
                f"imagetrain evaluate {path} --set evaluate.columns.study=NAME --out FOLDER"
            ) from None
        return [Contestant(path.stem, str(path), scored.predictions, None, {"notes": " ".join(scored.notes)})]
    if (path / "evaluate").is_dir():
        return _of_study(path, None)
    if path.parent.name == "train" and path.is_dir():
        return _of_study(path.parent.parent, path.name)
    raise InputError(
        f"{path}: neither an evaluated study's folder, nor a run's folder in one (OUT/train/NAME), nor a table of "
        "scores; evaluate first: imagetrain evaluate RECIPE"
    )


def _of_study(out: Path, wanted: str | None) -> list[Contestant]:
    source = out / "evaluate/metrics.json"
    if not source.is_file():
        raise InputError(f"{source}: no such file; evaluate first: imagetrain evaluate RECIPE")
    identity = read_metrics(source).get("identity")
    if identity is None:
        raise InputError(f"{source}: made by an older version; evaluate again: imagetrain evaluate RECIPE")
    if wanted is not None and wanted not in identity["runs"]:
        known = ", ".join(identity["runs"])
        raise InputError(f"{source}: run {wanted!r} was not evaluated (evaluated: {known}): imagetrain evaluate RECIPE")
    made = []
    for name, run in identity["runs"].items():
        if wanted in (None, name):
            predictions = out / "train" / name / "predictions.parquet"
            if predictions.is_file() and sha256(predictions) != run["predictions"]:
                raise InputError(
                    f"{predictions}: newer than its evaluation; evaluate again: imagetrain evaluate RECIPE"
                )
            tested = read_predictions(out / "evaluate/tested" / f"{name}.parquet")
            made.append(Contestant(name, str(source.resolve()), tested, identity, run["about"]))
    return made


def _named(contestants: Sequence[Contestant]) -> list[Contestant]:
    """Each contestant once, with as much of its folder in its name as tells it apart from its namesakes."""
    once = list({(one.evaluation, one.name): one for one in contestants}.values())
    named = []
    for one in once:
        alike = [other for other in once if other.name == one.name]
        depths = range(len(Path(one.evaluation).parts))
        depth = next(d for d in depths if len({_within_folders(other, d) for other in alike}) == len(alike))
        named.append(one._replace(name=_within_folders(one, depth)))
    return named


def _within_folders(one: Contestant, depth: int) -> str:
    """The name of a contestant below the last `depth` folders of its study."""
    folders = Path(one.evaluation).parts[: -2 if one.identity is not None else -1]
    return "/".join([*folders[max(0, len(folders) - depth) :], one.name])


def _options(contestants: Sequence[Contestant]) -> Options:
    """Those that all evaluations share, by `check_comparable`; the defaults where nobody has any."""
    stated: Mapping[str, Any] = next((one.identity["options"] for one in contestants if one.identity), {})
    known = {field.name for field in fields(Options)} - OF_NO_CONCERN
    return Options(**{key: value for key, value in stated.items() if key in known})
