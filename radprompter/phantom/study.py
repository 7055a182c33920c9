"""Writing a synthetic study: tables, images, and a note that says what it is."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from radprompter.errors import InputError, TableError
from radprompter.files import write_json, write_text
from radprompter.labels import LABELS
from radprompter.phantom import chest, clavicle, elbow, thumb
from radprompter.phantom.anatomy import SITES, Anatomy, load_anatomy
from radprompter.phantom.cases import Case, draw_patient
from radprompter.phantom.chest import draw_chest
from radprompter.phantom.clavicle import draw_clavicle
from radprompter.phantom.elbow import draw_elbow
from radprompter.phantom.reports import WrittenReport, write_report
from radprompter.phantom.scanners import Draw, Film, expose, machine_of, write_image
from radprompter.phantom.thumb import draw_thumb
from radprompter.phantom.wording import load_voices
from radprompter.terminal import Track, quiet

REGIONS: dict[str, tuple[Draw, dict[str, Film]]] = {
    "chest": (draw_chest, chest.FILMS),
    "clavicle": (draw_clavicle, clavicle.FILMS),
    "elbow": (draw_elbow, elbow.FILMS),
    "thumb": (draw_thumb, thumb.FILMS),
}
"""Region -> what draws it, and how each of its views lies on the detector."""

BETA_SHARE, BETA_LEAST = 0.4, 90  # the external site is smaller, but has enough for its AUROCs
NOTE = "# Synthetic study\n"

Table = list[dict[str, object]]


def write_phantom(
    folder: Path,
    *,
    regions: Sequence[str] = ("elbow",),
    patients: int = 400,
    seed: int = 7,
    size: int = 160,
    track: Track = quiet,
) -> dict[str, Any]:
    """Write a synthetic study of one or more regions; the same arguments write the same bytes.

    Parameters
    ----------
    folder:
        Gets a folder a region, with ``reports.csv``, ``truth.csv`` (what a perfect reader of the report answers),
        ``findings.csv`` (what is really there), ``images.csv`` and ``images/``.
    regions:
        Any of `REGIONS`.
    patients:
        Patients a region at site alpha; site beta has 40 % of that, but at least 90 where alpha has as many.
    size:
        Shorter side of an image, in pixels.

    Raises
    ------
    InputError
        If a region is unknown, a number is too small, or the folder holds something else.
    """
    unknown = [region for region in regions if region not in REGIONS]
    if unknown or not regions:
        found = ", ".join(map(repr, unknown)) or "none"
        raise InputError(f"phantom: expected regions among {', '.join(REGIONS)}; found {found}")
    if patients < 1 or size < 32:
        raise InputError(f"phantom: expected patients >= 1 and size >= 32; found {patients} and {size}")
    _claim(folder)
    summary: dict[str, Any] = {"synthetic": True, "seed": seed, "size": size, "patients": patients, "regions": {}}
    for region in dict.fromkeys(regions):
        summary["regions"][region] = _write_region(folder / region, region, patients, seed, size, track)
    write_json(folder / "study.json", summary)
    return summary


def _claim(folder: Path) -> None:
    """Refuse a folder that holds anything but an earlier phantom, and say at once that what follows is synthetic."""
    note = folder / "README.md"
    ours = note.is_file() and note.read_text(encoding="utf-8").startswith(NOTE)
    if folder.exists() and (not folder.is_dir() or (not ours and any(folder.iterdir()))):
        raise InputError(f"{folder}: expected an empty folder or an earlier phantom; name another one")
    write_text(note, NOTE + _README)


def _write_region(folder: Path, region: str, patients: int, seed: int, size: int, track: Track) -> dict[str, Any]:
    anatomy, voices = load_anatomy(region), load_voices(region)
    draw, films = REGIONS[region]
    counts = {"alpha": patients, "beta": max(round(BETA_SHARE * patients), min(patients, BETA_LEAST))}
    cases = [
        case
        for site in SITES
        for index in range(counts[site])
        for case in draw_patient(anatomy, region, site=site, index=index, seed=seed)
    ]
    images_folder = folder / "images"
    images_folder.mkdir(parents=True, exist_ok=True)
    reports = [write_report(case, anatomy, voices) for case in cases]
    images: Table = []
    for case in track(cases, f"phantom {region}", total=len(cases)):
        for view in anatomy.views:
            radiograph = expose(case, view, draw, film=films[view], size=size)
            name = write_image(radiograph, case, anatomy, view, images_folder)
            images.append({"study_id": case.study_id, "view": view, "file": f"images/{name}"})
    kept = {str(row["file"]).partition("/")[2] for row in images}
    for path in sorted(images_folder.iterdir()):  # of an earlier phantom with other arguments
        if path.name not in kept:
            path.unlink()
    _write_csv(folder / "reports.csv", map(_report_row, cases, reports))
    _write_csv(folder / "truth.csv", ({"study_id": c.study_id, **r.truth} for c, r in zip(cases, reports, strict=True)))
    _write_csv(folder / "findings.csv", (_finding_row(case, anatomy) for case in cases))
    _write_csv(folder / "images.csv", images)
    return _counts(cases, reports, images, anatomy)


def _report_row(case: Case, report: WrittenReport) -> dict[str, object]:
    return {
        "study_id": case.study_id,
        "patient_id": case.patient_id,
        "site": case.site,
        "language": report.language,
        "sex": case.sex,
        "age": case.age,
        "scanner": machine_of(case),
        "indication": report.indication,
        "comparison": report.comparison,
        "findings": report.findings,
        "impression": report.impression,
    }


def _finding_row(case: Case, anatomy: Anatomy) -> dict[str, object]:
    return {"study_id": case.study_id, **{name: int(name in case.present) for name in anatomy.findings}}


def _counts(cases: list[Case], reports: list[WrittenReport], images: Table, anatomy: Anatomy) -> dict[str, Any]:
    states = [state for report in reports for state in report.truth.values()]
    return {
        "studies": {site: sum(case.site == site for case in cases) for site in SITES},
        "patients": {site: len({case.patient_id for case in cases if case.site == site}) for site in SITES},
        "reports": {code: sum(report.language == code for report in reports) for code in ("en", "de")},
        "images": len(images),
        "views": list(anatomy.views),
        "visible": [name for name, finding in anatomy.findings.items() if finding.visible],
        "truth": {str(state): states.count(state) for state in LABELS},
        "present": {
            name: {site: sum(case.site == site and name in case.present for case in cases) for site in SITES}
            for name in anatomy.findings
        },
    }


def _write_csv(path: Path, rows: Iterable[dict[str, object]]) -> None:
    table = list(rows)
    if not table:
        raise TableError(f"{path}: nothing to write")
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(table[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    write_text(path, text.getvalue())


_README = """
Nobody was examined for this study. Patients, reports and images were made by `radprompter phantom` from random
numbers; the seed and all counts are in `study.json`. It is there to try the software and to test it. Its images are
drawings in the manner of a radiograph, its reports are put together from sentences: numbers reached on it say nothing
about patients.

One folder a region:

| file | holds |
|---|---|
| `reports.csv` | one row a study: patient, site, language, sex, age, scanner, and the sections of the report |
| `truth.csv` | what a perfect reader of the report answers: positive, negative, uncertain, not_mentioned |
| `findings.csv` | what is really there, 1 or 0; the images show what `study.json` lists as visible |
| `images.csv`, `images/` | one row an image: study, view, file |

Site `alpha` writes mostly English prose and has a scanner of its own (PNG of 8 and 16 bits, DICOM). Site `beta` is
smaller, writes mostly German in telegram style, and its scanner has other contrast, noise, blur and pixels (mostly
DICOM as MONOCHROME1).
"""
