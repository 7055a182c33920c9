"""From the probabilities of the first token to a state with soft labels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from radprompter.answers.parsing import read
from radprompter.answers.repair import fold
from radprompter.labels import Cell, LabelState
from radprompter.records import Completion, Reading, Report
from radprompter.region import Region


def letter_masses(logprobs: Mapping[str, float], letters: Iterable[str]) -> dict[str, float]:
    """Letter -> probability that the first token is it, in any case and with white space around it.

    A letter that is not among the likeliest tokens has mass 0; it had less than the last of them.
    """
    masses = dict.fromkeys(letters, 0.0)
    letter_of = {fold(letter): letter for letter in masses}
    for token, logprob in logprobs.items():
        letter = letter_of.get(fold(token))
        if letter is not None:
            masses[letter] += math.exp(logprob)
    return masses


def read_letter(completion: Completion, report: Report, region: Region, labeler: str, *, least_mass: float) -> Reading:
    """The likeliest state of the one finding that was asked about, with the probabilities of its states.

    Probabilities are divided by their sum, the label mass, which is kept in the cell's `repair`. The cell has failed,
    and has no probabilities, if the mass is below `least_mass`, or if there are none. A state that the finding cannot
    take has no probability; of equally likely states the first of the region counts.
    """
    if completion.failure is not None or not completion.findings:
        return read(completion, report, region, labeler)
    (finding,) = completion.findings
    letters = region.letters(finding)
    masses = letter_masses(completion.logprobs or {}, letters)
    mass = sum(masses.values())
    if not completion.logprobs or not mass or mass < least_mass:
        reason = f"label mass {mass:.4f} below {least_mass:g}" if completion.logprobs else "no_logprobs"
        return Reading(report.id, (Cell(report.id, finding, LabelState.FAILED, repair=reason, labeler=labeler),))
    shares = {state: masses[letter] / mass for letter, state in letters.items()}
    unseen = [str(state) for letter, state in letters.items() if not masses[letter]]
    cell = Cell(
        report.id,
        finding,
        max(shares, key=shares.__getitem__),
        p_positive=shares.get(LabelState.POSITIVE),
        p_negative=shares.get(LabelState.NEGATIVE),
        p_uncertain=shares.get(LabelState.UNCERTAIN),
        repair=f"label mass {mass:.4f}" + (f"; not among the likeliest: {', '.join(unseen)}" if unseen else ""),
        labeler=labeler,
    )
    return Reading(report.id, (cell,))
