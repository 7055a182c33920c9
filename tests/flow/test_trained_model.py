"""Meaning through the whole engine: a model that has learned to read, served by vLLM, labels patients it never saw.

Reports, templates, prompts, server, grammar, parser, label table: whatever mixed up, cut or lost a report on the way
would show as wrong labels.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from trained_model import LESSONS
from trained_site import TrainedSite, brier, hard_labels, share_right, soft_labels, trained_site

from radprompter.labels import LABELS, LabelState
from radprompter.run import LabelRun

pytestmark = [pytest.mark.vllm, pytest.mark.slow, pytest.mark.timeout(1800)]  # training takes longer on a busy machine

LEAST_RIGHT = 0.95
READ_OUT = 30  # reports, each of which takes a request a finding


@pytest.fixture(scope="module")
def site(vllm: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainedSite]:
    with trained_site(tmp_path_factory.mktemp("trained"), vllm) as site:
        yield site


@pytest.fixture(scope="module")
def whole(site: TrainedSite, tmp_path_factory: pytest.TempPathFactory) -> LabelRun:
    """All findings of a report in one constrained JSON."""
    return site.label(tmp_path_factory.mktemp("whole"), plan="one_json", structured=True)


@pytest.fixture(scope="module")
def read_out(site: TrainedSite, tmp_path_factory: pytest.TempPathFactory) -> LabelRun:
    """The probabilities of each finding's states."""
    return site.label(tmp_path_factory.mktemp("read_out"), plan="label_read", limit=READ_OUT)


def n_texts(site: TrainedSite, limit: int | None = None) -> int:
    """How many different reports there are among the first: equal ones are asked about once."""
    table = pd.read_csv(site.reports, dtype=str, keep_default_na=False).iloc[:limit]
    return len(table[["findings", "impression"]].drop_duplicates())


def test_no_patient_of_the_study_was_learned_from(site: TrainedSite) -> None:
    held_out = set(pd.read_csv(site.reports, dtype=str)["patient_id"])
    lessons = (site.templates.parent / LESSONS).read_text(encoding="utf-8").splitlines()
    learned = {json.loads(lesson)["study_id"].partition("-")[0] for lesson in lessons}
    assert len(held_out) >= 40 and len(learned) > 1000
    assert {patient[:3] for patient in held_out} == {patient[:3] for patient in learned}  # region and site
    assert not held_out & learned


def test_a_constrained_zero_shot_json_is_right_in_95_percent_of_all_cells(site: TrainedSite, whole: LabelRun) -> None:
    truth = site.truth(whole)
    assert whole.summary["requests"]["asked"] == n_texts(site) and whole.summary["failures"] == {}
    assert set(whole.table.frame["state"]) <= set(LABELS)
    assert share_right(whole, truth) >= LEAST_RIGHT


def test_what_the_reports_speak_of_is_read_and_not_only_what_they_leave_out(site: TrainedSite, whole: LabelRun) -> None:
    truth, states = site.truth(whole).to_numpy(), whole.table.wide().to_numpy()
    spoken = truth != LabelState.NOT_MENTIONED
    assert spoken.mean() > 0.15
    assert (states == truth)[spoken].mean() >= 0.75
    for state in (LabelState.POSITIVE, LabelState.NEGATIVE):
        assert (states == truth)[truth == state].mean() >= 0.75


def test_the_labels_of_each_report_are_its_own(site: TrainedSite, whole: LabelRun, read_out: LabelRun) -> None:
    for run in (whole, read_out):
        truth = site.truth(run)
        shifted = truth.iloc[np.roll(np.arange(len(truth)), 1)]
        assert share_right(run, shifted) < share_right(run, truth) - 0.1


def test_soft_labels_are_nearer_to_the_truth_than_hard_ones(site: TrainedSite, read_out: LabelRun) -> None:
    truth, frame = site.truth(read_out), read_out.table.frame
    assert read_out.summary["requests"]["asked"] == n_texts(site, READ_OUT) * len(truth.columns)
    assert read_out.summary["failures"] == {}
    assert set(frame["state"]) <= set(LABELS)
    soft, hard = soft_labels(read_out), hard_labels(read_out.table.wide())
    assert (soft >= -1e-9).all() and (soft.argmax(axis=1) == hard.argmax(axis=1)).all()
    assert brier(hard, truth) == pytest.approx(2 * (1 - share_right(read_out, truth)))
    assert brier(soft, truth) < brier(hard, truth)
