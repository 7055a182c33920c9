"""One process and many workers give the same files, also where a worker or the whole run is killed on the way."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest
from fake_endpoint import Body, Endpoint, Fault, answer, endpoint
from label_study import study, write_recipe, write_reports

from radprompter.errors import BackendError, TableError
from radprompter.run import label_reports
from radprompter.scale_out import RayEngine

T = TypeVar("T")

COMMAND = [sys.executable, "-c", "from radprompter.cli.app import main; main()", "label"]
FILES = ("labels.parquet", "labels.csv", "failures.csv")
SENTENCES = ("Fracture of the radius.", "No fracture.", "Possible effusion.", "No effusion.", "Normal wrist.")
N_BLOCK = 25
TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0" * 32}

TEXTS = {
    f"r{number:04d}": f"Report {number:04d}. {SENTENCES[number % 5]} {SENTENCES[number // 5 % 5]}"
    for number in range(2000)
} | {"alike": "Report 0007. Possible effusion. No fracture.", "empty": " "}
SOME = {name: text for number, (name, text) in enumerate(TEXTS.items()) if number < 500 or number >= 2000}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.*"),  # Ray warns of what it does itself
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # and leaves closing to the end of the process
]


def workers(cluster: psutil.Process) -> list[psutil.Process]:
    """The processes of a cluster that label."""
    return [process for process in cluster.children(recursive=True) if named(process).startswith("ray::MapWorker")]


def named(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def end(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def keys(folder: Path) -> Counter[str]:
    """How often each key is in the journal with an answer."""
    database = sqlite3.connect(f"file:{folder}/out/label/journal.sqlite?mode=ro", uri=True)
    try:
        return Counter(row[0] for row in database.execute("SELECT key FROM completion WHERE failure IS NULL"))
    finally:
        database.close()


def assert_equal_runs(one: Path, many: Path) -> None:
    for name in FILES:
        assert (many / "out" / "label" / name).read_bytes() == (one / "out" / "label" / name).read_bytes(), name
    assert keys(one) == keys(many)
    of_one, of_many = (json.loads((path / "out/label/manifest.json").read_text()) for path in (one, many))
    for name in ("template", "parameters", "counts", "failures", "follow_ups", "tokens", "requests"):
        assert of_one[name] == of_many[name], name


@pytest.fixture(scope="module")
def cluster() -> Iterator[psutil.Process]:
    """A cluster of this machine alone, with two CPUs: no more than two workers take."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tempfile.mkdtemp(prefix="ray-")  # paths of sockets must be short
    ray = str(Path(sys.executable).with_name("ray"))
    process = subprocess.Popen(
        [ray, "start", "--head", "--block", f"--port={port}", "--node-ip-address=127.0.0.1", "--num-cpus=2",
         "--include-dashboard=false", "--disable-usage-stats", "--object-store-memory=100000000",
         f"--temp-dir={folder}"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        env={**os.environ, **TOKEN},
    )  # fmt: skip
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if "--block" in line:
            break
    assert process.poll() is None, "".join(said)
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {**TOKEN, "RAY_ADDRESS": f"127.0.0.1:{port}"}.items():
            environment.setenv(name, value)
        yield psutil.Process(process.pid)
    below = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    _, alive = psutil.wait_procs(below, timeout=3)
    end(alive)
    process.communicate()
    shutil.rmtree(folder, ignore_errors=True)


def test_a_run_of_which_a_worker_was_killed_gives_what_one_process_gives(
    tmp_path: Path, cluster: psutil.Process
) -> None:
    one, many = tmp_path / "one", tmp_path / "many"
    for folder in (one, many):
        folder.mkdir()
    rules = {"name": "rules"}
    region: dict[str, Any] = {
        "region": "elbow",
        "templates": None,
        "reports": {"path": str(one / "reports.csv"), "text": "text"},
    }
    label_reports(study(one, rules, TEXTS, **region))
    killed: list[psutil.Process] = []

    def killing(items: Iterable[T], description: str, total: int | None = None, **_: Any) -> Iterator[T]:
        for number, item in enumerate(items):
            yield item
            if number == 100 and description.startswith("ask on 2 workers"):
                killed.append(workers(cluster)[0])
                killed[0].kill()
                assert len(keys(many)) < 1000

    label_reports(study(many, rules, TEXTS, **region, cluster="allow"), engine=RayEngine(2, N_BLOCK), track=killing)
    assert len(killed) == 1
    assert_equal_runs(one, many)


def by_text(number: int, body: Body) -> Body | Fault:
    """An answer that depends on the question alone: some fail, some are faulty and asked about again."""
    time.sleep(0.002)
    report = int(re.findall(r"Report (\d{4})", body["messages"][1]["content"])[-1])
    if report % 100 == 3:
        return Fault(400)
    state = (
        "perhaps" if report % 50 == 4 and len(body["messages"]) == 2 else ("present", "absent", "possible")[report % 3]
    )
    return answer(json.dumps({"fracture": state, "effusion": "absent", "no_finding": "not mentioned"}))


def server_of(server: Endpoint, **settings: Any) -> dict[str, Any]:
    return {"name": "openai", "model": "m", "base_url": server.url, "max_in_flight": 8, **settings}


def test_requests_to_a_server_are_repeated_for_the_block_of_a_killed_worker_alone(
    tmp_path: Path, cluster: psutil.Process
) -> None:
    one, many = tmp_path / "one", tmp_path / "many"
    for folder in (one, many):
        folder.mkdir()
    killed: list[psutil.Process] = []

    def kills_one(number: int, body: Body) -> Body | Fault:
        if number == 200:
            killed.append(workers(cluster)[0])
            killed[0].kill()
        return by_text(number, body)

    with endpoint(by_text) as server:
        # the address is part of the keys, so that both runs must ask the same server
        label_reports(study(one, server_of(server), SOME))
        n_asked = len(server.bodies)
        server.bodies.clear()
        server.behaviour = kills_one
        run = label_reports(study(many, server_of(server), SOME, cluster="allow"), engine=RayEngine(2, N_BLOCK))
        assert len(killed) == 1
        assert_equal_runs(one, many)
        assert run.summary["failures"] == {"bad_request": 5, "no_text": 1}
        repeated = [number for number in Counter(map(json.dumps, server.bodies)).values() if number > 1]
        assert n_asked < len(server.bodies) + 1 <= n_asked + 2 * N_BLOCK
        assert len(repeated) <= 2 * N_BLOCK
        assert set(repeated) <= {2}


def test_an_error_of_a_worker_is_told_as_in_one_process(tmp_path: Path, cluster: psutil.Process) -> None:
    def refuses(number: int, body: Body) -> Fault:
        return Fault(401)

    with endpoint(refuses, honest=False) as server:
        texts = dict(list(TEXTS.items())[:60])
        told = []
        for name, engine in {"one": None, "many": RayEngine(2, N_BLOCK)}.items():
            (tmp_path / name).mkdir()
            with pytest.raises(BackendError) as error:
                label_reports(study(tmp_path / name, server_of(server), texts, cluster="allow"), engine=engine)
            told.append((str(error.value), error.value.kind, error.value.retryable))
    assert told[0] == told[1]
    assert "refuses the key" in told[0][0]
    assert not (tmp_path / "many" / "out" / "label" / "labels.csv").exists()


def test_a_table_that_goes_away_before_it_is_read_is_told_as_in_one_process(
    tmp_path: Path, cluster: psutil.Process
) -> None:
    recipe = study(tmp_path, {"name": "rules"}, SOME, cluster="allow")
    with pytest.raises(TableError, match=r"reports\.csv: no such file"):
        label_reports(recipe, engine=RayEngine(1), before=lambda _: (tmp_path / "reports.csv").unlink())


def test_a_block_that_kills_each_of_its_workers_ends_the_run(tmp_path: Path, cluster: psutil.Process) -> None:
    def kills_all(number: int, body: Body) -> Body | Fault:
        if "Report 0030" in body["messages"][1]["content"]:
            for worker in workers(cluster):
                worker.kill()
        return by_text(number, body)

    with endpoint(kills_all) as server:
        texts = dict(list(SOME.items())[:60])
        with pytest.raises(BackendError, match="lost too often") as error:
            label_reports(study(tmp_path, server_of(server), texts, cluster="allow"), engine=RayEngine(1, N_BLOCK))
        assert error.value.kind == "worker"
        assert 2 <= server.asked().total() / N_BLOCK <= 8
    assert len(keys(tmp_path)) >= N_BLOCK - 1  # the block before


def start(recipe: Path, variables: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, str(recipe), "--engine", "ray", "--workers", "2", "--block", str(N_BLOCK)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=variables,
        start_new_session=True,
        # a shell that runs the tests in the background has interrupts ignored, and children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_for(folder: Path, n_more: int, process: subprocess.Popen[str]) -> int:
    """Wait until a run has stored so many more answers; how many there are."""
    journal, before = folder / "out/label/journal.sqlite", None
    while True:
        assert process.poll() is None, process.communicate()
        if journal.is_file():
            try:
                found = len(keys(folder))
            except sqlite3.Error:  # it is being made
                found = 0
            before = found if before is None else before
            if found >= before + n_more:
                return found
        time.sleep(0.02)


def test_a_run_that_was_killed_and_interrupted_goes_on_where_it_was(tmp_path: Path, cluster: psutil.Process) -> None:
    one, many = tmp_path / "one", tmp_path / "many"
    for folder in (one, many):
        folder.mkdir()
    there = dict(os.environ)  # the cluster; without it Ray is started for the run
    here = {name: value for name, value in there.items() if name not in ("RAY_ADDRESS", *TOKEN)}
    with endpoint(by_text) as server:
        label_reports(study(one, server_of(server), SOME))
        n_asked = len(server.bodies)
        server.bodies.clear()
        write_reports(many / "reports.csv", SOME)
        recipe = write_recipe(many, server_of(server), cluster="allow")
        for number, variables in ((signal.SIGKILL, here), (signal.SIGINT, there)):
            process = start(recipe, variables)
            n_stored = wait_for(many, 100, process)
            assert n_stored < n_asked
            below = psutil.Process(process.pid).children(recursive=True)
            os.kill(process.pid, number)
            said = "".join(process.communicate(timeout=60))
            assert process.returncode == (-number if number == signal.SIGKILL else 130), said
            assert "Traceback" not in said
            # two agents of Ray's, which never see a report, take minutes to see that a killed run is gone
            agents = [child for child in below if named(child).startswith(("ray::DashboardAgent", "ray::RuntimeEnv"))]
            _, alive = psutil.wait_procs(set(below) - set(agents), timeout=30)
            assert not alive, [named(child) for child in alive]
            end(agents)
        process = start(recipe, there)
        said = "".join(process.communicate(timeout=120))
        assert process.returncode == 1, said  # some reports have no full answer
        assert len(server.bodies) <= n_asked + 2 * 4 * N_BLOCK + 5  # blocks under way, twice; failures are asked again
        assert "Report 0" not in said
    for name in FILES:
        assert (many / "out" / "label" / name).read_bytes() == (one / "out" / "label" / name).read_bytes(), name
    assert set(keys(one)) == set(keys(many))
