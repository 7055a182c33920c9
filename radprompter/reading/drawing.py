"""Drawing reports for people to read: a random share of all, then rare and uncertain ones, with exact weights.

Given how many units are drawn of each stratum, those drawn are a simple random sample of it, since the number depends
on the strata of the random share alone and never on which units of a stratum were drawn. So weights ``N_h / n_h`` make
every total over the population unbiased (Horvitz and Thompson 1952; Cochran, Sampling Techniques, 3rd ed., ch. 5).
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from radprompter.errors import InputError
from radprompter.reading.strata import ALL, Strata

LEAST = 2
"""Units drawn of each stratum that has as many; one alone says nothing of the spread."""


class DrawnUnit(NamedTuple):
    """A unit that was drawn: with the random share of all, or for its stratum."""

    unit: str
    stratum: str
    at_random: bool


class DrawnReport(NamedTuple):
    """A report to be read. It stands for `stands_for` reports, itself and the others of its group."""

    report_id: str
    stratum: str
    at_random: bool
    stands_for: int = 1


class Stratum(NamedTuple):
    """A stratum with the number of its units in the population, of those drawn, and of these at random."""

    name: str
    n_population: int
    n_drawn: int
    n_at_random: int


class Draw(NamedTuple):
    """The drawn reports in the order in which they are best read, and the strata in order of urgency."""

    reports: tuple[DrawnReport, ...]
    strata: tuple[Stratum, ...]


def draw_reports(
    strata: Strata,
    *,
    n: int,
    random_share: float,
    seed: int,
    groups: Mapping[str, str] | None = None,
    after: Sequence[str] = (),
) -> Draw:
    """Draw reports of a population.

    The same seed draws the same reports, whatever the order of the table. With `groups` (report id -> group) at most
    one report of a group is drawn: first one of each group at random, then of these as without groups; a drawn report
    stands for all of its group, which keeps the weights exact. Where earlier samples took reports out of the
    population, `after` has their ids: with their seed, those that they left would else come in a telling order.

    Raises
    ------
    InputError
        If there are too few reports, or too few places for the strata.
    """
    sizes: Counter[str] = Counter()
    chosen: dict[str, str] = {}  # unit -> its report
    before = "".join(f" after {sample}" for sample in after)
    for report_id in shuffle(strata.of, seed=seed, purpose=f"of its group{before}"):
        unit = report_id if groups is None else groups[report_id]
        chosen.setdefault(unit, report_id)
        sizes[unit] += 1
    of = {unit: strata.of[report_id] for unit, report_id in chosen.items()}
    names: Sequence[str] = [name for name in strata.names if name in set(of.values())]
    if random_share == 1:
        of, names = dict.fromkeys(of, ALL), [ALL]
    drawn = draw(of, names, shuffle(of, seed=seed, purpose=f"draw{before}"), n=n, random_share=random_share)
    population, at_random = Counter(of.values()), Counter(unit.stratum for unit in drawn if unit.at_random)
    number = Counter(unit.stratum for unit in drawn)
    reports = {
        chosen[unit.unit]: DrawnReport(chosen[unit.unit], unit.stratum, unit.at_random, sizes[unit.unit])
        for unit in drawn
    }
    in_order = (reports[report_id] for report_id in shuffle(reports, seed=seed, purpose=f"read{before}"))
    counts = (Stratum(name, population[name], number[name], at_random[name]) for name in names)
    return Draw(tuple(in_order), tuple(counts))


def draw(
    of: Mapping[str, str], names: Sequence[str], order: Sequence[str], *, n: int, random_share: float
) -> list[DrawnUnit]:
    """Draw `n` units by a random order of all: the first of it, then those that come first in their stratum.

    Parameters
    ----------
    of:
        Unit -> stratum.
    names:
        The strata, most urgent first.
    order:
        All units; each permutation as likely as any other.

    Raises
    ------
    InputError
        If there are fewer than `n` units, or the places beside the random share do not suffice for `LEAST` of each
        stratum.
    """
    population = Counter(of.values())
    if n > len(of):
        raise InputError(f"--n {n}: only {len(of):,} can be drawn; --n {len(of)} draws all")
    n_at_random = n if len(names) == 1 else math.floor(random_share * n + 0.5)
    needed = sum(min(LEAST, population[name]) for name in names)
    if len(names) > 1 and n < len(of) and n - n_at_random < needed:
        raise InputError(
            f"--n {n}: a random share of {random_share:g} leaves {n - n_at_random} places for {len(names)} "
            f"strata, which need {needed}, up to {LEAST} each; "
            f"take --n {_least_n(needed, random_share, len(of))} or a smaller --random-share"
        )
    drawn = [DrawnUnit(unit, of[unit], True) for unit in order[:n_at_random]]
    left: dict[str, list[str]] = {name: [] for name in names}
    for unit in reversed(order[n_at_random:]):
        left[of[unit]].append(unit)
    n_drawn = Counter(unit.stratum for unit in drawn)
    for name in allocate({name: len(left[name]) for name in names}, n_drawn, n - n_at_random):
        drawn.append(DrawnUnit(left[name].pop(), name, False))
    return drawn


def allocate(left: Mapping[str, int], drawn: Mapping[str, int], n: int) -> list[str]:
    """The strata that `n` places go to: always to that which fewest were drawn of, the most urgent of several."""
    have = {name: drawn.get(name, 0) for name in left}
    room = dict(left)
    urgency = {name: rank for rank, name in enumerate(left)}
    places = []
    for _ in range(n):
        name = min((name for name in room if room[name]), key=lambda name: (have[name], urgency[name]))
        have[name] += 1
        room[name] -= 1
        places.append(name)
    return places


def shuffle(items: Iterable[str], *, seed: int, purpose: str) -> list[str]:
    """Items in an order that depends on nothing but themselves, the seed and the purpose."""
    return sorted(items, key=lambda item: (hashlib.sha256(f"{seed}\n{purpose}\n{item}".encode()).digest(), item))


def _least_n(needed: int, random_share: float, most: int) -> int:
    """The fewest places of which so many are left beside the random share; all if none suffices."""
    return next((n for n in range(needed, most) if n - math.floor(random_share * n + 0.5) >= needed), most)
