"""The slowest answers that can be made up: CPU time of reading one, over hostile texts of 20,000 characters.

python benchmarks/hostile_answers.py
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

from radprompter.answers import read
from radprompter.records import Completion, Report
from radprompter.region import Region, load_region

SIZE = 20_000
BEGINNINGS = (
    "", '{"fracture":', '{"fracture": "true", "a": "', '{"fracture": {"state": "', '{"a":[', "{'fracture': ",
    '```json\n{"fracture": "true",', '{"fracture": {"evidence":"',
)  # fmt: skip
PIECES = (
    *"{}[]\"':, \n\\“()1-.eé#\u200b", '"fracture"', '"fracture":', '"a":', '"state":', "true", '"true"', "//", "/*",
    "```",
    "<think>", "</think>", "[THINK]", "null", '{"fracture":', '{"fracture":{"state":"true","evidence":"x"},',
    '\\"', '"a",',
    "fracture:", "'fracture':", "'a'", '{"fracture":"true"}', '{"a":1}', '{"state":{',
)  # fmt: skip


def texts() -> Iterator[str]:
    """Every beginning with every piece repeated, and random pieces of pieces."""
    for beginning in BEGINNINGS:
        for piece in PIECES:
            yield (beginning + piece * SIZE)[:SIZE]
    chance = random.Random(0)
    for _ in range(1500):
        piece = "".join(chance.choice(PIECES) for _ in range(chance.randint(2, 5)))
        yield (chance.choice(BEGINNINGS) + piece * SIZE)[:SIZE]


def milliseconds(text: str, region: Region) -> float:
    """CPU time of reading a text, the best of three."""
    report, best = Report("r", {"report": "There is a fracture of the radial head. " * 20}), float("inf")
    for _ in range(3):
        started = time.process_time()
        read(Completion("r", (text,)), report, region, "benchmark")
        best = min(best, time.process_time() - started)
    return best * 1e3


def main() -> None:
    """Print how many texts were read, and the slowest."""
    region = load_region("elbow")
    taken = sorted(((milliseconds(text, region), text[:40]) for text in texts()), reverse=True)
    print(f"{len(taken)} texts of {SIZE:,} characters; the slowest:")
    for time_ms, beginning in taken[:5]:
        print(f"{time_ms:6.1f} ms  {beginning!r}")


if __name__ == "__main__":
    main()
