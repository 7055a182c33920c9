"""Nothing leaves this machine unless the recipe says so: no connection, no name looked up, whatever the environment.

Python's audit events tell of every socket that Python opens; a network namespace without even a loopback, and a trace
of system calls, tell the same of what is no Python.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from fake_endpoint import answer, endpoint
from label_study import ANSWER, write_recipe, write_reports
from watched import command, watch

ROOT = Path(__file__).parents[2]
TEXTS = {"r1": "Fracture of the radius.", "r2": "No effusion."}
OPENAI = {"name": "openai", "model": "m", "max_retries": 0, "request_timeout_s": 5}

HAS_IPV6 = "socket.bind [('::1', 0)]"
"""By this urllib3, which pydicom and MLflow import, finds out whether this machine has IPv6; it reaches nobody."""


def python(line: str) -> list[str]:
    return [command("radprompter")[0], "-c", line]


LOCAL: dict[str, list[str]] = {
    "radprompter --help": command("radprompter", "--help"),
    "imagetrain --help": command("imagetrain", "--help"),
    "import": python("import radprompter.run, imagetrain.run, imagetrain.assess"),
    "templates": command("radprompter", "templates"),
    "templates chest": command("radprompter", "templates", "chest"),
    "schema": command("radprompter", "schema", "recipe"),
    "phantom": command("radprompter", "phantom", "study", "--patients", "8"),
    "label": command("radprompter", "label", "rules.yaml"),
    "label, tracked": command("radprompter", "label", "rules.yaml", "--set", "tracking.mlflow={}"),
    "render": command("radprompter", "render", "rules.yaml", "-n", "1"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a recipe for the rule labeler, and a small table of reports."""
    write_reports(tmp_path / "reports.csv", TEXTS)
    recipe = yaml.safe_load((ROOT / "recipes/label/rules.yaml").read_text())
    recipe["label"]["reports"] = {"path": "reports.csv", "text": "text"}
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({**recipe, "out": "out"}))
    return tmp_path


@pytest.mark.parametrize(
    ("line", "event"),
    [
        ("import socket; socket.getaddrinfo('api.example.org', 443)", "socket.getaddrinfo ['api.example.org', 443"),
        ("import socket; socket.socket().connect(('192.0.2.1', 443))", "socket.connect [('192.0.2.1', 443)]"),
        ("import urllib.request as r; r.urlopen('http://127.0.0.1:9')", "socket.connect [('127.0.0.1', 9)]"),
    ],
)
def test_the_watch_sees_whoever_reaches_out(line: str, event: str, tmp_path: Path) -> None:
    watched = watch(python(line), tmp_path)
    assert watched.code == 1
    assert [seen for seen in watched.reached if seen.startswith(event)]


@pytest.mark.parametrize("name", LOCAL)
def test_a_command_without_an_endpoint_reaches_nothing(name: str, folder: Path) -> None:
    watched = watch(LOCAL[name], folder)
    assert watched.code == 0, watched.said
    assert watched.reached == []
    assert {event for event in watched.events if "socket.__new__" not in event} <= {HAS_IPV6}


@pytest.mark.slow
def test_the_way_from_reports_to_an_evaluated_classifier_reaches_nothing(tmp_path: Path) -> None:
    settings = ["phantom.patients=40", "train.epochs=1", "data.min_positives=2", "data.size=32", "tracking.mlflow={}"]
    line = command("radprompter", "run", str(ROOT / "recipes/quickstart.yaml"), "--out", "out")
    watched = watch([*line, *(word for setting in settings for word in ("--set", setting))], tmp_path)
    assert watched.code == 0, watched.said
    assert (tmp_path / "out/page/report.html").is_file()
    assert watched.reached == []


def test_what_is_no_python_reaches_nothing_either_and_needs_no_network(folder: Path) -> None:
    before = ("unshare", "--map-root-user", "--net", "strace", "-f", "-qq", "-e", "trace=network", "-o", "calls.txt")
    if shutil.which("unshare") is None or shutil.which("strace") is None:
        pytest.skip("unshare and strace are needed to see system calls (apt install strace)")
    if subprocess.run([*before, "true"], cwd=folder, capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody trace a process in a network of its own")
    reaching_out = python("import socket; socket.socket().connect(('127.0.0.1', 443))")
    for line in (*(LOCAL[name] for name in ("import", "templates", "phantom", "label")), reaching_out):
        (folder / "calls.txt").unlink(missing_ok=True)
        watched = watch(line, folder, before=before)
        assert watched.code == (line is reaching_out), watched.said
        calls = (folder / "calls.txt").read_text().splitlines()
        reached = [call for call in calls if re.search(r"\b(connect|send\w+)\(.*AF_(?!UNIX)", call)]
        assert len(reached) == (line is reaching_out)


ADDRESSES = ["https://api.example.org/v1", "http://8.8.4.4:8000/v1", "http://my-server:8000/v1", None]


@pytest.mark.parametrize("address", ADDRESSES, ids=str)
@pytest.mark.parametrize("name", ["openai", "openai-batch"])
@pytest.mark.parametrize("subcommand", ["label", "doctor", "pilot"])
def test_an_address_elsewhere_is_refused_before_anything_is_looked_up(
    subcommand: str, name: str, address: str | None, tmp_path: Path
) -> None:
    write_reports(tmp_path / "reports.csv", TEXTS)
    where = {} if address is None else {"base_url": address}
    recipe = write_recipe(tmp_path, {"name": name, "model": "m", **where})
    watched = watch(command("radprompter", subcommand, str(recipe)), tmp_path, OPENAI_API_KEY="sk-none")
    assert "is not on this machine" in " ".join(watched.said.split())
    assert watched.code in (1, 2)
    assert watched.events == []


def test_an_address_of_the_local_network_is_only_compared_with_those_of_this_machine(tmp_path: Path) -> None:
    write_reports(tmp_path / "reports.csv", TEXTS)
    recipe = write_recipe(tmp_path, {**OPENAI, "base_url": "http://10.255.254.253:8000/v1"})
    watched = watch(command("radprompter", "label", str(recipe)), tmp_path)
    assert watched.code == 2, watched.said
    assert watched.events != []
    assert watched.reached == []


def test_a_tracking_server_elsewhere_is_refused_before_anything_is_looked_up(folder: Path) -> None:
    setting = "tracking.mlflow={uri: 'https://tracking.example.org'}"
    watched = watch(command("radprompter", "label", "rules.yaml", "--set", setting), folder)
    assert watched.code == 2, watched.said
    assert watched.events == []
    assert not (folder / "out").exists()


@pytest.mark.parametrize("variable", ["OPENAI_BASE_URL", "OPENAI_API_BASE", "HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_requests_go_where_the_recipe_says_whatever_the_environment_does(variable: str, tmp_path: Path) -> None:
    write_reports(tmp_path / "reports.csv", TEXTS)
    with endpoint(lambda n, body: answer(ANSWER)) as here, endpoint(lambda n, body: answer(ANSWER)) as elsewhere:
        recipe = write_recipe(tmp_path, {**OPENAI, "base_url": here.url})
        there = elsewhere.url if "OPENAI" in variable else elsewhere.url.removesuffix("/v1")
        watched = watch(command("radprompter", "label", str(recipe), "--json"), tmp_path, **{variable: there})
        assert watched.code == 0, watched.said
        assert len(here.bodies) == 2
        assert elsewhere.bodies == elsewhere.canaries == []
        assert all(str(elsewhere.server_address[1]) not in event for event in watched.reached)
    assert json.loads(watched.out)["n_failed"] == 0


def test_where_the_recipe_allows_the_hosted_service_no_variable_sends_requests_to_another(tmp_path: Path) -> None:
    write_reports(tmp_path / "reports.csv", TEXTS)
    with endpoint(lambda n, body: answer(ANSWER)) as elsewhere:
        recipe = write_recipe(tmp_path, {**OPENAI, "remote": "allow", "deadline_s": 5})
        variables = {"OPENAI_BASE_URL": elsewhere.url, "OPENAI_API_KEY": "sk-none"}
        watched = watch(command("radprompter", "label", str(recipe)), tmp_path, **variables)
        assert watched.code == 1, watched.said
        assert elsewhere.bodies == elsewhere.canaries == []
    looked_up = {event for event in watched.reached if "'api.openai.com'" in event}
    assert looked_up
    assert {event for event in watched.reached if "getaddrinfo" in event} == looked_up
