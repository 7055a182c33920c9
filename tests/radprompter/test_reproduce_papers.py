"""The benchmark that recomputes five papers: what comes out the same, what does not, and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAME = {
    "golden": [
        "the 4 x 4 matrix, jmir_three_task",
        "the 4 x 4 matrix, jmir_two_task",
        "the 4 x 4 matrix, positive",
        "the 4 x 4 matrix, negative",
        "the 4 x 4 matrix, uncertain",
        "the 4 x 4 matrix, chexbert",
        "the 4 x 4 matrix, macro",
        "the 4 x 4 matrix, four_class_weighted",
        "the 4 x 4 matrix, absent_macro",
        "the 4 x 4 matrix, uncertain_is_negative",
        "the 4 x 4 matrix, uncertain_is_positive",
        "the 4 x 4 matrix, mention",
        "the 4 x 4 matrix, uncertain task as 3 three-task - 2 two-task",
        "Benjamini-Hochberg of .001 .02 .03 .2 .5",
        "McNemar of [[101, 121], [59, 33]], exact",
        "McNemar of [[101, 121], [59, 33]], chi squared corrected",
        "Gwet's AC1 of [[118, 5], [2, 0]]: value, SE, interval",
        "DeLong of two scores: AUROCs, z, p",
    ],
    "JMIR": [
        "uncertain task from 3 T1 - 2 T2 is a score in all 42 cells",
        "uncertain task of no_finding, which has no uncertain label",
        "average of Table 1",
        "average of Table 2",
        "paired t over Table 1",
        "Wilcoxon over Table 1",
        "differences below .02 (Figure 3)",
    ],
    "CXL": [
        "mean of the 13 findings of chex_gpt (Table 3)",
        "macro F1 of Table 1: CheXpert, CheXbert, CheX-GPT, GPT-4",
        "'Positive' row of CheXpert, CheXbert, CheX-GPT",
    ],
    "RAD": ["macro F1 of CheXbert, CheXpert, teacher"],
    "OSL": [
        "pneumothorax: F1 from printed sensitivity and PPV",
        "pneumothorax: accuracy, mean and interval of 1000 resamples",
        "pneumothorax: sensitivity, mean and interval of 1000 resamples",
        "pneumothorax: specificity, mean and interval of 1000 resamples",
        "pneumothorax: npv, mean and interval of 1000 resamples",
        "pneumothorax: ppv, mean and interval of 1000 resamples",
        "pneumothorax: f1, mean and interval of 1000 resamples",
        "rib_fracture: F1 from printed sensitivity and PPV",
        "rib_fracture: reports with it",
        "rib_fracture: accuracy, mean and interval of 1000 resamples",
        "rib_fracture: sensitivity, mean and interval of 1000 resamples",
        "rib_fracture: specificity, mean and interval of 1000 resamples",
        "rib_fracture: npv, mean and interval of 1000 resamples",
        "rib_fracture: ppv, mean and interval of 1000 resamples",
        "rib_fracture: f1, mean and interval of 1000 resamples",
        "rib fracture sensitivity of llama_3_cot, 39/41",
        "rib fracture sensitivity of chexpert, 21/41",
        "'all LLM-based methods outperformed CheXpert', by f1",
        "pneumothorax: interval of Gwet's AC1 of two students",
        "rib_fracture: interval of Gwet's AC1 of two students",
    ],
    "ER": [
        "label-level accuracy, 60,618 of 61,488, in percent",
        "internal reports with doubt, manual then automatic",
        "external reports with doubt, manual then automatic",
    ],
    "rankings": [],
}
NOT_THE_SAME = {
    "JMIR": [
        "uncertain task of support_devices, which has no uncertain label",
        "Wilcoxon over Table 1, all exact",
        "Wilcoxon over Table 1, all normal",
        "findings in which it beats CheXpert",
        "Table 2 is of all certainty levels (its caption)",
    ],
    "CXL": [
        "mean of the 13 findings of chexpert (Table 3)",
        "mean of the 13 findings of chexbert (Table 3)",
        "mean of the 13 findings of gpt_4 (Table 3)",
        "mean of the 13 findings of chex_llm (Table 3)",
        "macro F1 as the mean of the three certainty levels",
        "CheX-LLM loses least from short to long reports",
        "errors per report, at least one in each report that is not perfect",
        "percent perfect of 100 readings",
        "percent perfect of 300 readings",
    ],
    "RAD": ["margin over prior methods, in points", "uncertain F1 of CheXbert on MIMIC-500, RAD and CXL"],
    "OSL": [
        "'false positive rate' of CheXpert, pneumothorax",
        "'all LLM-based methods outperformed CheXpert', by sensitivity",
        "billion parameters of Phi-3 mini (Discussion)",
        "minutes per 1,000 of 227,827 reports",
    ],
}
NOT_PRINTED = {
    "positive task of no_finding behind the printed .8470  .8557  .8557": "0.541  0.567  0.567",
    "paired t over Table 2": "0.5701  0.0270  0.0007",
    "findings in which it beats CheXbert": "3 of 14",
    "margin over the CheXpert labeler": "0.0150",
    "gain of the student over its teacher": "0.0106",
    "pneumothorax: reports with it": "29",
    "pneumothorax: TP/FP/FN behind the table, 29 positives": "27/14/2  25/1/4  20/0/9  28/3/1  28/4/1  29/4/0  29/4/0",
    "rib_fracture: TP/FP/FN behind the table, 41 positives": (
        "21/27/20  30/10/11  27/6/14  39/26/2  36/21/5  39/32/2  39/25/2"
    ),
    "labels a region, (clavicle, elbow, thumb)": "(15, 24, 41)  (26, 29, 25)",
    "doubtful reports that the automatic labels miss, at least": "17 to 78 %",
}


def run(*options: str) -> str:
    command = [sys.executable, ROOT / "benchmarks" / "reproduce_papers.py", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def checks() -> dict[str, list[dict[str, str]]]:
    return json.loads(run("--json"))


@pytest.mark.parametrize("paper", SAME)
def test_what_the_papers_print_comes_out_the_same(checks: dict[str, list[dict[str, str]]], paper: str) -> None:
    assert [check["what"] for check in checks[paper] if check["verdict"] == "same"] == SAME[paper]


@pytest.mark.parametrize("paper", SAME)
def test_what_does_not_come_out_says_why(checks: dict[str, list[dict[str, str]]], paper: str) -> None:
    found = [check for check in checks[paper] if check["verdict"] == "not the same"]
    assert [check["what"] for check in found] == NOT_THE_SAME.get(paper, [])
    assert all(check["why"] for check in found)


def test_what_follows_without_being_printed_is_held(checks: dict[str, list[dict[str, str]]]) -> None:
    ours = {check["what"]: check["ours"] for of in checks.values() for check in of if check["verdict"] == "not printed"}
    assert {what: ours[what] for what in NOT_PRINTED} == NOT_PRINTED


def test_the_p_values_of_jmir_come_with_the_method_that_gave_them(checks: dict[str, list[dict[str, str]]]) -> None:
    by_name = {check["what"]: check for check in checks["JMIR"]}
    assert by_name["paired t over Table 1"]["ours"] == "0.348  0.011  0.00054"
    assert by_name["Wilcoxon over Table 1"]["ours"] == "0.135  0.0052  0.0019"
    assert "exact, 0 zero; exact, 0 zero; normal approximation, 1 zero" in by_name["Wilcoxon over Table 1"]["why"]
    assert by_name["Wilcoxon over Table 1, all exact"]["ours"].endswith("0.00049")
    assert by_name["Wilcoxon over Table 1, all normal"]["ours"].startswith("0.12404  0.00763")


def test_no_ranking_across_papers_is_printed_without_the_reasons_against_it(
    checks: dict[str, list[dict[str, str]]],
) -> None:
    refused = {check["what"]: check["why"] for check in checks["rankings"]}
    assert len(refused) == 5 and {check["verdict"] for check in checks["rankings"]} == {"refused"}
    assert "RAD summary does not state its definition" in refused["ranking of RAD and CXL"]
    assert "other reports (MIMIC-500, 687 of MIMIC-CXR)" in refused["ranking of CXL and JMIR"]
    assert "other definition (tasks: " in refused["ranking of JMIR's Tables 1 and 2"]


def test_one_paper_alone_is_printed_with_paper_ours_and_verdict() -> None:
    text = run("--only", "RAD")
    assert "paper  1.3 to 4.6" in text
    assert "ours   0.73 over chexbert  2.56 over chexpert  1.06 over teacher" in text
    assert text.rstrip().endswith("1 same, 2 not the same, 1 not printed")
