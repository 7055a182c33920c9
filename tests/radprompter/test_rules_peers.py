"""The rules on the NegEx sentences, and the benchmark that holds them against other labelers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from radprompter.labels import LabelState
from radprompter.rules.context import Context

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".venv-peers" / "bin" / "python"


def test_negation_of_the_negex_sentences_is_right_in_95_of_100(shared: Path) -> None:
    path = shared / "data" / "labeler_samples" / "negex_sentences" / "rsAnnotations-1-120-random.txt"
    context = Context("en")
    right = []
    for line in path.read_text(encoding="latin-1").splitlines()[1:]:
        _, condition, text, status, *_ = line.split("\t")
        found = re.search(r"\s+".join(map(re.escape, condition.split())), text, re.IGNORECASE)
        is_negated = found is not None and context.assess(text, [found.span()])[0].state is LabelState.NEGATIVE
        right.append(is_negated == (status == "Negated"))
    assert len(right) == 2_376
    assert sum(right) / len(right) >= 0.95


@pytest.mark.skipif(not PEERS.is_file(), reason="no peers: `make test` makes .venv-peers")
@pytest.mark.parametrize("peer", ["medspacy", "medspacy-pyrush", "negspacy"])
def test_the_peers_of_the_benchmark_judge_what_they_are_given_and_log_no_report(peer: str) -> None:
    sentences = [["There is no effusion.", 12, 20], ["A large effusion.", 8, 16]]
    reports = ["No pneumothorax. Large effusion.", "Effusion."]
    asked = {"peer": peer, "concepts": ["effusion", "pneumothorax"], "reports": reports, "sentences": sentences}
    command = [PEERS, ROOT / "benchmarks" / "rules_peers.py"]
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    assert (answer["negated"], answer["n_mentions"]) == ([True, False], 3)
    assert "ffusion" not in done.stderr


def test_the_benchmark_says_what_it_leaves_out(tmp_path: Path) -> None:
    command = [sys.executable, "benchmarks/rules.py", "--reports", "40", "--megabytes", "0.02"]
    environment = {"RADPROMPTER_SHARED": str(tmp_path), "PATH": "", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, "--peers", str(tmp_path / "none")],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    said = " ".join(done.stdout.split())
    for words in ("The peers are left out", "The real reports are left out", "The NegEx sentences are left out"):
        assert words in said
    assert "40 reports" in said
    assert "heading, then spaces" in said
