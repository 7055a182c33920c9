"""States with soft labels: from the probabilities of the first token, or from the votes of samples."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from radprompter.answers.mending import fold
from radprompter.answers.parsing import read
from radprompter.labels import LABELS, AttributeValue, Cell, LabelState
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
        return read(completion, report, region, labeler, states_only=True)
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


def vote(cells: Iterable[Cell], region: Region) -> Iterator[Cell]:
    """One cell for each report and finding, from its samples: self-consistency.

    The state is the one with the most votes, `uncertain` where two have as many (failed, if the finding cannot be
    uncertain). Samples without a label have no vote; shares of the votes become the probabilities. Without any vote
    the first sample stands as it is. Evidence and attributes are those of the first sample that gave the state.

    Source: Wang et al., Self-consistency improves chain of thought reasoning in language models, ICLR 2023.
    """
    samples: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        samples.setdefault((cell.report_id, cell.finding), []).append(cell)
    return (_elected(group, region.allowed(finding)) for (_, finding), group in samples.items())


def _unanswered(cell: Cell) -> tuple[AttributeValue, ...]:
    """The attributes of a state that no sample gave."""
    return tuple(AttributeValue(attribute.name, "missing") for attribute in cell.attributes)


def _elected(samples: Sequence[Cell], allowed: Sequence[LabelState]) -> Cell:
    votes = Counter(cell.state for cell in samples if cell.state in LABELS)
    if not votes:
        return samples[0]
    most = max(votes.values())
    leaders = [state for state in allowed if votes[state] == most]
    tied = LabelState.UNCERTAIN if LabelState.UNCERTAIN in allowed else LabelState.FAILED
    state = leaders[0] if len(leaders) == 1 else tied
    shares = {option: votes[option] / votes.total() for option in allowed} if state in LABELS else {}
    spoken = next((cell for cell in samples if cell.state == state), None)
    counts = ", ".join(f"{votes[option]} {option}" for option in allowed if votes[option])
    return replace(
        samples[0],
        state=state,
        p_positive=shares.get(LabelState.POSITIVE),
        p_negative=shares.get(LabelState.NEGATIVE),
        p_uncertain=shares.get(LabelState.UNCERTAIN),
        evidence=spoken.evidence if spoken else None,
        evidence_found=spoken.evidence_found if spoken else None,
        attributes=spoken.attributes if spoken else _unanswered(samples[0]),
        repair=f"{len(samples)} samples: {counts}" + (", tied" if len(leaders) > 1 else ""),
    )
