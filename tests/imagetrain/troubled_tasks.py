"""Tasks that end the process that does them, or nearly."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np


def do(what: str, number: int = 0) -> dict[str, int]:
    """Do what a damaged file may make a decoder do."""
    if what == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif what == "exit":
        os._exit(3)
    elif what == "print":
        os.write(1, b"libtiff: warning\n")
    elif what == "sleep":
        time.sleep(60)
    elif what == "spin":
        while True:
            pass
    elif what == "fill":
        np.ones(2**30, dtype=np.float64).sum()
    elif what == "raise":
        raise KeyError("words of a report")
    elif what == "wait":
        Path(os.environ["STARTED"]).touch()
        time.sleep(60)
    return {"number": number, "process": os.getpid()}
