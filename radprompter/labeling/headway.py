"""How a run goes, in one line: requests and tokens a second, money, failures by kind."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from radprompter.labeling.budget import Limits
from radprompter.labeling.tally import Tally

WINDOW_S = 30.0
"""Time over which rates are taken."""

EVERY_S = 0.5
"""Time between two looks at the tally."""


class Headway:
    """The line about a run; it takes a look at the tally whenever it is asked for.

    Parameters
    ----------
    tally:
        Counts of the run, as it goes on.
    limits:
        Has the price of the model, if there is one.
    clock:
        Seconds from any start, never going back.
    """

    def __init__(self, tally: Tally, limits: Limits, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._tally, self._limits, self._clock = tally, limits, clock
        self._looks: deque[tuple[float, int, int]] = deque([(clock(), 0, 0)])  # time, requests, tokens

    def __call__(self) -> str:
        """The line, such as ``1,204 asked (57/s), 41,300 tokens/s, $0.52, failed 3 (timeout 2, refused 1)``."""
        tally = self._tally
        now, n_tokens = self._clock(), tally.spent.prompt + tally.spent.completion
        if now - self._looks[-1][0] >= EVERY_S:
            self._looks.append((now, tally.n_asked, n_tokens))
        while len(self._looks) > 2 and now - self._looks[1][0] > WINDOW_S:
            self._looks.popleft()
        then, n_before, tokens_before = self._looks[0]
        elapsed = max(now - then, 1e-9)
        parts = []
        if tally.n_asked:
            parts.append(f"{tally.n_asked:,} asked ({_rate((tally.n_asked - n_before) / elapsed)}/s)")
        if n_tokens:
            parts.append(f"{_rate((n_tokens - tokens_before) / elapsed)} tokens/s")
        spent = self._limits.spent_usd(tally)
        if spent:
            parts.append(f"${spent:,.2f}")
        if tally.n_faults:
            kinds = ", ".join(f"{kind} {number:,}" for kind, number in tally.n_faults.most_common())
            parts.append(f"failed {tally.n_faults.total():,} ({kinds})")
        return ", ".join(parts)


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
