"""Trainings that begin within milliseconds: forks of a process that has imported all and done nothing yet."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forked_runs import parent

PARENT = """
import os, socket, sys, traceback
from pathlib import Path
import pandas, pyarrow.parquet, safetensors.numpy, timm.optim, timm.utils, torch
import imagetrain.learning.training, imagetrain.learning.models, imagetrain.evaluation.auroc
from imagetrain.recipe import load_recipe
from imagetrain.run import run_train
from radprompter.errors import RadprompterError, StoppedError

torch.set_num_threads(1)

def say(words):
    os.write(1, words.encode() + b"\\n")

def told(items, description, total=None, *, note=None):
    for number, item in enumerate(items):
        if description.startswith("train"):
            say(f"step {number}")
        yield item

def work(path):
    try:
        run_train(load_recipe(Path(path)), track=told)
        os._exit(0)
    except StoppedError as stopped:
        say(f"stopped {stopped}")
        os._exit(stopped.code)
    except RadprompterError as error:
        say(f"error {' '.join(str(error).split())}")
        os._exit(1)
    except BaseException:
        traceback.print_exc()
        os._exit(1)

def join(rank, world, port):
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=world, MASTER_ADDR="127.0.0.1", MASTER_PORT=port)

say("ready")
for line in sys.stdin:
    world, path = line.strip().split(" ", 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    children = []
    for rank in range(int(world)):
        children.append(os.fork())
        if children[-1] == 0:
            join(rank, world, port)
            work(path)
    say("pids " + " ".join(map(str, children)))
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    say("ended " + " ".join(map(str, codes)))
"""


class Trainings:
    """Begins trainings, one at a time, and tells how far they are and how they ended."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.wait_for("ready")

    def begin(self, recipe: Path) -> int:
        """Begin a training; its process id."""
        (pid,) = self.begin_together(recipe, world=1)
        return pid

    def begin_together(self, recipe: Path, *, world: int) -> list[int]:
        """Begin a training of several processes; their ids by rank."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{world} {recipe}\n")
        self._process.stdin.flush()
        return [int(pid) for pid in self.wait_for("pids").split()]

    def train(self, recipe: Path) -> int:
        """Train to the end; the exit code."""
        self.begin(recipe)
        return int(self.wait_for("ended"))

    def end(self, pid: int, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal and wait for the end; the exit code, negative for a signal."""
        os.kill(pid, number)
        return int(self.wait_for("ended"))

    def wait_for(self, *words: str) -> str:
        """What is said next after one of some words."""
        assert self._process.stdout is not None
        while line := self._process.stdout.readline():
            word, _, rest = line.strip().partition(" ")
            if word in words:
                return rest
            assert word != "ended", f"the training ended ({rest}) before it said {' or '.join(words)}"
        raise AssertionError("the process that forks trainings is gone")


@contextmanager
def forking() -> Iterator[Trainings]:
    """A process that forks trainings."""
    with parent(PARENT) as process:
        yield Trainings(process)
