"""The same reports through two plans, one JSON for all findings and a read-out a finding, in one Markdown table.

    python benchmarks/two_plans.py [PAGE.md]

Needs the vLLM environment of the tests (`make test` makes it): a tiny model is trained on synthetic reports and served.
With a page, what stands between its lines ``<!-- two plans -->`` and ``<!-- end -->`` is written anew.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from tiny_model import vllm_python
from trained_site import TrainedSite, brier, hard_labels, share_right, soft_labels, trained_site

from radprompter.run import LabelRun

REPORTS = 50
SHOWN = {"fracture": "Fracture", "displacement": "Displacement", "ac_joint_osteoarthritis": "AC joint osteoarthritis"}
SIGNS = {"positive": "+", "negative": "−", "uncertain": "?", "not_mentioned": "·"}
BETWEEN = re.compile(r"(?<=<!-- two plans -->\n).*(?=<!-- end -->)", re.DOTALL)


def main() -> None:
    python = vllm_python()
    if python is None:
        raise SystemExit(
            "no vLLM environment: `make test` makes .venv-vllm; or set RADPROMPTER_VLLM_PYTHON to its Python"
        )
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        with trained_site(Path(folder), python) as site:
            print(f"trained and started in {time.perf_counter() - started:.0f} s", file=sys.stderr)
            whole = site.label(Path(folder) / "whole", plan="one_json", limit=REPORTS, structured=True)
            read_out = site.label(Path(folder) / "read_out", plan="label_read", limit=REPORTS)
            text = f"{_sums(site, whole, read_out)}\n{_cells(site.truth(whole), whole, read_out)}"
    if sys.argv[1:]:
        page = Path(sys.argv[1])
        page.write_text(BETWEEN.sub(lambda _: text, page.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(text)


def _sums(site: TrainedSite, whole: LabelRun, read_out: LabelRun) -> str:
    truth = site.truth(whole)
    spoken = truth.to_numpy() != "not_mentioned"
    rows = {"": ("one JSON", "read-out"), "plan": ("`one_json`", "`label_read`")}
    runs = (whole, read_out)
    right = [run.table.wide().to_numpy() == truth.to_numpy() for run in runs]
    rows[f"cells right, of {truth.size:,}"] = tuple(f"{share_right(run, truth):.1%}" for run in runs)
    rows[f"of those that the report speaks of, {spoken.sum():,}"] = tuple(f"{r[spoken].mean():.1%}" for r in right)
    rows["Brier score, hard labels"] = tuple(f"{brier(hard_labels(run.table.wide()), truth):.4f}" for run in runs)
    rows["Brier score, soft labels"] = ("none measured", f"{brier(soft_labels(read_out), truth):.4f}")
    rows["requests"] = tuple(f"{run.summary['requests']['asked']:,}" for run in runs)
    for kind in ("prompt", "completion"):
        rows[f"{kind} tokens"] = tuple(f"{run.summary['tokens'][kind]:,}" for run in runs)
    rows["seconds"] = tuple(f"{run.summary['seconds']:.1f}" for run in runs)
    lines = [f"| {name} | {' | '.join(values)} |" for name, values in rows.items()]
    return "\n".join([lines[0], "|---|---|---|", *lines[1:]]) + "\n"


def _cells(truth: pd.DataFrame, whole: LabelRun, read_out: LabelRun) -> str:
    """A row a report: for each finding shown its true state, both plans', and the soft label."""
    json_states, read_states = whole.table.wide(), read_out.table.wide()
    soft = read_out.table.frame.set_index(["report_id", "finding"])["p_positive"]
    titles = [f"{title}: truth, JSON, read-out | p_positive" for title in SHOWN.values()]
    lines = ["| Report | " + " | ".join(titles) + " |", "|---|" + "---|---|" * len(SHOWN)]
    for report in truth.index:
        cells = []
        for name in SHOWN:
            signs = [SIGNS.get(str(table.loc[report, name]), "!") for table in (truth, json_states, read_states)]
            differs = "" if len(set(signs)) == 1 else " ←"
            cells += [" ".join(signs) + differs, f"{soft[report, name]:.3f}"]
        lines.append(f"| {report} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
