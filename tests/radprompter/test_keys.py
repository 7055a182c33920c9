"""Keys: from the environment or the keyring, and in no file, output or error, whatever an endpoint sends back."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import traceback
from pathlib import Path
from types import SimpleNamespace

import pytest
from asking import ask_one
from fake_endpoint import Behaviour, Fault, answer, endpoint
from label_study import ANSWER, write_recipe, write_reports
from typer.testing import CliRunner

from radprompter.backends.endpoint import NO_KEY, find_key
from radprompter.backends.request import OpenAIOptions
from radprompter.cli.app import app
from radprompter.errors import RecipeError

KEY = "sk-proj-7Hq2vZ9xLw0TtR4m"
HERE, FAR = "http://127.0.0.1:8000/v1", "https://api.example.org/v1"


def echo(status: int, **headers: str) -> Behaviour:
    """An endpoint whose errors quote the Authorization header in every field."""
    said = f"Authorization: Bearer {KEY}"
    error = {"message": said, "code": said, "type": said, "param": KEY, "headers": {"authorization": said}}
    quoted = {"x-request-id": KEY, "www-authenticate": said, **headers}
    return lambda n, body: Fault(status, quoted, json.dumps({"error": error}).encode())


ECHOES = {
    "unauthorised": echo(401),
    "forbidden": echo(403),
    "unknown model": echo(404),
    "bad request": echo(400),
    "unprocessable": echo(422),
    "rate limited": echo(429),
    "server error": echo(500),
    "redirect": echo(307, location=f"http://192.0.2.1/{KEY}"),
    "no JSON": lambda n, body: Fault(body=f"<html>{KEY}</html>".encode()),
    "torn": lambda n, body: Fault(body=f'{{"authorization": "Bearer {KEY}'.encode()),
}


@pytest.mark.parametrize("kind", ECHOES)
@pytest.mark.parametrize("honest", [True, False], ids=["after the proof", "in the proof"])
def test_a_key_that_an_endpoint_quotes_stands_nowhere(
    kind: str, honest: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    caplog.set_level(logging.INFO)
    write_reports(tmp_path / "reports.csv", {"a": "Fracture."})
    with endpoint(ECHOES[kind], honest=honest) as server:
        backend = {"name": "openai", "model": "m", "base_url": server.url, "api_key_env": "TEST_KEY", "max_retries": 1}
        path = write_recipe(tmp_path, backend)
        done = CliRunner().invoke(app, ["label", str(path)])
        assert server.keys[0] == f"Bearer {KEY}"
    assert done.exit_code == 1
    raised = "".join(traceback.format_exception(*done.exc_info)) if done.exc_info else ""
    for text in (done.output, done.stderr, raised, caplog.text):
        assert KEY not in text
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert any(file.name == "journal.sqlite" for file in files)
    assert not any(KEY.encode() in file.read_bytes() for file in files)


def test_a_key_stands_in_no_file_of_a_run_that_succeeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    write_reports(tmp_path / "reports.csv", {"a": "Fracture."})
    with endpoint(lambda n, body: answer(ANSWER)) as server:
        backend = {"name": "openai", "model": "m", "base_url": server.url, "api_key_env": "TEST_KEY"}
        path = str(write_recipe(tmp_path, backend))
        runs = [CliRunner().invoke(app, command) for command in (["label", path], ["render", path], ["label", path])]
    assert [run.exit_code for run in runs] == [0, 0, 0]
    files = {file.name: file.read_bytes() for file in (tmp_path / "out").rglob("*") if file.is_file()}
    assert {"journal.sqlite", "manifest.json"} <= set(files)
    assert not any(KEY.encode() in content for content in files.values())
    assert not any(KEY in run.output for run in runs)


@pytest.mark.parametrize("bad", ["sk-\nsecret-1", "sk-sec\u2019ret-1", "sk secret-1", "sk-secret\x00-1"])
def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(bad: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.environ", {"TEST_KEY": bad})
        with pytest.raises(RecipeError, match="white space or characters beyond ASCII") as caught:
            find_key("TEST_KEY", HERE)
    assert "secret" not in "".join(traceback.format_exception(caught.value))
    assert "ret-1" not in "".join(traceback.format_exception(caught.value))


class _Keyring(SimpleNamespace):
    """What the package `keyring` does of what is used here."""

    def get_password(self, service: str, user: str) -> str | None:
        if service == "locked":
            raise RuntimeError(f"no password {KEY}")
        return KEY if (service, user) == ("lab/llm", "me") else None


@pytest.fixture
def _keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", _Keyring())
    monkeypatch.delenv("TEST_KEY", raising=False)


@pytest.mark.usefixtures("_keyring")
def test_a_key_is_taken_from_the_keyring_where_the_variable_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_key("TEST_KEY", FAR, keyring="lab/llm/me") == KEY
    assert find_key("TEST_KEY", HERE, keyring="lab/llm/you") == NO_KEY
    monkeypatch.setenv("TEST_KEY", "sk-other")
    assert find_key("TEST_KEY", FAR, keyring="lab/llm/me") == "sk-other"


@pytest.mark.usefixtures("_keyring")
def test_a_keyring_without_the_key_or_that_is_locked_is_said() -> None:
    with pytest.raises(RecipeError, match="TEST_KEY with the key is not set and the keyring has none as lab/llm/you"):
        find_key("TEST_KEY", FAR, keyring="lab/llm/you")
    with pytest.raises(RecipeError, match=r"cannot be read \(RuntimeError\)") as caught:
        find_key("TEST_KEY", FAR, keyring="locked/me")
    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    monkeypatch.delenv("TEST_KEY", raising=False)
    with pytest.raises(RecipeError, match=r"pip install 'radprompter-imagetrain\[keyring\]'"):
        find_key("TEST_KEY", FAR, keyring="lab/me")


def test_where_a_key_comes_from_changes_no_answer(tmp_path: Path) -> None:
    _, server = ask_one(lambda n, body: answer("{}"), tmp_path, api_key_env="NONE_SUCH")
    assert len(server.bodies) == 1
    assert OpenAIOptions(model="m", api_key_keyring="a/b").identity() == OpenAIOptions(model="m").identity()


def test_importing_all_of_it_opens_no_socket() -> None:
    probe = (
        "import socket, pkgutil, importlib\n"
        "def refuse(*a, **k): raise SystemExit('a socket was opened')\n"
        "socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse\n"
        "import radprompter\n"
        "for found in pkgutil.walk_packages(radprompter.__path__, 'radprompter.'):\n"
        "    importlib.import_module(found.name)\n"
        "import openai\n"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
