"""Case -> report: which of its findings a radiologist states, hedges, denies or passes over, and the words for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from radprompter.labels import LabelState
from radprompter.phantom.anatomy import Anatomy
from radprompter.phantom.cases import Case
from radprompter.phantom.truth import perfect_reading
from radprompter.phantom.wording import NEGATIVE, POSITIVE, UNCERTAIN, Voice, capital


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence and what it says of which findings."""

    text: str
    states: Mapping[str, str]
    part: str


@dataclass(frozen=True, slots=True)
class WrittenReport:
    """The columns of a report and what a perfect reader answers."""

    language: str
    indication: str
    comparison: str
    findings: str
    impression: str
    truth: Mapping[str, LabelState]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is going to be said: findings by state; `resolved` are negative as well."""

    positive: tuple[str, ...]
    uncertain: tuple[str, ...]
    negative: tuple[str, ...]
    resolved: tuple[str, ...]


def write_report(case: Case, anatomy: Anatomy, voices: Mapping[tuple[str, str], Voice]) -> WrittenReport:
    """Write the report of a case in the manner of its site."""
    rng = case.rng("report")
    voice = _voice(case.site, voices, rng)
    plan = make_plan(case, anatomy, voice, rng)
    findings = _findings(case, anatomy, voice, plan, rng)
    impression = _impression(case, anatomy, voice, plan, rng)
    form = rng.random()
    if findings and voice.style == "terse" and form < 0.3:  # one block, in either column
        findings, impression = ([], findings) if form < 0.15 else (findings, [])
    truth = perfect_reading(anatomy, [statement.states for statement in (*findings, *impression)])
    indication = voice.pick(voice.language.indication, rng)
    comparisons = voice.language.follow_up if case.number > 1 else voice.language.comparison
    text = _lay_out(findings, voice, rng, headings=voice.style == "prose" and form < 0.25)
    if indication and text and voice.style == "prose" and 0.25 < form < 0.35:
        text = voice.patterns.history.format(indication=indication) + text
    return WrittenReport(
        language=voice.code,
        indication=indication,
        comparison=voice.pick(comparisons, rng),
        findings=_mistyped(text, rng),
        impression=_numbered(impression, voice, rng),
        truth=truth,
    )


def _voice(site: str, voices: Mapping[tuple[str, str], Voice], rng: np.random.Generator) -> Voice:
    german, terse = (0.15, 0.25) if site == "alpha" else (0.8, 0.75)
    code = "de" if rng.random() < german else "en"
    return voices[code, "terse" if rng.random() < terse else "prose"]


def make_plan(case: Case, anatomy: Anatomy, voice: Voice, rng: np.random.Generator) -> Plan:
    """Decide what is stated, hedged, denied and passed over."""
    there = [name for name in case.present if name != anatomy.no_finding]
    by_definition = [(name, general) for name in there for general in anatomy.findings[name].implies]
    implied = [general for name, general in by_definition if general not in anatomy.findings[name].needs]
    leaves = [name for name in there if name not in implied]
    needed = [need for name in there for need in anatomy.findings[name].needs]
    hedged = [n for n in leaves if rng.random() < anatomy.findings[n].hedged and n not in needed]
    sure = [name for name in leaves if name not in hedged]
    stated = [*sure, *(general for name in sure for general in anatomy.findings[name].implies)]
    suspected, denied, resolved = [], [], []
    for name, finding in anatomy.findings.items():
        suspicion, denial, memory = rng.random(3)
        if name in there or name == anatomy.no_finding:
            continue
        if finding.needs and not any(need in stated for need in finding.needs):
            continue
        contrary = any(other in there for other in finding.unless)
        clear = not any(other in there for other in finding.undenied)
        if name in case.previous and voice.language.findings[name].resolved and memory < 0.75:
            resolved.append(name)
        elif suspicion < finding.suspected and not contrary:
            suspected.append(name)
        elif clear and denial < finding.denied and voice.can_deny(name, alone=True):
            denied.append(name)
    hedges = [name for name in anatomy.findings if name in hedged or name in suspected]
    doubted = [general for name in hedges for general in anatomy.findings[name].implies]
    denied = [name for name in denied if name not in doubted or rng.random() < 0.3]
    return Plan(tuple(sure), tuple(hedges), tuple(denied), tuple(resolved))


def _findings(case: Case, anatomy: Anatomy, voice: Voice, plan: Plan, rng: np.random.Generator) -> list[Statement]:
    said: list[Statement] = []
    neutral = (
        [voice.pick(voice.language.neutral, rng)] if rng.random() < (0.6 if voice.style == "prose" else 0.2) else []
    )
    positive, negative = list(plan.positive), list(plan.negative)
    carrier = next((name for name in positive if voice.takes_adjectives(name)), None)
    adjectives: list[str] = []
    carried: dict[str, str] = {}
    for state, names in ((POSITIVE, positive), (NEGATIVE, negative)):
        for name in list(names):
            words = voice.language.findings[name]
            options = words.adjectives if state == POSITIVE else words.negative_adjectives
            if carrier and options and rng.random() < 0.5:
                adjectives.append(voice.pick(options, rng))
                carried[name] = state
                names.remove(name)
    for name in anatomy.findings:
        part = anatomy.findings[name].part
        if name in positive:
            here = adjectives if name == carrier else []
            text = voice.affirm(name, POSITIVE, rng, adjectives=here)
            said.append(Statement(text, {name: POSITIVE, **(carried if here else {})}, part))
        elif name in plan.uncertain:
            said.append(Statement(voice.affirm(name, UNCERTAIN, rng), {name: UNCERTAIN}, part))
        elif name in plan.resolved:
            said.append(Statement(voice.pick(voice.language.findings[name].resolved, rng), {name: NEGATIVE}, part))
    if "fracture" in case.present and carrier and rng.random() < 0.2:
        said.append(Statement(voice.pick(voice.patterns.follow_on, rng), {}, "bone"))
    said.extend(_quirk(case, anatomy, voice, plan, negative, rng))
    said.extend(_denials(anatomy, voice, negative, rng))
    for text in neutral:
        said.insert(0 if rng.random() < 0.7 else len(said), Statement(text, {}, "bone"))
    return said


def _quirk(
    case: Case, anatomy: Anatomy, voice: Voice, plan: Plan, negative: list[str], rng: np.random.Generator
) -> list[Statement]:
    """Perhaps one sentence that denies several findings in its own way; takes them off the list of denials."""
    quirks = voice.language.quirks
    if not quirks or rng.random() > 0.3:
        return []
    text, states = quirks[int(rng.integers(len(quirks)))]
    contrary = [other for name in states for other in anatomy.findings[name].undenied]
    unspoken = [name for name in (*case.present, *plan.uncertain, *plan.resolved) if name != anatomy.no_finding]
    if any(name in unspoken for name in contrary):
        return []
    general = [name for name in anatomy.findings if "fracture" in name]
    if any(name in unspoken for name in states) or ("displacement" in states and any(f in unspoken for f in general)):
        return []
    for name in states:
        if name in negative:
            negative.remove(name)
    part = anatomy.findings[next(iter(states))].part if next(iter(states)) in anatomy.findings else "bone"
    return [Statement(text, states, part)]


def _denials(anatomy: Anatomy, voice: Voice, negative: Sequence[str], rng: np.random.Generator) -> list[Statement]:
    said: list[Statement] = []
    listed = [name for name in negative if voice.can_deny(name, alone=False)]
    alone = [name for name in negative if name not in listed]
    for name in alone:
        text = voice.pick(voice.language.findings[name].negative, rng)
        said.append(Statement(text, {name: NEGATIVE}, anatomy.findings[name].part))
    while listed:
        group = _unrelated(anatomy, listed[: int(rng.integers(1, 5))])
        listed = [name for name in listed if name not in group]
        text = voice.deny(group, rng)
        said.append(Statement(text, dict.fromkeys(group, NEGATIVE), anatomy.findings[group[0]].part))
    return said


def _unrelated(anatomy: Anatomy, names: Sequence[str]) -> list[str]:
    """The findings of which none implies another: nobody writes "no fracture or fracture of the ..."."""
    chosen: list[str] = []
    for name in names:
        related = [other for other in chosen if name in anatomy.findings[other].implies]
        related += [other for other in anatomy.findings[name].implies if other in chosen]
        if not related:
            chosen.append(name)
    return chosen


def _impression(case: Case, anatomy: Anatomy, voice: Voice, plan: Plan, rng: np.random.Generator) -> list[Statement]:
    said: list[Statement] = []
    for name in anatomy.findings:
        part = anatomy.findings[name].part
        modifier = bool(anatomy.findings[name].needs)
        if name in plan.positive and not (modifier and rng.random() < 0.6) and not (said and rng.random() < 0.25):
            said.append(Statement(voice.affirm(name, POSITIVE, rng, short=True), {name: POSITIVE}, part))
        elif name in plan.uncertain:
            bold = name in case.present and rng.random() < 0.1  # surer in the end than in the description
            state = POSITIVE if bold else UNCERTAIN
            if state == POSITIVE or rng.random() < 0.8:
                said.append(Statement(voice.affirm(name, state, rng, short=True), {name: state}, part))
    if not said:
        denied = _unrelated(anatomy, [name for name in plan.negative if voice.can_deny(name, alone=False)][:2])
        if denied and rng.random() < 0.6:
            said.append(Statement(voice.deny(denied, rng), dict.fromkeys(denied, NEGATIVE), "bone"))
        else:
            said.append(Statement(voice.pick(voice.language.normal, rng), {}, "bone"))
    return said


def _lay_out(statements: Sequence[Statement], voice: Voice, rng: np.random.Generator, *, headings: bool) -> str:
    if not headings:
        return " ".join(statement.text for statement in statements)
    parts = list(dict.fromkeys(statement.part for statement in statements))
    blocks = []
    for part in parts:
        text = " ".join(statement.text for statement in statements if statement.part == part)
        blocks.append(f"{voice.patterns.headings[part]}: {capital(text)}")
    return "\n".join(blocks) if rng.random() < 0.5 else " ".join(blocks)


def _numbered(statements: Sequence[Statement], voice: Voice, rng: np.random.Generator) -> str:
    if len(statements) > 1 and voice.style == "prose" and rng.random() < 0.5:
        return " ".join(f"{number}. {statement.text}" for number, statement in enumerate(statements, 1))
    return " ".join(statement.text for statement in statements)


def _mistyped(text: str, rng: np.random.Generator) -> str:
    """The text, once in a while with two letters of a long word swapped."""
    words = text.split(" ")
    long = [i for i, word in enumerate(words) if len(word) > 8 and word.isalpha()]
    if not long or rng.random() > 0.012:
        return text
    i = long[int(rng.integers(len(long)))]
    at = int(rng.integers(3, len(words[i]) - 3))
    words[i] = words[i][:at] + words[i][at + 1] + words[i][at] + words[i][at + 2 :]
    return " ".join(words)
