"""The pipeline of Ray Data: one reader beside the journal, workers anywhere, outcomes as they come."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Generator
from typing import Any

import pyarrow as pa
import ray
from ray.data import ActorPoolStrategy, DataContext, Datasource
from ray.data.block import BlockMetadata
from ray.data.datasource import ReadTask
from ray.util.annotations import RayDeprecationWarning

from radprompter.errors import BackendError, RadprompterError
from radprompter.scale_out.blocks import Block, Outcome
from radprompter.scale_out.cluster import Demand
from radprompter.scale_out.job import Job
from radprompter.scale_out.reading import read_blocks
from radprompter.scale_out.working import Worker

COLUMN = "content"
MOST_DEATHS = 3
"""Times that a block is given to a worker again whose process died; then the run ends."""


def outcomes(job: Job, demand: Demand) -> Generator[Outcome, None, None]:
    """What the workers make of each block, as they are done; Ray must be connected.

    The reader runs on this machine, where the journal is, and reads on as blocks are taken.

    Raises
    ------
    InputError, JournalError
        If the table or the journal cannot be read.
    BackendError
        If a worker's process dies over the same block again and again.
    """
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.target_max_block_size = 1  # every row, which is a block of reports, goes on by itself
    here = {"ray.io/node-id": ray.get_runtime_context().get_node_id()}
    blocks = ray.data.read_datasource(
        _Blocks(job),
        override_num_blocks=1,
        num_cpus=0,  # where workers have all of them, it would wait for ever
        label_selector=here,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RayDeprecationWarning)  # a limit of retries has no other name yet
        answered = blocks.map_batches(
            _Answering,
            fn_constructor_args=(job,),
            batch_size=1,
            batch_format="pyarrow",
            compute=ActorPoolStrategy(size=demand.n_workers, max_tasks_in_flight_per_actor=2),
            num_cpus=1,
            num_gpus=demand.n_gpus,
            max_restarts=-1,
            max_task_retries=MOST_DEATHS,
        )
    try:
        for batch in answered.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
            for content in batch.column(COLUMN):
                yield Outcome.of(content.as_py())
    except (ray.exceptions.RayError, RadprompterError) as error:
        if (own := _own(error)) is not None:
            raise own from None
        raise BackendError(
            f"Ray: a worker or a machine was lost too often ({type(error).__name__}); what came back is kept: "
            "run the same command again, with smaller blocks (--block) or fewer workers if memory was short",
            kind="worker",
        ) from None


def _own(error: BaseException) -> RadprompterError | None:
    """The error of the reader that Ray wrapped, if it is one of ours."""
    seen: BaseException | None = error
    while seen is not None:
        found = getattr(seen, "cause", None) or seen
        if isinstance(found, RadprompterError):
            return found
        seen = seen.__cause__
    return None


def _table(*contents: bytes) -> pa.Table:
    return pa.table({COLUMN: pa.array(contents, pa.large_binary())})


class _Blocks(Datasource):  # type: ignore[misc] # Ray is not typed
    """The blocks of a job, read by one task as they are wanted."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job = job

    def estimate_inmemory_data_size(self) -> int | None:
        """Nobody knows before it is read."""
        return None

    def get_read_tasks(self, parallelism: int, *_: Any, **__: Any) -> list[ReadTask]:
        """The one task."""
        job = self._job
        unknown = BlockMetadata(num_rows=None, size_bytes=None, input_files=None, exec_stats=None)
        return [ReadTask(lambda: (_table(block.content()) for block in read_blocks(job)), unknown)]


class _Answering:
    """A worker, as Ray Data calls it."""

    def __init__(self, job: Job) -> None:
        self._worker = Worker(job)

    def __call__(self, batch: pa.Table) -> pa.Table:
        return _table(*(self._worker.label(Block.of(one.as_py())).content() for one in batch.column(COLUMN)))
