"""medspaCy's ConText and negspacy on texts from standard input: run by `benchmarks/rules.py`, in `.venv-peers`.

The input is one JSON object: `peer` (medspacy, medspacy-pyrush or negspacy), `concepts` (phrases), `reports` (texts, to
be timed) and `sentences` ([text, start, end], to be judged). So is the output.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import spacy
from loguru import logger
from spacy.language import Language
from spacy.tokens import Doc

logger.remove()  # PyRuSH writes the sentences of the reports to its log
logger.disable("PyRuSH")


def make_pipeline(peer: str, concepts: list[str]) -> Language:
    """The peer as its documentation sets it up, over an English pipeline without a model."""
    pipeline = spacy.blank("en")
    if peer == "medspacy-pyrush":
        pipeline.add_pipe("medspacy_pyrush")
    else:
        pipeline.add_pipe("sentencizer")
    if peer == "negspacy":
        import negspacy.negation  # noqa: F401 - registers its pipe

        ruler: Any = pipeline.add_pipe("entity_ruler", config={"phrase_matcher_attr": "LOWER"})
        ruler.add_patterns([{"label": "FINDING", "pattern": phrase} for phrase in concepts])
        pipeline.add_pipe("negex")
    else:
        from medspacy.ner import TargetRule

        matcher: Any = pipeline.add_pipe("medspacy_target_matcher")
        matcher.add([TargetRule(phrase, "FINDING") for phrase in concepts])
        pipeline.add_pipe("medspacy_context")
    return pipeline


def is_negated(pipeline: Language, peer: str, text: str, start: int, end: int) -> bool:
    """What the peer says of one span, in a text that is one sentence."""
    document: Doc = pipeline.make_doc(text)
    for token in document:
        token.is_sent_start = token.i == 0
    span = document.char_span(start, end, label="FINDING", alignment_mode="expand")
    document.ents = [span]
    judge = pipeline.get_pipe("negex" if peer == "negspacy" else "medspacy_context")
    (judged,) = judge(document).ents
    return bool(judged._.negex if peer == "negspacy" else judged._.is_negated)


def main() -> None:
    asked = json.load(sys.stdin)
    peer, reports = asked["peer"], asked["reports"]
    began = time.perf_counter()
    import medspacy  # noqa: F401 - registers its pipes

    pipeline = make_pipeline(peer, asked["concepts"])
    ready = time.perf_counter() - began
    list(pipeline.pipe(reports[:20]))
    began, began_cpu = time.perf_counter(), time.process_time()
    n_mentions = sum(len(document.ents) for document in pipeline.pipe(reports))
    seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (peak,) = (int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    print(json.dumps({
        "n": len(reports), "seconds": seconds, "cpu": cpu, "ready": ready, "peak_mb": peak / 1024,
        "n_mentions": n_mentions,
        "negated": [is_negated(pipeline, peer, *sentence) for sentence in asked["sentences"]],
        "versions": {name: version(name) for name in ("medspacy", "negspacy", "spacy")},
    }))  # fmt: skip


if __name__ == "__main__":
    main()
