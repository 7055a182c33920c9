"""What workers are given, what they bring back, and when they are not asked at all; without Ray."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from label_study import ANSWER, study

from radprompter.backends import open_backend
from radprompter.errors import BackendError, BudgetError, InputError, JournalError, RadprompterError, RecipeError
from radprompter.journal import Journal
from radprompter.journal.snapshot import Snapshot
from radprompter.labeling.asking import Asker
from radprompter.labeling.section import label_screening, label_template
from radprompter.labeling.tally import Tally
from radprompter.records import Completion, Report
from radprompter.run import label_reports
from radprompter.scale_out import RayEngine
from radprompter.scale_out.blocks import Block, Outcome
from radprompter.scale_out.job import Job
from radprompter.scale_out.reading import read_blocks
from radprompter.scale_out.storing import WithFailures, stored
from radprompter.scale_out.working import Worker
from radprompter.terminal import Track

TEXTS = {f"r{number}": f"Report {number}. Fracture of the radius." for number in range(7)}
SCRIPTED = {"name": "scripted", "default": ANSWER}


def job(folder: Path, texts: dict[str, str], backend: dict[str, Any] = SCRIPTED, **label: Any) -> Job:
    """A job over a study, whose journal is there and may be empty."""
    section = study(folder, backend, texts, **label).label
    assert section is not None
    journal = folder / "out" / "label" / "journal.sqlite"
    with Journal(journal):
        pass
    with Snapshot(journal) as before:
        blank = Job(section, label_screening(section), "", {}, Path.cwd(), journal, before.last_row, 3)
    template = dataclasses.replace(label_template(section), screen=blank.screening)
    identity = open_backend(section.backend, template.region).identity
    return dataclasses.replace(blank, template_hash=template.hash, identity=identity)


def ids(blocks: Sequence[Block]) -> list[list[str]]:
    return [[report.id for report in block.reports] for block in blocks]


def test_reports_come_in_full_blocks_and_all_that_were_read_are_counted(tmp_path: Path) -> None:
    blocks = list(read_blocks(job(tmp_path, TEXTS)))
    assert ids(blocks) == [["r0", "r1", "r2"], ["r3", "r4", "r5"], ["r6"]]
    assert [block.n_read for block in blocks] == [3, 3, 1]


def test_reports_that_read_alike_or_have_no_words_go_to_no_worker(tmp_path: Path) -> None:
    texts = {"a": "No fracture.", "b": "No fracture.", "c": " ", "d": "Fracture.", "e": "No fracture."}
    (block,) = read_blocks(job(tmp_path, texts))
    assert ids([block]) == [["a", "d"]]
    assert block.n_read == 5


def test_what_the_journal_answers_stays_here_and_what_it_answers_in_part_brings_that_along(tmp_path: Path) -> None:
    half_known = {"name": "scripted", "default": ANSWER, "answers": {"r2": "no JSON at all", "r2/again": ANSWER}}
    work = job(tmp_path, TEXTS, half_known)
    first = Worker(work).label(Block([Report(name, {"report": TEXTS[name]}) for name in ("r1", "r2")], {}, 2))
    assert [completion.report_id for _, completion in first.answers] == ["r1", "r2", "r2"]
    with Journal(work.journal) as journal:
        for key, completion in first.answers[:2]:
            journal.store(key, completion)
    with Snapshot(work.journal) as now:
        blocks = list(read_blocks(dataclasses.replace(work, last_row=now.last_row)))
    assert ids(blocks) == [["r0", "r2", "r3"], ["r4", "r5", "r6"]]
    assert blocks[0].known == dict(first.answers[1:2])
    again = Worker(work).label(blocks[0])
    assert [(one.report_id, one.answer) for _, one in again.answers if one.report_id == "r2"] == [("r2", ANSWER)]


def test_the_table_reads_the_same_however_much_is_stored_meanwhile(tmp_path: Path) -> None:
    work = job(tmp_path, TEXTS)
    blocks = read_blocks(work)
    first = next(blocks)
    with Journal(work.journal) as journal:
        for key, completion in Worker(work).label(first).answers:
            journal.store(key, completion)
        assert ids([first, *blocks]) == ids(list(read_blocks(work)))


def test_blocks_and_outcomes_come_out_of_their_bytes_as_they_went_in() -> None:
    completion = Completion("r", ("reply",), failure="truncated", findings=("fracture",), logprobs={"A": -0.5})
    block = Block([Report("r", {"findings": "Ünfall ‹1›"}, "de")], {"k": completion}, 4)
    assert Block.of(block.content()) == block
    stopped = BackendError("host: refuses the key", kind="unauthorised")
    outcome = Outcome.of(Outcome([("k", completion)], 4, {"model": "m"}, stopped).content())
    assert (outcome.answers, outcome.n_read, outcome.proven) == ([("k", completion)], 4, {"model": "m"})
    assert isinstance(outcome.stopped, BackendError)
    assert (str(outcome.stopped), outcome.stopped.kind, outcome.stopped.retryable) == (
        str(stopped),
        stopped.kind,
        False,
    )


@pytest.mark.parametrize("error", [RecipeError("a"), JournalError("b"), InputError("c")])
def test_an_error_keeps_its_class_on_the_way(error: RadprompterError) -> None:
    told = Outcome.of(Outcome([], 0, None, error).content()).stopped
    assert (type(told), str(told)) == (type(error), str(error))


def test_a_defect_in_a_worker_is_told_by_its_kind_and_without_a_word_of_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: Any, report: Report) -> Any:
        raise ZeroDivisionError(report.text)
        yield

    monkeypatch.setattr("radprompter.labeling.rounds.Labeling.label", fails)
    told = Worker(job(tmp_path, TEXTS)).label(Block([Report("r", {"report": "Mrs Secret"})], {}, 1)).stopped
    assert isinstance(told, BackendError)
    assert "ZeroDivisionError at fails" in str(told)
    assert "Secret" not in str(told)


def test_a_machine_with_other_templates_is_refused(tmp_path: Path) -> None:
    work = dataclasses.replace(job(tmp_path, TEXTS), template_hash="another")
    told = Worker(work).label(Block([], {}, 0)).stopped
    assert isinstance(told, InputError)
    assert "give all of them the same" in str(told)


def test_a_machine_without_the_folder_is_refused(tmp_path: Path) -> None:
    work = dataclasses.replace(job(tmp_path, TEXTS), folder=tmp_path / "elsewhere")
    assert "absent on a machine of the cluster" in str(Worker(work).label(Block([], {}, 0)).stopped)


@pytest.mark.parametrize(
    ("address", "backend", "said"),
    [
        ("", {"name": "openai-batch", "model": "m", "batch": {"runner": "files"}}, "hands over all requests"),
        ("10.1.2.3:6379", SCRIPTED, "write `cluster: allow`"),
    ],
)
def test_what_must_not_be_spread_is_refused_before_ray_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, backend: dict[str, Any], said: str
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(RecipeError, match=said):
        label_reports(study(tmp_path, backend, TEXTS), engine=RayEngine(2))


def test_reports_that_name_a_person_go_to_no_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "10.1.2.3:6379")
    texts = {"r": "Mrs. Miller, born 12.03.1956. No fracture."}
    with pytest.raises(InputError, match="name a person"):
        label_reports(study(tmp_path, SCRIPTED, texts, cluster="allow"), engine=RayEngine(2))


def test_failures_that_workers_bring_are_told_and_not_asked_again(tmp_path: Path) -> None:
    fails = {"name": "scripted", "default": ANSWER, "answers": {"r3": {"failure": "timeout"}}}
    work = job(tmp_path, TEXTS, fails)

    class OneWorker:
        is_elsewhere = False

        def fill(self, section: Any, labeling: Any, asker: Asker, *, n_reports: int, track: Track) -> None:
            worker, failed = Worker(work), dict[str, Completion]()
            assert len(list(stored(map(worker.label, read_blocks(work)), asker, failed))) == n_reports
            asker.journal = WithFailures(asker.journal, failed)

    run = label_reports(study(tmp_path, fails, TEXTS), engine=OneWorker())
    assert run.summary["requests"] == {"asked": 7, "from_journal": 0}
    assert run.summary["failures"] == {"timeout": 1}
    assert set(run.table.wide().loc["r3"]) == {"failed"}
    again = label_reports(study(tmp_path, SCRIPTED | {"answers": {"r3": ANSWER}}, TEXTS))
    assert again.summary["failures"] == {}


def test_a_budget_that_is_used_up_ends_the_run_when_the_block_is_stored(tmp_path: Path) -> None:
    work = job(tmp_path, TEXTS)
    section = work.section

    def stop(tally: Tally) -> None:
        if tally.n_asked >= 2:
            raise BudgetError("stopped")

    with Journal(work.journal) as journal:
        asker = Asker(open_backend(section.backend, label_template(section).region), journal, watch=stop)
        with pytest.raises(BudgetError):
            list(stored(map(Worker(work).label, read_blocks(work)), asker, {}))
    assert asker.tally.n_asked == work.n_reports
    with Snapshot(work.journal) as now:
        assert now.last_row == work.n_reports
