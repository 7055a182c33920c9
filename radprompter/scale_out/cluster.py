"""Ray on this machine, started for one run and gone with it, or a cluster that is there."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from radprompter.errors import InputError, RecipeError

ADDRESS = "RAY_ADDRESS"
STORE_BYTES = 256 * 2**20
"""Memory for blocks that are under way, where Ray is started here."""

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # else Ray tells its makers that it runs
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
}


class Demand(NamedTuple):
    """Workers, and the GPUs that each takes."""

    n_workers: int
    n_gpus: int


def address() -> str:
    """Where the cluster is; ``local`` for Ray on this machine, which is what is meant if ``RAY_ADDRESS`` is not set."""
    return os.environ.get(ADDRESS, "").strip() or "local"


@contextmanager
def connected(n_workers: int | None, n_gpus: int, *, waits: bool) -> Iterator[Demand]:
    """A connection to Ray while the block lasts, and the workers that there is room for.

    Parameters
    ----------
    n_workers:
        As the user wants; as many as there is room for if ``None``.
    n_gpus:
        GPUs a worker, where there are any.
    waits:
        Whether a worker only waits for a server, so that one a machine is enough.

    Raises
    ------
    RecipeError
        If Ray is not installed.
    InputError
        If the cluster cannot be reached, or has no room for so many workers.
    """
    where = address()
    for name, value in (QUIET | _token(where)).items():
        os.environ.setdefault(name, value)  # Ray reads them as it is imported
    try:
        import ray
    except ImportError:
        raise RecipeError("--engine ray needs Ray; pip install 'radprompter-imagetrain[ray]'") from None
    logging.getLogger("ray").setLevel(logging.ERROR)
    folder = None
    if where.startswith("ray://"):
        raise InputError(f"{ADDRESS}: Ray's client cannot do this; run on a machine of the cluster with {ADDRESS}=auto")
    settings: dict[str, Any] = {"address": where, "log_to_driver": False, "logging_level": logging.ERROR}
    if where == "local":
        folder = tempfile.mkdtemp(prefix="ray-")  # only its owner may look into it, and it goes with the run
        n_cpus = max(n_workers or 0, os.cpu_count() or 1)  # more than there are lets workers wait for a server
        settings |= {"num_cpus": n_cpus, "include_dashboard": False, "object_store_memory": STORE_BYTES}
        settings |= {"_temp_dir": folder}
    try:
        try:
            with _no_stderr():
                ray.init(**settings)
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise InputError(
                f"{ADDRESS}={where}: Ray cannot be reached or started ({type(error).__name__}); see docs/cluster.md"
            ) from None
        yield _room(ray, n_workers, n_gpus, waits=waits)
    finally:
        with contextlib.suppress(Exception):  # what ended the run is told, not this
            ray.shutdown()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _token(where: str) -> dict[str, str]:
    """Variables by which Ray lets in who knows a token: this run's own, or the one that is there for a cluster."""
    if "RAY_AUTH_MODE" in os.environ:
        return {}
    if where == "local":  # else Ray makes a token, leaves it in the home folder, and takes it for later clusters
        return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16)}
    given = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys() or Path(
        "~/.ray/auth_token"
    ).expanduser().is_file()
    return {"RAY_AUTH_MODE": "token"} if given else {}


@contextmanager
def _no_stderr() -> Iterator[None]:
    """Nothing is written to this process's stderr, by code in other languages either."""
    kept = os.dup(2)
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _room(ray: Any, n_workers: int | None, n_gpus: int, *, waits: bool) -> Demand:
    """The workers of a run; a cluster without room would let it wait for ever."""
    has = ray.cluster_resources()
    n_cpus_there, n_gpus_there = int(has.get("CPU", 0)), int(has.get("GPU", 0))
    n_gpus = n_gpus if n_gpus_there else 0
    fits = min(n_cpus_there, n_gpus_there // n_gpus) if n_gpus else n_cpus_there
    n_machines = sum(bool(node["Alive"]) for node in ray.nodes())
    wanted = n_workers or (fits if n_gpus or not waits else min(fits, n_machines))
    if not 0 < wanted <= fits:
        each = f"1 CPU and {n_gpus} GPUs" if n_gpus else "1 CPU"
        raise InputError(
            f"--workers {wanted or 1}: each takes {each}, and the cluster has {n_cpus_there} CPUs and {n_gpus_there} "
            f"GPUs; ask for at most {fits}"
        )
    return Demand(wanted, n_gpus)
