"""Reports a second, processor time and memory of four ways to ask the same server the same questions.

    python benchmarks/client_throughput.py [--quick] [--peer /tmp/peer/bin/python]

Each is a process of its own, against a server in another (`local_server.py`), one request a report:

    ours          the backend `vllm` with every completion stored in a journal
    radprompter   RadPrompter 2.0.0, with threads, as many as requests in flight; needs an environment of its own:
                  python -m venv /tmp/peer && /tmp/peer/bin/pip install radprompter==2.0.0
    openai        openai.AsyncOpenAI, a semaphore and gather; keeps nothing
    bare          aiohttp and a loop, nothing else: the floor

Time and processor time are those of asking, after imports and some first requests; memory is the peak of the process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FINDINGS = [f"finding_{number:02d}" for number in range(16)]
STATES = ["present", "absent", "uncertain", "not mentioned"]
ANSWER = json.dumps(dict.fromkeys(FINDINGS, "not mentioned"))
SCHEMA = {
    "type": "object",
    "properties": {name: {"type": "string", "enum": STATES} for name in FINDINGS},
    "required": FINDINGS,
    "additionalProperties": False,
}
SYSTEM = "You read radiology reports and say what is present and what is absent. " * 30
REPORT = "The lungs are clear. No fracture is seen. The heart is of normal size. " * 8
MOST = 300

RATES = {"ours": 3000, "radprompter": 150, "openai": 600, "bare": 4000}
"""About what each reaches; decides only how many reports it is given, so that each runs for a few seconds."""


def report(number: int) -> str:
    return f"Report #{number}. {REPORT}"


def body(number: int) -> dict[str, Any]:
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": report(number)}]
    form = {"type": "json_schema", "json_schema": {"name": "labels", "schema": SCHEMA, "strict": True}}
    return {"model": "m", "messages": messages, "max_tokens": MOST, "temperature": 0, "response_format": form}


Asking = Callable[[int], int]
"""Asks about so many reports; how many were answered."""


@contextmanager
def ours(url: str, in_flight: int) -> Iterator[Asking]:
    from radprompter.backends import open_backend
    from radprompter.journal import Journal, journal_key
    from radprompter.records import Message, Prompt, Report, Turn

    settings = {"name": "vllm", "model": "m", "base_url": url, "max_in_flight": in_flight}
    backend = open_backend(settings, None)  # type: ignore[arg-type]  # it reads messages, not the region
    identity = {"backend": backend.name, **backend.identity}
    keys: dict[str, str] = {}

    def prompts(n_reports: int) -> Iterator[Prompt]:
        for number in range(n_reports):
            messages = Message("system", SYSTEM), Message("user", report(number))
            prompt = Prompt(Report(str(number), {"report": report(number)}), (Turn(messages, MOST, SCHEMA),))
            keys[prompt.report.id] = journal_key(identity, prompt.fingerprint)
            yield prompt

    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "journal.sqlite") as journal:

        def ask(n_reports: int) -> int:
            n_answered = 0
            for completion in backend.complete(prompts(n_reports)):
                journal.store(keys.pop(completion.report_id), completion)
                n_answered += completion.failure is None
            return n_answered

        yield ask


@contextmanager
def bare(url: str, in_flight: int) -> Iterator[Asking]:
    import aiohttp
    import orjson

    async def ask_all(n_reports: int) -> int:
        numbers = iter(range(n_reports))
        headers = {"content-type": "application/json"}
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def work() -> int:
                n_answered = 0
                for number in numbers:
                    data = orjson.dumps(body(number))
                    async with session.post(f"{url}/chat/completions", data=data, headers=headers) as response:
                        n_answered += bool(orjson.loads(await response.read())["choices"])
                return n_answered

            return sum(await asyncio.gather(*(work() for _ in range(in_flight))))

    yield lambda n_reports: asyncio.run(ask_all(n_reports))


@contextmanager
def openai(url: str, in_flight: int) -> Iterator[Asking]:
    import openai as package

    async def ask_all(n_reports: int) -> int:
        places = asyncio.Semaphore(in_flight)
        async with package.AsyncOpenAI(base_url=url, api_key="x") as client:

            async def ask(number: int) -> bool:
                async with places:
                    return bool((await client.chat.completions.create(**body(number))).choices)

            return sum(await asyncio.gather(*(ask(number) for number in range(n_reports))))

    yield lambda n_reports: asyncio.run(ask_all(n_reports))


@contextmanager
def radprompter(url: str, in_flight: int) -> Iterator[Asking]:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else it is fetched from the network on import
    import csv
    import warnings

    from radprompter.clients.vllm.client import vLLMClient
    from radprompter.prompts import Prompt

    from radprompter import RadPrompter

    warnings.simplefilter("ignore")
    options = ", ".join(f'"{state}"' for state in STATES)
    prompt = f"""
[METADATA]
version = 1
[PROMPTS]
system = "{SYSTEM}"
ask = "{{{{report}}}}"
[CONSTRUCTOR]
system = "rdp(system)"
user = ["rdp(ask)"]
[SCHEMAS.finding]
variable_name = "{FINDINGS[0]}"
type = "select"
options = [{options}]
hint = "any"
"""
    with tempfile.TemporaryDirectory() as folder:
        file, output = Path(folder, "p.toml"), Path(folder, "out.csv")
        file.write_text(prompt)
        client = vLLMClient(model="m", api_base=url, temperature=0.0)

        def ask(n_reports: int) -> int:
            with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
                engine = RadPrompter(
                    client, Prompt(str(file)), str(output), concurrency=in_flight, max_generation_tokens=MOST
                )
                engine([{"report": report(number)} for number in range(n_reports)])
            lines = [line for line in output.read_text().splitlines() if not line.startswith("#")]
            return sum("not mentioned" in row for row in csv.reader(lines))

        yield ask


CONTENDERS = {"ours": ours, "radprompter": radprompter, "openai": openai, "bare": bare}


def processor_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def contend(name: str, url: str, in_flight: int, n_reports: int) -> None:
    """Print what one contender takes, as JSON."""
    with CONTENDERS[name](url, in_flight) as ask:
        ask(8)
        started, used = time.perf_counter(), processor_s()
        n_answered = ask(n_reports)
        seconds, cpu_s = time.perf_counter() - started, processor_s() - used
    assert n_answered == n_reports, f"{name}: {n_answered} of {n_reports} answered"
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rate": n_reports / seconds, "cpu_ms": 1000 * cpu_s / n_reports, "peak_mib": peak_mib}))


@contextmanager
def serving(latency_ms: float) -> Iterator[str]:
    """The address of a server in another process."""
    command = [
        sys.executable,
        str(HERE / "local_server.py"),
        json.dumps({"answers": [ANSWER], "latency_ms": latency_ms}),
    ]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
    finally:
        server.communicate()


def measure(name: str, python: str, latency_ms: float, in_flight: int, seconds: float) -> dict[str, float]:
    """What a contender takes, in a process of its own; it has all its reports at once."""
    bound = in_flight * 1000 / latency_ms if latency_ms else RATES[name]
    n_reports = max(2 * in_flight if name != "radprompter" else in_flight, int(min(RATES[name], bound) * seconds), 32)
    variables = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    if name != "radprompter":
        variables["PYTHONPATH"] = str(HERE.parent)
    with serving(latency_ms) as url:
        command = [python, __file__, "--contender", name, url, str(in_flight), str(n_reports)]
        done = subprocess.run(command, env=variables, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="one latency, 16 in flight, half a second each")
    parser.add_argument("--peer", default="/tmp/peer/bin/python", help="Python of an environment with RadPrompter")
    parser.add_argument("--latency-ms", type=float, nargs="+", default=[0, 50, 100])
    parser.add_argument("--in-flight", type=int, nargs="+", default=[16, 64, 256, 1024])
    parser.add_argument("--seconds", type=float, default=4.0, help="about how long each runs")
    parser.add_argument("--repeats", type=int, default=1, help="the best of so many counts")
    parser.add_argument("--contender", nargs=4, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.contender:
        name, url, in_flight, n_reports = asked.contender
        contend(name, url, int(in_flight), int(n_reports))
        return
    if asked.quick:
        asked.latency_ms, asked.in_flight, asked.seconds = [5], [16], 0.5
    names = [name for name in CONTENDERS if name != "radprompter" or Path(asked.peer).exists()]
    print(f"{'latency':>7} {'in flight':>9}  {'':<12} {'reports/s':>9} {'CPU ms/report':>14} {'peak MiB':>9}  compared")
    for latency_ms in asked.latency_ms:
        for in_flight in asked.in_flight:
            rows = {}
            for name in names:
                python = asked.peer if name == "radprompter" else sys.executable
                tries = [measure(name, python, latency_ms, in_flight, asked.seconds) for _ in range(asked.repeats)]
                rows[name] = max(tries, key=lambda one: one["rate"])
            for name, row in rows.items():
                versus = f"{row['cpu_ms'] / rows['bare']['cpu_ms']:.1f}x the CPU of bare"
                if "radprompter" in rows:
                    versus = f"{row['rate'] / rows['radprompter']['rate']:6.1f}x radprompter, {versus}"
                print(
                    f"{latency_ms:>4g} ms {in_flight:>9}  {name:<12} {row['rate']:>9,.0f} {row['cpu_ms']:>14.3f} "
                    f"{row['peak_mib']:>9.0f}  {versus}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
