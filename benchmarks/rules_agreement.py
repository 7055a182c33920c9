"""The rules in two modes against two references of real reports, as one page: our order of decisions and CheXpert's.

    python benchmarks/rules_agreement.py OUT [--show-text]

The references, in ``data/iu_reports`` of the folder that RADPROMPTER_SHARED names: 200 reports that a careful reader (a
language model) labelled in four states (``annotated_200.csv``), and NLM's labels of 2,311 (``nlm_gold14.csv``), which
know only present and the rest, so that most definitions are refused. Writes ``OUT/page.html``, and beside it the labels
of both modes and the numbers of each agreement.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from radprompter.agree_recipe import AgreeRecipe
from radprompter.agree_run import AgreementRun, agree_files, part_of, write_agreement
from radprompter.agreement.content import summarise
from radprompter.agreement.page import render_agreements
from radprompter.recipe import StudyRecipe
from radprompter.run import label_reports

HERE = Path(__file__).parent
MODES = {"rules": {"name": "rules"}, "rules_chexpert": {"name": "rules", "compat": "chexpert"}}
REFERENCES = {
    "annotated_200.csv": {"by": ("length",)},
    "nlm_gold14.csv": {"id": "filename", "match": {"pleural_effusion": "Effusion"}},
}


def label(out: Path, reports: Path) -> dict[str, Path]:
    """Label the reports in both modes: mode -> its label table."""
    tables = {}
    for mode, backend in MODES.items():
        recipe = StudyRecipe.model_validate(
            {
                "name": mode,
                "out": out / mode,
                "label": {"reports": {"path": reports}, "region": "chest", "backend": backend},
            }
        )
        label_reports(recipe)
        tables[mode] = out / mode / "label" / "labels.parquet"
    return tables


def agree(tables: dict[str, Path], folder: Path, reference: str) -> AgreementRun:
    """Both modes against a reference."""
    first, *others = tables
    recipe = AgreeRecipe.model_validate(
        {
            "reference": folder / reference,
            "reports": folder / "reports.csv",
            "also": {name: tables[name] for name in others},
            **REFERENCES[reference],
        }
    )
    return agree_files(tables[first], recipe)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--show-text", action="store_true", help="show disputed reports: it is patient text")
    asked = parser.parse_args()
    folder = Path(os.environ.get("RADPROMPTER_SHARED", HERE.parent.parent / "shared")) / "data/iu_reports"
    if not (folder / "reports.csv").is_file():
        raise SystemExit(f"skipped: no reports in {folder}; set RADPROMPTER_SHARED to the folder that holds data/")
    tables = label(asked.out, folder / "reports.csv")
    runs = {reference: agree(tables, folder, reference) for reference in REFERENCES}
    for reference, run in runs.items():
        write_agreement(asked.out / Path(reference).stem, run)
        print(summarise(run.content)["line"])
    page = asked.out / "page.html"
    page.write_text(
        render_agreements([part_of(run, show_text=asked.show_text) for run in runs.values()]), encoding="utf-8"
    )
    print(f"wrote {page}")


if __name__ == "__main__":
    main()
