"""The rule labeler beside medspaCy's ConText and negspacy: reports per second, memory, negation, and hostile lengths.

    python benchmarks/rules.py [--reports 2376] [--megabytes 5]

The real reports and the NegEx sentences are looked for in the folder that RADPROMPTER_SHARED names; without them, the
phantom's elbow reports are timed. The peers run in `.venv-peers`, which `make .venv-peers/ready` makes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from radprompter.backends import open_backend
from radprompter.labels import LabelState
from radprompter.phantom import write_phantom
from radprompter.recipe import Reports, StudyRecipe
from radprompter.records import Prompt, Report
from radprompter.region import load_region
from radprompter.rules import reading
from radprompter.rules.context import Context
from radprompter.rules.labeler import RuleLabeler
from radprompter.rules.lexicon import RegionLexicon, load_language
from radprompter.rules.processes import CHUNK
from radprompter.rules.reading import READ_SECTIONS, Reader
from radprompter.rules.vocabulary import Mention, Vocabulary, compile_vocabulary
from radprompter.rules.words import divide_words
from radprompter.run import label_reports
from radprompter.store import read_reports

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("RADPROMPTER_SHARED", ROOT.parent / "shared")) / "data"
REAL = SHARED / "iu_reports" / "reports.csv"
NEGEX = SHARED / "labeler_samples" / "negex_sentences" / "rsAnnotations-1-120-random.txt"
PEERS_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
PEERS = {
    "medspacy-pyrush": "medspaCy ConText",
    "medspacy": "medspaCy ConText, sentencizer",
    "negspacy": "negspacy, sentencizer",
}
OURS = {
    "labeler": "rules",
    "forgetful": "rules, no memory",
    "concepts": "rules, same concepts, no memory",
    "processes": "rules, two processes",
}
SLOW = 300  # reports for a peer that takes long
HOSTILE = {
    "no no no": "no {} ",
    "only commas": "{}, , , , , , , , ",
    "A or B or C": "effusion {} or pneumonia or edema or ",
    "possible possible": "possible effusion {} ",
    "one endless sentence": "there is {} an effusion and possible edema near the heart which is enlarged but ",
    "unknown compounds": "abcdefg{}hijklmno- und ",
    "heading, then spaces": "",
}
WHAT_IS_COMPARED = (
    "They are the region's synonyms as they stand in these reports, sought by exact words, the fastest way that "
    "spaCy has. The peers find and judge mentions; spaCy's tokens and documents are good for more than this. The "
    "rules, but for the row of the same concepts, do all that labels need: the whole lexicon, headings, "
    "combinations, a state with evidence for each finding. medspaCy as `medspacy.load` makes it has PyRuSH; the "
    "sentencizer is spaCy's simple one. Times are of one process after 20 reports, without imports; `a CPU "
    "second` is what to compare where other work runs beside."
)
HOW_IT_IS_JUDGED = (
    "Each of the three is given the same characters, and the text as one sentence. What is possible counts as not"
    " negated."
)


class Source(NamedTuple):
    """Reports to time, and the region that labels them."""

    reports: list[Report]
    region: str
    reports_from: Reports


class Sentence(NamedTuple):
    """A sentence with a condition at some characters, and whether people read it as denied."""

    text: str
    start: int
    end: int
    is_negated: bool


def read_source(n: int, folder: Path) -> Source:
    if REAL.is_file():
        where, region = Reports(path=REAL, id="report_id"), "chest"
    else:
        if not (folder / "phantom").exists():
            write_phantom(folder / "phantom", regions=("elbow",), patients=min(600, n), size=64)
        where, region = Reports(path=folder / "phantom/elbow/reports.csv", id="study_id"), "elbow"
    return Source(list(read_reports(where))[:n], region, where)


def words_of(report: Report) -> str:
    return "\n".join(words for name, words in report.sections.items() if name in READ_SECTIONS)


def compile_concepts(region: str) -> Vocabulary:
    """The region's synonyms without its lexicon: what the peers are given, too."""
    language = load_language("en")
    assert language is not None
    return compile_vocabulary(load_region(region), language, RegionLexicon(), code="en")


def find_concepts(source: Source) -> list[str]:
    """The synonyms as they stand in the reports: every phrase that one of the region's patterns finds there."""
    vocabulary = compile_concepts(source.region)
    found = set()
    for text in map(words_of, source.reports):
        for sentence in vocabulary.splitter.split(text):
            words, spans = divide_words(sentence.text, None)
            for item in vocabulary.trie.find(words):
                if isinstance(item.meaning, Mention) and item.meaning.is_finding:
                    found.add(sentence.text[spans[item.start][0] : spans[item.end - 1][1]].lower())
    return sorted(found)


def measure(way: str, source: Source) -> dict[str, float]:
    """Time one way of ours in this process; its largest resident memory is read at the end."""
    if way in ("forgetful", "concepts"):
        reading.MAX_REMEMBERED = 0
    work: Callable[[Report], object]
    if way == "concepts":
        work = Reader({"en": compile_concepts(source.region)}).read
    else:
        work = RuleLabeler(load_region(source.region)).label
    for report in source.reports[:20]:
        work(report)
    began, began_cpu = time.perf_counter(), time.process_time()
    if way == "processes":
        backend = open_backend({"name": "rules", "processes": 2}, load_region(source.region))
        prompts = [Prompt(report) for report in source.reports]
        list(backend.complete([Prompt(Report(str(n), {"report": "Normal."})) for n in range(4 * CHUNK)]))  # all begin
        began = time.perf_counter()
        for _ in backend.complete(prompts):
            pass
        seconds = cpu = time.perf_counter() - began
        backend.close()
    else:
        for report in source.reports:
            work(report)
        seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (peak,) = (int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return {"n": len(source.reports), "seconds": seconds, "cpu": cpu, "peak_mb": peak / 1024}


def read_sentences() -> list[Sentence]:
    sentences = []
    for line in NEGEX.read_text(encoding="latin-1").splitlines()[1:]:
        _, condition, text, status, *_ = line.split("\t")
        found = re.search(r"\s+".join(map(re.escape, condition.split())), text, re.IGNORECASE)
        if found:
            sentences.append(Sentence(text, *found.span(), status == "Negated"))
    return sentences


def ask_peer(
    python: Path, peer: str, reports: Sequence[str], concepts: Sequence[str], sentences: Sequence[Sentence]
) -> Any:
    asked = {"peer": peer, "reports": reports, "concepts": concepts, "sentences": [s[:3] for s in sentences]}
    command = [str(python), str(Path(__file__).with_name("rules_peers.py"))]
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{peer} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def score(judged: Sequence[bool], sentences: Sequence[Sentence]) -> tuple[str, ...]:
    pairs = list(zip(judged, (s.is_negated for s in sentences), strict=True))
    hits = sum(found and true for found, true in pairs)
    right = sum(found == true for found, true in pairs)
    rates = (right / len(pairs), hits / max(1, sum(judged)), hits / sum(s.is_negated for s in sentences))
    return tuple(f"{rate:.3f}" for rate in rates)


def hostile_seconds(unit: str, length: int) -> float:
    """CPU seconds for a report of `length` characters, in units with a number each, so that none repeats another."""
    labeler = RuleLabeler(load_region("chest"))
    n_units = length // max(1, len(unit.format(1_000_000)))
    text = "".join(unit.format(1_000_000 + number) for number in range(n_units)) or "\nFindings" + " " * length + "x"
    language = "de" if " und " in unit else "en"
    began = time.process_time()
    labeler.label(Report("hostile", {"report": f"Effusion. {text}"}, language))
    return time.process_time() - began


def print_speed(console: Console, source: Source, arguments: Sequence[str], answers: dict[str, Any]) -> None:
    table = Table("", "reports", "reports/s", "a CPU second", "x medspaCy", "x the same, sentencizer", "peak MB")
    rows = {}
    for way in OURS:
        command = [sys.executable, __file__, "--measure", way, *arguments]
        rows[OURS[way]] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    rows |= {PEERS[peer]: answer for peer, answer in answers.items()}
    per_cpu = {name: row["n"] / row["cpu"] for name, row in rows.items()}
    bases = [per_cpu[PEERS[peer]] for peer in ("medspacy-pyrush", "medspacy") if peer in answers]
    for name, row in rows.items():
        alone = name != OURS["processes"]
        table.add_row(
            name,
            f"{row['n']:,}",
            f"{row['n'] / row['seconds']:,.0f}",
            f"{per_cpu[name]:,.0f}" if alone else "",
            *([f"{per_cpu[name] / base:,.1f}" if alone else "" for base in bases] or ["", ""]),
            f"{row['peak_mb']:,.0f}" + ("" if alone else " + 2 others"),
        )
    console.print(table)


def print_negation(console: Console, sentences: Sequence[Sentence], answers: dict[str, Any]) -> None:
    context = Context("en")
    ours = [context.assess(s.text, [(s.start, s.end)])[0].state is LabelState.NEGATIVE for s in sentences]
    table = Table("negated or not", "accuracy", "precision", "recall")
    table.add_row("rules", *score(ours, sentences))
    for peer in ("medspacy", "negspacy"):
        if peer in answers:
            table.add_row(PEERS[peer].partition(",")[0], *score(answers[peer]["negated"], sentences))
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, default=2_376)
    parser.add_argument("--megabytes", type=float, default=5.0, help="longest hostile report")
    parser.add_argument("--peers", type=Path, default=PEERS_PYTHON, help="Python with medspaCy and negspacy")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--measure", choices=OURS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    console = Console(width=120, highlight=False)
    with tempfile.TemporaryDirectory() as made:
        folder = options.folder or Path(made)
        source = read_source(options.reports, folder)
        if options.measure:
            print(json.dumps(measure(options.measure, source)))
            return
        sentences = read_sentences() if NEGEX.is_file() else []
        answers: dict[str, Any] = {}
        concepts = find_concepts(source)
        if options.peers.is_file():
            texts = [words_of(report) for report in source.reports]
            for peer in PEERS:
                some = texts[:SLOW] if peer == "medspacy-pyrush" else texts
                answers[peer] = ask_peer(options.peers, peer, some, concepts, sentences)
        else:
            console.print(f"The peers are left out: no {options.peers}; `make .venv-peers/ready` makes it.")
        if not REAL.is_file():
            console.print(f"The real reports are left out: {REAL} is not there (see RADPROMPTER_SHARED).")
        n_characters = sum(len(words_of(report)) for report in source.reports)
        length = n_characters // len(source.reports)
        console.print(f"\n{len(source.reports):,} reports of about {length} characters, region {source.region}.")
        console.print(f"The peers look for {len(concepts)} phrases. {WHAT_IS_COMPARED}")
        print_speed(console, source, ["--reports", str(options.reports), "--folder", str(folder)], answers)
        recipe = StudyRecipe.model_validate(
            {
                "name": "b",
                "out": f"{folder}/out",
                "label": {"reports": source.reports_from.model_dump(), "region": source.region},
            }
        )
        began = time.perf_counter()
        n_labeled = label_reports(recipe).summary["n_reports"]
        console.print(
            f"a whole run, with journal and files: {n_labeled / (time.perf_counter() - began):,.0f} reports/s\n"
        )
    if sentences:
        console.print(
            f"{len(sentences):,} sentences of the NegEx test set that hold their condition. {HOW_IT_IS_JUDGED}"
        )
        print_negation(console, sentences, answers)
    else:
        console.print(f"The NegEx sentences are left out: {NEGEX} is not there (see RADPROMPTER_SHARED).")
    lengths = [round(options.megabytes * 1e6 / divisor) for divisor in (16, 4, 1)]
    console.print("\nCPU seconds for one hostile report, in which no sentence repeats another:")
    table = Table("", *(f"{length / 1e6:.2f} MB" for length in lengths), "16 times the length takes")
    for name, unit in HOSTILE.items():
        took = [hostile_seconds(unit, length) for length in lengths]
        table.add_row(name, *(f"{seconds:.2f}" for seconds in took), f"{took[-1] / took[0]:.1f} times")
    console.print(table)
    if answers:
        console.print("Versions: " + ", ".join(f"{k} {v}" for k, v in answers["medspacy"]["versions"].items()))


if __name__ == "__main__":
    main()
