"""What labeling the same reports costs through one vLLM server: our plans, and RadPrompter 2.0.0, in one table.

    python benchmarks/label_vllm.py [--n 500] [--peer /tmp/peer/bin/python]
    python benchmarks/label_vllm.py --url http://127.0.0.1:8000/v1 --model NAME

Reports are the first different ones of the Indiana University collection, the region is `chest` with its 14 findings.
Without --url a tiny model of random weights is made and served (the vLLM environment of the tests; `make test` makes
it). A server of your own needs VLLM_SERVER_DEV_MODE=1, by which its prefix cache can be emptied between contenders.

RadPrompter has the name of our package, so it needs an environment of its own; without it, its rows are left out:

    python -m venv /tmp/peer && /tmp/peer/bin/pip install radprompter==2.0.0

It asks for one finding a request, by `select` with Pydantic, which constrains the answer, and is given the words of our
plan `per_finding` in the same order. Its README's call answers one request after another and keeps all earlier
questions about a report in the conversation; the other rows give it threads, then take the conversation away
(`hide_blocks`). Answers may have 256 tokens; of its default of 4,096 there is no room for a prompt in a model of 8,192.

Requests and tokens are what the server's /metrics count, with the few of our proof of the endpoint; `cached` prompt
tokens were not computed again. What random weights say means nothing, though what a schema constrains is always valid.
The letters that `label_read` looks for are not among their likeliest tokens: its cells fail, and only its cost counts.
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
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
REGION = "chest"
PLANS = ("one_json", "per_finding", "label_read")
MOST_TOKENS = 256
SETTLE_S = 1.0
"""A server counts a request shortly after it has answered it."""

METRICS = {  # beside the server's name of each
    "requests": "vllm:request_success_total",
    "prompt tokens": "vllm:prompt_tokens_total",
    "cached tokens": "vllm:prefix_cache_hits_total",
    "completion tokens": "vllm:generation_tokens_total",
}

Labeler = Callable[[], int]
"""Labels all reports; how many cells have no label."""


class Server(NamedTuple):
    """A running vLLM server."""

    url: str
    model: str

    def empty_cache(self) -> None:
        """Forget all prompts."""
        request = urllib.request.Request(f"{self._root}/reset_prefix_cache", method="POST")
        try:
            urllib.request.urlopen(request).close()
        except urllib.error.HTTPError as error:
            raise SystemExit(
                f"{self._root}/reset_prefix_cache: {error}; start the server with VLLM_SERVER_DEV_MODE=1"
            ) from None

    def counts(self) -> dict[str, int]:
        """What it has done since it started."""
        time.sleep(SETTLE_S)
        with urllib.request.urlopen(f"{self._root}/metrics") as response:
            text = response.read().decode()
        found = {name: re.findall(rf"^{metric}\{{.*\}} (\S+)$", text, re.MULTILINE) for name, metric in METRICS.items()}
        return {name: int(sum(map(float, values))) for name, values in found.items()}

    @property
    def _root(self) -> str:
        return self.url.removesuffix("/v1")


@contextmanager
def ours(server: Server, table: Path, n_reports: int, in_flight: int, plan: str) -> Iterator[Labeler]:
    """One of our plans through the whole engine: start proof, journal, parser and label files."""
    from radprompter.labels import LABELS
    from radprompter.recipe import StudyRecipe
    from radprompter.run import label_reports

    backend = {"name": "openai", "model": server.model, "base_url": server.url, "max_in_flight": in_flight}
    section = {"reports": {"path": table}, "region": REGION, "plan": plan, "backend": backend}

    def label(limit: int) -> int:
        with tempfile.TemporaryDirectory() as out:
            recipe = {"name": plan, "out": out, "label": {**section, "limit": limit}}
            run = label_reports(StudyRecipe.model_validate(recipe))
            return sum(n for state, n in run.summary["states"].items() if state not in LABELS)

    label(1)
    yield lambda: label(n_reports)


@contextmanager
def radprompter(
    server: Server, table: Path, python: str, concurrency: int, *, hide_blocks: bool = False
) -> Iterator[Labeler]:
    """RadPrompter in a process of its own environment, which waits for a word to begin."""
    asked = {**server._asdict(), **_same_words(table), "concurrency": concurrency, "hide_blocks": hide_blocks}
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    variables["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it is fetched from the network on import
    command = [python, __file__, "--as-radprompter"]
    with subprocess.Popen(command, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        print(json.dumps(asked), file=process.stdin, flush=True)
        if process.stdout.readline() != "ready\n":
            raise SystemExit(f"RadPrompter in {python} did not start")

        def label() -> int:
            print("go", file=process.stdin, flush=True)
            return int(process.stdout.readline())

        yield label


def _same_words(table: Path) -> dict[str, Any]:
    """The words of our plan `per_finding`, as RadPrompter takes them: system, findings with hints, and reports."""
    from radprompter.prompting.templates import load_template
    from radprompter.recipe import Reports
    from radprompter.store import read_reports

    template = load_template(REGION, plan="per_finding")
    findings, reports = {}, []
    for report in read_reports(Reports(path=table)):
        for prompt in template.prompts(report):
            system, user = (message.content for message in prompt.turns[0].messages)
            quoted, end, rest = user.partition("</report>")
            (name,) = prompt.findings
            values = prompt.turns[0].json_schema["properties"]["answer"]["enum"]
            findings[name] = {"hint": rest.strip().replace('"answer"', f'"{name}"'), "options": values}
        reports.append(quoted + end)
    return {"system": system, "findings": findings, "reports": reports}


def as_radprompter() -> None:
    """Be RadPrompter: read what to ask, warm up, wait for a word, and tell how many cells have no label."""
    import csv
    import warnings

    from radprompter.clients.vllm.client import vLLMClient
    from radprompter.prompts import Prompt

    from radprompter import RadPrompter

    warnings.simplefilter("ignore")
    asked = json.loads(sys.stdin.readline())
    lines = [
        "[METADATA]\nversion = 1\n[CONSTRUCTOR]",
        f"system = {json.dumps(asked['system'])}",
        'user = ["{{report}}\\n\\n{{hint}}"]',
    ]
    for name, finding in asked["findings"].items():
        lines += [f"[SCHEMAS.{name}]", f'variable_name = "{name}"', 'type = "select"']
        lines += [f"{key} = {json.dumps(finding[key])}" for key in ("options", "hint")]
    client = vLLMClient(model=asked["model"], api_base=asked["url"], temperature=0.0)
    with tempfile.TemporaryDirectory() as folder:
        file, output = Path(folder, "p.toml"), Path(folder, "out.csv")
        file.write_text("\n".join(lines), encoding="utf-8")

        def label(reports: list[str]) -> int:
            with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
                settings = {name: asked[name] for name in ("concurrency", "hide_blocks")}
                engine = RadPrompter(
                    client, Prompt(str(file)), str(output), max_generation_tokens=MOST_TOKENS, **settings
                )
                engine([{"report": report} for report in reports])
            rows = csv.DictReader(line for line in output.open(encoding="utf-8") if not line.startswith("#"))
            found = [(row[f"{name}_response"], finding) for row in rows for name, finding in asked["findings"].items()]
            return sum(value not in finding["options"] for value, finding in found)

        label(asked["reports"][:1])
        print("ready", flush=True)
        sys.stdin.readline()
        print(label(asked["reports"]), flush=True)


@contextmanager
def tiny_server(folder: Path) -> Iterator[Server]:
    """A model of random weights behind a real vLLM on this machine's cores."""
    sys.path.insert(0, str(HERE.parent / "tests"))
    from tiny_model import MODEL, make_model, serving, vllm_python

    python = vllm_python()
    if python is None:
        raise SystemExit(
            "no vLLM environment: `make test` makes .venv-vllm; or set RADPROMPTER_VLLM_PYTHON to its Python, "
            "or give --url and --model of a server"
        )
    os.environ["VLLM_SERVER_DEV_MODE"] = "1"
    # a block is what the cache shares: 128 tokens on a CPU by default, 16 on a GPU
    with serving(
        make_model(folder, python), python, flags=("--enable-prefix-caching", "--block-size=32", "--max-num-seqs=32")
    ) as url:
        yield Server(url, MODEL)


def write_reports(path: Path, n_reports: int) -> int:
    """Write the first different reports with any words, as many as there are; gives their number."""
    import pandas as pd

    shared = Path(os.environ.get("RADPROMPTER_SHARED", HERE.parent.parent / "shared"))
    source = shared / "data/iu_reports/reports.csv"
    if not source.is_file():
        raise SystemExit(f"no reports: {source} is absent; set RADPROMPTER_SHARED to the folder that holds data/")
    frame = pd.read_csv(source, dtype=str, keep_default_na=False)
    words = frame[["findings", "impression"]]
    chosen = frame[(words != "").any(axis=1) & ~words.duplicated()].head(n_reports)
    chosen[["report_id", "findings", "impression"]].to_csv(path, index=False)
    return len(chosen)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--n", type=int, default=500, help="reports")
    parser.add_argument("--url", help="a running vLLM server, such as http://127.0.0.1:8000/v1")
    parser.add_argument("--model", help="the name by which it serves its model")
    parser.add_argument("--in-flight", type=int, default=32, help="requests, or threads, at the same time")
    parser.add_argument("--peer", default="/tmp/peer/bin/python", help="Python of an environment with RadPrompter")
    parser.add_argument("--as-radprompter", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.as_radprompter:
        as_radprompter()
        return
    if bool(asked.url) != bool(asked.model):
        parser.error("--url and --model go together")
    with tempfile.TemporaryDirectory() as name, ExitStack() as opened:
        table = Path(name) / "reports.csv"
        n_reports = write_reports(table, asked.n)
        server = Server(asked.url, asked.model) if asked.url else opened.enter_context(tiny_server(Path(name)))
        many = asked.in_flight
        contenders = {f"ours, `{plan}`": ours(server, table, n_reports, many, plan) for plan in PLANS}
        if Path(asked.peer).is_file():
            contenders["RadPrompter, as its README calls it"] = radprompter(server, table, asked.peer, 1)
            contenders[f"RadPrompter, {many} threads"] = radprompter(server, table, asked.peer, many)
            contenders[f"RadPrompter, {many} threads, `hide_blocks`"] = radprompter(
                server, table, asked.peer, many, hide_blocks=True
            )
        else:
            print(f"without RadPrompter: {asked.peer} is absent (--peer)", file=sys.stderr)
        print(f"{n_reports} different reports, {many} requests at the same time\n")
        titles = ("", "s", "reports/s", *METRICS, "computed", "cached", "no label")
        print(f"| {' | '.join(titles)} |\n|---{'|--:' * (len(titles) - 1)}|")
        for title, contender in contenders.items():
            with contender as label:
                server.empty_cache()
                before, started = server.counts(), time.perf_counter()
                n_failed = label()
                seconds = time.perf_counter() - started
                row = {kind: n - before[kind] for kind, n in server.counts().items()}
            counts = " | ".join(f"{n:,}" for n in (*row.values(), row["prompt tokens"] - row["cached tokens"]))
            share = row["cached tokens"] / max(row["prompt tokens"], 1)
            print(
                f"| {title} | {seconds:.1f} | {n_reports / seconds:.1f} | {counts} | {share:.1%} | {n_failed:,} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
