"""Labeling runs in MLflow: off unless asked for, on this machine unless allowed, and never a reason to lose a run."""

from __future__ import annotations

import json
import logging
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from label_study import ANSWER, study, write_recipe, write_reports
from tracked_runs import logged_runs

from radprompter import tracking
from radprompter.errors import RecipeError
from radprompter.recipe import StudyRecipe, load_recipe
from radprompter.run import label_reports

SCRIPTED = {"name": "scripted", "default": ANSWER}
TEXTS = {f"r{number}": f"Words of report {number}." for number in range(6)}
LABEL = [sys.executable, "-c", "from radprompter.cli.app import main; main()", "label"]


def tracked(
    folder: Path, *, backend: dict[str, Any] | None = None, uri: str | None = None, **label: Any
) -> StudyRecipe:
    write_reports(folder / "reports.csv", TEXTS)
    settings = [f"tracking.mlflow={json.dumps({'uri': uri})}"]
    return load_recipe(write_recipe(folder, backend or SCRIPTED, **label), settings=settings)


def test_a_labeling_run_is_logged_once_with_its_settings_and_counts(tmp_path: Path) -> None:
    folder = tmp_path / "a folder, with spaces"
    folder.mkdir()
    first = label_reports(tracked(folder))
    assert label_reports(tracked(folder)).summary["up_to_date"]
    (run,) = logged_runs(folder / "out/mlflow.db", "radprompter")
    assert (run.info.run_name, run.info.status) == ("wrist: label", "FINISHED")
    assert run.data.params["backend"] == "scripted"
    assert run.data.params["template.region"] == "wrist"
    assert run.data.metrics["n_reports"] == first.summary["n_reports"] == 6
    assert run.data.metrics["counts/fracture/positive"] == 6
    (manifest,) = (folder / "out/mlflow_artifacts").rglob("label/manifest.json")
    assert json.loads(manifest.read_text()) == json.loads((folder / "out/label/manifest.json").read_text())


def test_other_results_are_a_run_of_their_own(tmp_path: Path) -> None:
    label_reports(tracked(tmp_path))
    label_reports(tracked(tmp_path, limit=3))
    runs = logged_runs(tmp_path / "out/mlflow.db", "radprompter")
    assert sorted(run.data.metrics["n_reports"] for run in runs) == [3, 6]


def test_a_run_that_was_up_to_date_before_tracking_was_asked_for_is_logged(tmp_path: Path) -> None:
    label_reports(study(tmp_path, SCRIPTED, TEXTS))
    assert not (tmp_path / "out/mlflow.db").exists()
    assert label_reports(tracked(tmp_path)).summary["up_to_date"]
    assert len(logged_runs(tmp_path / "out/mlflow.db", "radprompter")) == 1


def test_no_word_id_evidence_or_answer_of_a_report_is_logged(tmp_path: Path) -> None:
    evident = {"state": "present", "evidence": "zebraphrase"}
    answer = json.dumps(dict.fromkeys(("fracture", "effusion", "no_finding"), evident))
    backend = {"name": "scripted", "answers": {"case-4711": answer}}
    write_reports(tmp_path / "reports.csv", {"case-4711": "A zebraphrase of the radius."})
    path = write_recipe(tmp_path, backend, evidence=True)
    label_reports(load_recipe(path, settings=["label.reports.only=[case-4711]", "tracking.mlflow={}"]))
    assert b"zebraphrase" in (tmp_path / "out/label/labels.parquet").read_bytes()
    kept = [tmp_path / "out/mlflow.db", *(tmp_path / "out/mlflow_artifacts").rglob("*.*")]
    assert len(kept) == 2
    for file in kept:
        content = file.read_bytes()
        assert b"zebraphrase" not in content and b"case-4711" not in content, file


def test_a_recipe_that_does_not_ask_for_it_imports_nothing_and_writes_nothing(tmp_path: Path) -> None:
    write_reports(tmp_path / "reports.csv", TEXTS)
    probe = (
        "import sys\nfrom pathlib import Path\nfrom radprompter.recipe import load_recipe\n"
        "from radprompter.run import label_reports\nlabel_reports(load_recipe(Path(sys.argv[1])))\n"
        "assert not {'mlflow', 'sqlalchemy'} & sys.modules.keys()\n"
    )
    recipe = str(write_recipe(tmp_path, SCRIPTED))
    done = subprocess.run([sys.executable, "-c", probe, recipe], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["label"]


@pytest.mark.parametrize(
    ("mlflow", "said"),
    [
        ({"uri": "http://tracking.example.org"}, "is not on this machine"),
        ({"uri": "https://192.0.2.7:5000"}, "is not on this machine"),
        ({"uri": "http://name:word@localhost:5000"}, "passwords belong"),
        ({"uri": "postgresql://localhost/mlflow"}, "expected sqlite:///FILE"),
        ({"uri": "databricks"}, "expected sqlite:///FILE"),
        ({"uri": "./mlruns"}, "expected sqlite:///FILE"),
        ({"uri": "sqlite:///"}, "expected sqlite:///FILE"),
        ({"ury": "sqlite:///x.db"}, "did you mean 'uri'"),
    ],
)
def test_where_runs_may_not_be_logged_is_refused_before_anything_is_done(
    mlflow: dict[str, str], said: str, tmp_path: Path
) -> None:
    path = write_recipe(tmp_path, SCRIPTED)
    with pytest.raises(RecipeError, match=r"recipe\.yaml.*tracking\.mlflow") as raised:
        load_recipe(path, settings=[f"tracking.mlflow={json.dumps(mlflow)}"])
    assert said in str(raised.value)
    assert "word@" not in str(raised.value)


@pytest.mark.parametrize(
    "mlflow",
    [
        {"uri": "http://localhost:5000"},
        {"uri": "http://[::1]:5000/prefix"},
        {"uri": "sqlite:///runs/mlflow.db"},
        {"uri": "https://tracking.example.org", "remote": "allow"},
    ],
)
def test_where_runs_may_be_logged_is_accepted(mlflow: dict[str, str], tmp_path: Path) -> None:
    recipe = load_recipe(write_recipe(tmp_path, SCRIPTED), settings=[f"tracking.mlflow={json.dumps(mlflow)}"])
    assert recipe.tracking.mlflow is not None
    assert recipe.tracking.mlflow.uri == mlflow["uri"]


def test_without_mlflow_the_recipe_is_refused_by_the_name_of_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(RecipeError, match=r"radprompter-imagetrain\[track\]"):
        tracked(tmp_path)


def test_a_locked_database_costs_one_line_and_the_next_run_logs_what_was_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tracking, "LOCK_TIMEOUT_S", 0.05)
    database = tmp_path / "out/mlflow.db"
    database.parent.mkdir()
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert label_reports(tracked(tmp_path)).summary["n_reports"] == 6
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("wrist: label: not logged with MLflow (")
    assert "database is locked" in record.getMessage()
    assert label_reports(tracked(tmp_path)).summary["up_to_date"]
    assert len(logged_runs(database, "radprompter")) == 1


@pytest.mark.parametrize("kind", ["of something else", "no database"])
def test_a_file_that_is_not_of_mlflow_is_left_as_it_is(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = tmp_path / "other.db"
    if kind == "no database":
        other.write_bytes(b"no database at all" * 500)
    else:
        with closing(sqlite3.connect(other)) as database:
            database.execute("CREATE TABLE completion (id INTEGER)")
    before = other.read_bytes()
    run = label_reports(tracked(tmp_path, uri=f"sqlite:///{other}"))
    assert run.summary["n_reports"] == 6
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert other.read_bytes() == before


def test_a_server_that_is_not_there_costs_one_line_on_stderr(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as unused:
        address = f"http://127.0.0.1:{unused.server_address[1]}"
    write_reports(tmp_path / "reports.csv", TEXTS)
    setting = f"tracking.mlflow={json.dumps({'uri': address})}"
    command = [*LABEL, str(write_recipe(tmp_path, SCRIPTED)), "--set", setting]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert len([line for line in done.stderr.splitlines() if "not logged with MLflow" in line]) == 1
    assert (tmp_path / "out/label/labels.csv").is_file()
    assert not (tmp_path / "out/label/tracked.json").exists()


def test_a_server_on_this_machine_is_not_asked_through_a_proxy_and_its_redirects_are_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with server() as (elsewhere, asked_elsewhere), server(to=elsewhere) as (here, asked_here):
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, elsewhere)
        label_reports(tracked(tmp_path, uri=here))
    assert len(caplog.records) == 1
    assert asked_here
    assert asked_elsewhere == []


@contextmanager
def server(to: str | None = None) -> Iterator[tuple[str, list[str]]]:
    """A server that sends every request elsewhere, or fails; its address, and the paths it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(307 if to else 500)
            if to:
                self.send_header("location", f"{to}{self.path}")
            self.send_header("content-length", "0")
            self.end_headers()

        do_POST = do_CONNECT = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    running = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_address[1]}", asked
    finally:
        running.shutdown()
        thread.join()
        running.server_close()
