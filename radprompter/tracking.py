"""Finished stages side by side in MLflow, where a recipe asks for it: settings, numbers, small files; no report's text.

A stage is logged when it is done, from the files that it left, and not again until they change. Logging that fails is
said in one line and changes nothing else: the stage's own files are the result.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import logging
import math
import os
import re
import sqlite3
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from radprompter.addresses import is_on_this_machine
from radprompter.errors import RadprompterError
from radprompter.files import read_json, sha256, write_json
from radprompter.typed_yaml import Section
from radprompter.version import __version__

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

LOGGER = logging.getLogger(__name__)

MARKER = "tracked.json"
SQLITE = "sqlite:///"
LOCK_TIMEOUT_S = 5.0
MAX_VALUE = 500  # characters of a parameter
PARAMS_A_BATCH, METRICS_A_BATCH = 100, 900  # MLflow takes 100 and 1,000

FOR_GOOD = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "MLFLOW_ALLOW_HTTP_REDIRECTS": "false"}
UNLESS_SET = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
"""MLflow's own would try a server that is down for minutes."""

_SECRET = re.compile(r"(^|_)(key|secret|password|token|authorization|cookie)$", re.IGNORECASE)
_NO_NAME = re.compile(r"[^\w\-. :/]", re.ASCII)


class MlflowRecipe(Section):
    """Where runs are logged with MLflow."""

    uri: str | None = Field(
        None,
        description="`sqlite:///FILE`, or the http address of a tracking server; `{out}/mlflow.db` if null. "
        "Files are kept beside a database",
    )
    experiment: str = Field("radprompter", min_length=1, max_length=200, description="experiment that the runs are in")
    remote: Literal["refuse", "allow"] = Field(
        "refuse", description="whether settings, numbers and pages may leave this machine"
    )

    @model_validator(mode="after")
    def _usable(self) -> MlflowRecipe:
        if importlib.util.find_spec("mlflow") is None:
            raise ValueError("needs the package mlflow; pip install 'radprompter-imagetrain[track]'")
        if self.uri is None or (self.uri.startswith(SQLITE) and self.uri != SQLITE and "?" not in self.uri):
            return self
        parts = urlsplit(self.uri)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("uri: expected sqlite:///FILE, or an address such as http://localhost:5000")
        if parts.username or parts.password or parts.query:
            raise ValueError("uri: passwords belong into MLflow's own environment variables, not here")
        if self.remote != "allow" and not is_on_this_machine(parts.hostname):
            raise ValueError(
                f"uri: {parts.hostname} is not on this machine, and settings, numbers and pages would be sent there; "
                "write `remote: allow` beside it if they may leave this machine"
            )
        return self


class TrackingRecipe(Section):
    """The `tracking` section: nothing is logged unless it names where."""

    mlflow: MlflowRecipe | None = Field(None, description="log finished stages with MLflow")
    tensorboard: bool | Path = Field(
        False, description="curves of training for TensorBoard: true for `{out}/tensorboard`, or a folder"
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a finished stage came to, as MLflow is told.

    Parameters
    ----------
    stage:
        Name of the stage.
    name:
        Name of the run, for people.
    folder:
        Folder of what the run made first; stages with one folder are one run in MLflow.
    source:
        File that tells one outcome of the stage from another, by its hash.
    parameters:
        Settings; a stage that has them begins a run, one that has none adds to the folder's run.
    metrics:
        Numbers, nested as they are in the stage's own file; what is no finite number is left out.
    epochs:
        Numbers of each epoch, from 1.
    documents:
        Name of a file -> its JSON.
    files:
        Small files that are logged as they are.
    """

    stage: str
    name: str
    folder: Path
    source: Path
    parameters: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    epochs: Sequence[Mapping[str, Any]] = ()
    documents: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[Path] = ()


class TrackingError(RadprompterError):
    """MLflow cannot be told; it is said and never leaves this module."""


def track(recipe: MlflowRecipe, out: Path, outcome: Outcome) -> None:
    """Log an outcome, unless just that was logged before; what goes wrong is logged as a warning and not raised."""
    try:
        database = _database(recipe, out)
        where = str(recipe.uri if database is None else database)
        marker = _read_marker(outcome.folder / MARKER, [where, recipe.experiment], database)
        content = sha256(outcome.source)
        if marker.get("logged", {}).get(outcome.stage) == content:
            return
        if outcome.parameters and marker.get("of") != content:
            marker = {}  # other results under the same settings are a run of their own
        if database is not None:
            _refuse_unusable(database)
        with _quiet_mlflow(recipe):
            client = _connect(recipe, database)
            if not marker:
                run_id = _begin(client, recipe, outcome, database)
                marker = {"where": [where, recipe.experiment], "run_id": run_id, "of": content, "logged": {}}
                write_json(outcome.folder / MARKER, marker)
            _log(client, marker["run_id"], outcome)
        marker["logged"][outcome.stage] = content
        write_json(outcome.folder / MARKER, marker)
    except Exception as error:  # MLflow has many kinds of errors, and none is worth a finished run
        reason = f"{error}" if isinstance(error, TrackingError) else f"{type(error).__name__}: {error}"
        LOGGER.warning(
            "%s: not logged with MLflow (%s); its files are whole. Mend tracking.mlflow and run the same again",
            outcome.name, reason.splitlines()[0][:MAX_VALUE],
        )  # fmt: skip


def _database(recipe: MlflowRecipe, out: Path) -> Path | None:
    """The database file that runs are logged to; none where there is a server."""
    if recipe.uri is None:
        return (out / "mlflow.db").resolve()
    return Path(recipe.uri.removeprefix(SQLITE)).resolve() if recipe.uri.startswith(SQLITE) else None


def _read_marker(path: Path, where: Sequence[str], database: Path | None) -> dict[str, Any]:
    """What was logged of a folder, there and not elsewhere."""
    if not path.is_file() or (database is not None and not database.is_file()):
        return {}
    marker: dict[str, Any] = read_json(path)
    return marker if marker["where"] == where else {}


def _refuse_unusable(database: Path) -> None:
    """Find out in seconds what MLflow would try again for minutes."""
    if "?" in str(database):
        raise TrackingError(f"{database}: MLflow takes no path with a question mark")
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(database, timeout=LOCK_TIMEOUT_S, isolation_level=None)) as opened:
            opened.execute("BEGIN IMMEDIATE")
            tables = {name for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            opened.execute("ROLLBACK")
    except (OSError, sqlite3.Error) as error:
        raise TrackingError(f"{database}: {error}") from None
    if tables and "experiments" not in tables:
        raise TrackingError(f"{database}: an SQLite file, but not one of MLflow; it is left as it is")


@contextlib.contextmanager
def _quiet_mlflow(recipe: MlflowRecipe) -> Iterator[None]:
    """MLflow without telemetry, redirects and chatter, and no proxy between this machine and itself."""
    os.environ.update(FOR_GOOD)
    for name, value in UNLESS_SET.items():
        os.environ.setdefault(name, value)
    host = urlsplit(recipe.uri or "").hostname
    direct = {"no_proxy": host, "NO_PROXY": host} if host and is_on_this_machine(host) else {}
    before = {name: os.environ.get(name) for name in direct}
    os.environ.update(direct)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of MLflow about what it uses itself
            yield
    finally:
        for name, old in before.items():
            os.environ.pop(name) if old is None else os.environ.update({name: old})


def _connect(recipe: MlflowRecipe, database: Path | None) -> MlflowClient:
    from mlflow.tracking import MlflowClient

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    return MlflowClient(tracking_uri=recipe.uri if database is None else f"{SQLITE}{database}")


def _begin(client: MlflowClient, recipe: MlflowRecipe, outcome: Outcome, database: Path | None) -> str:
    """Make a run, and the experiment if need be; its id."""
    beside = None if database is None else database.with_name(f"{database.stem}_artifacts").as_uri()
    experiment = client.get_experiment_by_name(recipe.experiment)
    if experiment is None:
        experiment = client.get_experiment(client.create_experiment(recipe.experiment, artifact_location=beside))
    place = urlsplit(experiment.artifact_location)
    is_far = place.scheme not in ("", "file", "mlflow-artifacts", "http", "https")
    if recipe.remote != "allow" and (is_far or (place.hostname and not is_on_this_machine(place.hostname))):
        raise TrackingError(
            f"experiment {recipe.experiment!r} keeps its files beyond this machine ({place.scheme}://{place.netloc}); "
            "take another, or write `remote: allow`"
        )
    tags = {"stage": outcome.stage, "version": __version__}
    run = client.create_run(experiment.experiment_id, run_name=outcome.name, tags=tags)
    run_id: str = run.info.run_id
    return run_id


def _log(client: MlflowClient, run_id: str, outcome: Outcome) -> None:
    from mlflow.entities import Metric, Param

    now_ms = int(time.time() * 1000)
    parameters = [Param(name, value) for name, value in _texts(outcome.parameters)]
    metrics = [Metric(name, value, now_ms, 0) for name, value in _numbers(outcome.metrics)]
    for step, epoch in enumerate(outcome.epochs, start=1):
        metrics += [Metric(name, value, now_ms, step) for name, value in _numbers({"epoch": epoch})]
    for start in range(0, len(parameters), PARAMS_A_BATCH):
        client.log_batch(run_id, params=parameters[start : start + PARAMS_A_BATCH], synchronous=True)
    for start in range(0, len(metrics), METRICS_A_BATCH):
        client.log_batch(run_id, metrics=metrics[start : start + METRICS_A_BATCH], synchronous=True)
    for name, document in outcome.documents.items():
        client.log_dict(run_id, document, f"{outcome.stage}/{name}")
    for path in outcome.files:
        client.log_artifact(run_id, str(path), outcome.stage)
    client.set_terminated(run_id, "FINISHED")


def _leaves(value: Any, joint: str, name: str = "") -> Iterator[tuple[str, Any]]:
    """Values that are no mappings, each with the names that lead to it; a list is a value."""
    if not isinstance(value, Mapping):
        yield _NO_NAME.sub("_", name), value
        return
    for key, inner in value.items():
        yield from _leaves(inner, joint, f"{name}{joint}{key}" if name else str(key))


def _texts(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in _leaves(settings, "."):
        if not _SECRET.search(name.rpartition(".")[2]):
            text = value if isinstance(value, str) else json.dumps(value, default=str)
            yield name, text[:MAX_VALUE]


def _numbers(results: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in _leaves(results, "/"):
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            yield name, float(value)
