"""Reports per second of the rule labeler, and of the whole labeling stage with journal and tables.

    python benchmarks/rules_throughput.py [REPORTS.csv]

Without a file, the phantom's elbow reports are labelled.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from radprompter.phantom import write_phantom
from radprompter.recipe import Reports, StudyRecipe
from radprompter.records import Report
from radprompter.region import load_region
from radprompter.rules.labeler import RuleLabeler
from radprompter.run import label_reports
from radprompter.store import read_reports


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        if sys.argv[1:]:
            source, region = Reports(path=Path(sys.argv[1])), "chest"
        else:
            write_phantom(Path(folder) / "phantom", regions=("elbow",), patients=600, size=64)
            path = Path(folder) / "phantom/elbow/reports.csv"
            source, region = Reports(path=path, id="study_id", language_column="language"), "elbow"
        reports = list(read_reports(source))
        print(f"{len(reports)} reports, region {region}")
        print(f"rules alone            {_alone(reports, region):8,.0f} reports/s, one core")
        recipe = StudyRecipe.model_validate(
            {"name": "b", "out": f"{folder}/out", "label": {"reports": source.model_dump(), "region": region}}
        )
        started = time.perf_counter()
        label_reports(recipe)
        print(f"with journal and files {len(reports) / (time.perf_counter() - started):8,.0f} reports/s")


def _alone(reports: list[Report], region: str) -> float:
    labeler = RuleLabeler(load_region(region))
    started = time.perf_counter()
    for report in reports:
        labeler.label(report)
    return len(reports) / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
