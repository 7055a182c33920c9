"""Patients of the phantom: who they are, how often they come, and what is really there each time."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from radprompter.phantom.anatomy import SITES, Anatomy, closure


@dataclass(frozen=True, slots=True)
class Case:
    """One study of a patient and what is really there.

    `present` and `previous` (of the patient's study before) name findings in schema order; `seed` draws everything
    about the study that is not said here, such as the pose.
    """

    study_id: str
    patient_id: str
    site: str
    sex: str
    age: int
    side: str
    number: int
    present: tuple[str, ...]
    previous: tuple[str, ...]
    seed: tuple[int, ...]

    def rng(self, purpose: str) -> np.random.Generator:
        """A random generator of the study's own, independent of those for other purposes."""
        return np.random.default_rng([*self.seed, self.number, zlib.crc32(purpose.encode())])


def draw_patient(anatomy: Anatomy, region: str, *, site: str, index: int, seed: int) -> tuple[Case, ...]:
    """The studies of one patient, which depend on nothing but region, site, index and seed."""
    key = (seed, zlib.crc32(region.encode()), SITES.index(site), index)
    rng = np.random.default_rng(key)
    sex = "F" if rng.random() < (0.52 if site == "alpha" else 0.45) else "M"
    age = int(np.clip(rng.normal(52 if site == "alpha" else 44, 18), 18, 92))
    side = ("left" if rng.random() < 0.5 else "right") if anatomy.sided else ""
    n_studies = 1 + int(rng.random() < 0.18) + int(rng.random() < 0.07)
    patient = f"{region[:2].upper()}{site[0].upper()}{index + 1:04d}"
    cases: list[Case] = []
    previous: tuple[str, ...] = ()
    for number in range(1, n_studies + 1):
        present = _draw_findings(anatomy, site, rng, previous=previous if number > 1 else None)
        cases.append(Case(f"{patient}-{number}", patient, site, sex, age, side, number, present, previous, key))
        previous = present
    return tuple(cases)


def _draw_findings(
    anatomy: Anatomy, site: str, rng: np.random.Generator, *, previous: tuple[str, ...] | None
) -> tuple[str, ...]:
    there: dict[str, bool] = dict.fromkeys(anatomy.findings, False)
    for name, finding in anatomy.findings.items():
        chance = finding.prevalence[SITES.index(site)]
        for other, instead in finding.given.items():
            if there[other]:
                chance = instead
        if previous is not None:
            chance = finding.persists if name in previous and finding.prevalence != (0.0, 0.0) else 0.35 * chance
        fits = not finding.needs or any(there[other] for other in finding.needs)
        fits = fits and not any(there[other] for other in finding.unless)
        if rng.random() < chance and fits:
            for reached in closure(anatomy, (name,)):
                there[reached] = True
    if anatomy.no_finding:
        there[anatomy.no_finding] = not any(there[name] for name in there if name not in anatomy.harmless)
    return tuple(name for name, is_there in there.items() if is_there)
