"""How many requests are made at the same time: as many as the endpoint bears."""

from __future__ import annotations

DECREASE = 0.75
"""What is left of a limit after congestion."""

RESTART = 8
"""After a pause, a limit begins with one of so many places, and doubles until it has them all."""

STEPS = 32
"""A limit grows by its maximum divided by this with each round trip: what one decrease took is back after eight."""


class Window:
    """A limit that answers raise and congestion lowers; it has no clock, and knows nothing of requests.

    It rises by a step in each round trip and falls by a factor (additive increase, multiplicative decrease: D.-M. Chiu,
    R. Jain, Comput. Netw. ISDN Syst. 17, 1989). Requests that were under way at the last decrease count no more, so
    that it falls once in a round trip however many of them fail (the recovery point of TCP NewReno, RFC 6582). After
    a pause it begins with few requests and doubles in each round trip (slow start, RFC 5681, 3.1), so that not all that
    have waited come at once.

    Parameters
    ----------
    most:
        The highest limit, and the first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = self._slow_until = float(most)
        self._n_decreases = 0

    @property
    def limit(self) -> int:
        """How many requests may be under way now; at least 1."""
        return int(self._limit)

    @property
    def ticket(self) -> int:
        """What a request that begins now shows when it ends."""
        return self._n_decreases

    def answered(self, ticket: int) -> None:
        """Rise after an answer to a request that began with this ticket."""
        if ticket == self._n_decreases and self._limit < self._most:
            rise = 1.0 if self._limit < self._slow_until else max(1.0, self._most / STEPS) / self._limit
            self._limit = min(self._limit + rise, self._most)

    def congested(self, ticket: int) -> None:
        """Fall after a request that began with this ticket met congestion."""
        if ticket == self._n_decreases:
            self._limit = self._slow_until = max(1.0, self._limit * DECREASE)
            self._n_decreases += 1

    def paused(self, ticket: int) -> None:
        """Begin anew with few requests, after a pause that a request with this ticket was told of.

        Answers raise it fast to three quarters of the limit as it was, then by steps. No request that began before
        counts any more.
        """
        if ticket == self._n_decreases:
            self._slow_until = max(1.0, max(self._limit, self._slow_until) * DECREASE)
        self._limit = max(1.0, self._slow_until / RESTART)
        self._n_decreases += 1
