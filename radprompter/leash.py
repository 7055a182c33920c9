"""Runs a command until it ends, or until whoever started this process is gone: then its whole group is ended.

A process that is killed cannot end what it has started, but its end of a pipe is closed, whatever becomes of it: here
that pipe is the standard input. This file is run as a script in a session of its own, so nothing of ours is imported.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress

POLL_S = 0.2
END_S = 30.0
"""How long the command may take to end by itself before its group is killed."""


def main(command: Sequence[str]) -> int:
    """The exit code of the command; 128 and the signal's number where one ended it."""
    # the command is told to end as well; a handler, since it would inherit that the signal is ignored
    signal.signal(signal.SIGTERM, lambda *_: None)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    while process.poll() is None:
        left_behind, _, _ = select.select([sys.stdin], [], [], POLL_S)
        if left_behind:
            os.killpg(0, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(END_S)
            os.killpg(0, signal.SIGKILL)  # this process too
    code: int = process.returncode
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
