"""The addresses of one model: which is asked next, which is left alone for a while, and who waits for a place."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from radprompter.backends.endpoint import Address
from radprompter.backends.failing import SILENT, FailureError
from radprompter.backends.pace import Window
from radprompter.backends.transport import Transport

DEAD_AFTER = 3
"""Requests in a row without an answer after which an address is left out, while another may be asked."""

FIRST_OUT_S = 1.0
LONGEST_OUT_S = 60.0

SPARE = 4
"""For each so many places that there can be, one conversation more may be held while others wait to try again."""


@dataclass(eq=False)
class Replica:
    """One address: its connections, its pace and its health."""

    transport: Transport
    window: Window
    n_under_way: int = 0  # begun since the last pause; those from before may stall, and hold up none of these
    n_before: int = 0  # begun before it
    paused_at: int = 0  # the first ticket since
    open_at: float = 0.0  # loop time before which it is not asked
    n_silent: int = 0  # requests in a row without an answer
    n_outs: int = 0  # times in a row that it was left out

    @property
    def load(self) -> float:
        """Share of its places that are taken."""
        return self.n_under_way / self.window.limit

    def has_room(self, most: int) -> bool:
        """Whether one request more may begin."""
        return self.n_under_way < self.window.limit and self.n_under_way + self.n_before < most


class Place(NamedTuple):
    """A place among the requests that are under way at an address; whoever has it gives it back by `Replicas.leave`."""

    replica: Replica
    ticket: int


async def connect(addresses: Iterable[Address], most: int) -> Replicas:
    """Addresses to ask on the loop that this runs on, each by at most so many requests at the same time."""
    return Replicas([Transport(address) for address in addresses], most)


@dataclass
class Replicas:
    """Addresses that serve the same model. Lives on one loop; `room` alone may be read from elsewhere.

    The one with the smallest share of its places taken is asked. Where no place is free, requests wait in order.
    One that gives no answers is left out while there is another, each time twice as long, then tried by one request.

    Parameters
    ----------
    transports:
        A transport for each address.
    most:
        Requests at the same time, to each address.
    """

    transports: Sequence[Transport]
    most: int
    n_resting: int = 0  # conversations between two attempts
    _waiting: deque[asyncio.Future[Place]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._all = [Replica(transport, Window(self.most)) for transport in self.transports]

    def __len__(self) -> int:
        return len(self._all)

    def apart(self) -> list[Replicas]:
        """Each address alone, over the same connections."""
        return [Replicas([transport], self.most) for transport in self.transports]

    async def close(self) -> None:
        """Close all connections."""
        for transport in self.transports:
            await transport.close()

    @property
    def hosts(self) -> str:
        """All addresses, for messages."""
        return ", ".join(transport.address.host for transport in self.transports)

    @property
    def room(self) -> int:
        """How many conversations may be held now: those with a place, and a few for those between two attempts."""
        places = sum(replica.window.limit for replica in self._all)
        return places + min(self.n_resting, self.most * len(self) // SPARE)

    async def enter(self, deadline: float) -> Place:
        """A place, as soon as one is free.

        Raises
        ------
        FailureError
            ``rate_limited`` if none may be asked before the deadline (time of the loop), ``timeout`` once it is past.
        """
        if not self._waiting and (place := self._free()) is not None:
            return place
        if min(replica.open_at for replica in self._all) > deadline:
            raise FailureError("rate_limited")
        waiting: asyncio.Future[Place] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            async with asyncio.timeout_at(deadline):
                return await waiting
        except BaseException as error:
            with suppress(ValueError):
                self._waiting.remove(waiting)
            if waiting.done() and not waiting.cancelled():
                self.leave(waiting.result())
            if isinstance(error, TimeoutError):
                raise FailureError("timeout") from None
            raise

    def leave(self, place: Place) -> None:
        """Give a place back."""
        replica = place.replica
        if place.ticket >= replica.paused_at:
            replica.n_under_way -= 1
        else:
            replica.n_before -= 1
        if self._waiting:
            self._admit()

    def answered(self, place: Place, *, rest_s: float | None = None) -> None:
        """Note an answer, with which the address may have said that it takes no more for some seconds."""
        replica = place.replica
        replica.n_silent = replica.n_outs = 0
        replica.window.answered(place.ticket)
        if rest_s:
            self._pause(place, rest_s)

    def failed(self, place: Place, failure: FailureError) -> None:
        """Note a failed attempt: lower the pace, wait as long as the address asks, or leave it out."""
        replica = place.replica
        if failure.asked_s:
            self._pause(place, failure.asked_s)
        elif failure.congested:
            replica.window.congested(place.ticket)
        if failure.kind not in SILENT:
            replica.n_silent = 0
            return
        replica.n_silent += 1
        now = asyncio.get_running_loop().time()
        is_alone = not any(other.open_at <= now for other in self._all if other is not replica)
        if replica.n_silent >= DEAD_AFTER and replica.open_at <= now and not is_alone:
            self._pause(place, min(LONGEST_OUT_S, FIRST_OUT_S * 2**replica.n_outs))
            replica.n_outs += 1

    def _pause(self, place: Place, seconds: float) -> None:
        """Leave an address alone; processes that were told the same at the same time come back at different ones."""
        loop, replica = asyncio.get_running_loop(), place.replica
        until = loop.time() + seconds + random.random() * min(0.1, seconds / 10)  # noqa: S311 - no secret
        if until > replica.open_at:
            replica.open_at = until
            replica.window.paused(place.ticket)
            replica.paused_at = replica.window.ticket
            replica.n_before, replica.n_under_way = replica.n_before + replica.n_under_way, 0
            loop.call_at(until, self._admit)

    def _free(self) -> Place | None:
        """A place at the address with the smallest load, if there is one."""
        now = asyncio.get_running_loop().time()
        open_ones = [one for one in self._all if one.open_at <= now and one.has_room(self.most)]
        if not open_ones:
            return None
        replica = min(open_ones, key=lambda one: one.load) if len(open_ones) > 1 else open_ones[0]
        replica.n_under_way += 1
        return Place(replica, replica.window.ticket)

    def _admit(self) -> None:
        """Let those in who wait, in order, as far as there are places."""
        while self._waiting and (place := self._free()) is not None:
            waiting = self._waiting.popleft()
            if waiting.done():  # it has given up
                self.leave(place)
            else:
                waiting.set_result(place)
