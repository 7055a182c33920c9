"""What each claim of a report came to: it decides, says the same, or lost, and to what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from radprompter.errors import SchemaError
from radprompter.explaining.account import STRENGTH, UNNAMED, Account, Beside, FindingAccount, Outcome, Silent, Weighed
from radprompter.labels import Cell, LabelState
from radprompter.prompting.sections import suggest
from radprompter.records import Report
from radprompter.region import Region
from radprompter.rules.claims import Claim
from radprompter.rules.deciding import Decision
from radprompter.rules.labeler import Explanation, RuleLabeler
from radprompter.rules.reading import ReadSentence
from radprompter.rules.vocabulary import ABNORMAL

_SILENT_BECAUSE = {
    "historical": "it is history",
    "hypothetical": "it is a condition or a question",
    "family": "it is said of the family",
}


def explain(
    report: Report,
    labeler: RuleLabeler,
    region: Region,
    *,
    finding: str | None = None,
    left_out: Mapping[str, str] | None = None,
    beside: Mapping[str, Cell] | None = None,
) -> Account:
    """What the rules make of a report, of all findings or of one; `beside` are another table's cells by finding.

    Raises
    ------
    SchemaError
        If the region lacks the finding.
    """
    names = list(region.findings)
    if finding is not None and finding not in names:
        raise SchemaError(f"region {region.name!r} has no finding {finding!r}{suggest(finding, names)}")
    explanation = labeler.explain(report)
    if explanation is None:
        return Account(report, labeler.version, left_out or {}, None, ())
    wanted = names if finding is None else [finding]
    by_finding: dict[str, list[tuple[int, ReadSentence, Claim]]] = {name: [] for name in wanted}
    no_finding = region.schema.no_finding
    number = 0
    silent = _silent(explanation)
    outdone = {
        (id(sentence), one.finding, one.start, one.end): one.uses
        for sentence, found in zip(explanation.sentences, explanation.outline.outdone, strict=True)
        for one in found
    }
    for sentence in explanation.sentences:
        for claim in sorted(sentence.claims, key=lambda claim: (claim.start, claim.end)):
            about = no_finding if claim.finding == ABNORMAL else claim.finding
            if about in by_finding:
                number += 1
                by_finding[about].append((number, sentence, claim))
    accounts, cells = [], beside or {}
    for name in wanted:
        decision, title = explanation.decisions[name], region.findings[name].title
        weighed = tuple(
            Weighed(n, s, c, *_weigh(s, c, decision, region), outdone.get((id(s), c.finding, c.start, c.end), ()))
            for n, s, c in by_finding[name]
        )
        if name == no_finding and decision.state is not LabelState.POSITIVE:
            why = _no_finding_why(explanation, weighed, region)
        else:
            why = "nothing is present or suspected" if name == no_finding else _why(decision, weighed, region)
        if why == UNNAMED and name in silent:
            why = "named, but nothing is claimed of it"
        shown = title.get(report.language) or title.get("en") or name
        named = tuple(silent.get(name, ()))
        accounts.append(FindingAccount(name, shown, decision, why, weighed, named, Beside.of(cells.get(name))))
    unlabelled = tuple(name for name in wanted if name in cells and not cells[name].state.is_label)
    return Account(report, labeler.version, left_out or {}, explanation, tuple(accounts), unlabelled)


def _silent(explanation: Explanation) -> dict[str, list[Silent]]:
    """What names each finding and claims nothing of it."""
    found: dict[str, list[Silent]] = {}
    for sentence, unsaid in zip(explanation.sentences, explanation.outline.unsaid, strict=True):
        for one in unsaid:
            over = (c for c in sentence.claims if c.start < one.end and one.start < c.end and c.finding != ABNORMAL)
            said = dict.fromkeys(claim.finding for claim in over)
            why = "only a special form of it is denied or doubted"
            if one.is_look_alike:
                why = "a look-alike, which does not mean it"
            elif said:
                why = f"part of what says {', '.join(said)}"
            found.setdefault(one.finding, []).append(Silent(sentence, one, why))
    return found


def _weigh(sentence: ReadSentence, claim: Claim, decision: Decision, region: Region) -> tuple[Outcome, str]:
    """What became of a claim, and why."""
    if claim.state is None:
        categories = dict.fromkeys(use.category for use in claim.modifiers)
        reasons = [_SILENT_BECAUSE[category] for category in categories if category in _SILENT_BECAUSE]
        return (
            "silent",
            f"says nothing of the present: {reasons[-1] if reasons else 'a denial that is denied affirms nothing'}",
        )
    if claim.finding == ABNORMAL:
        if claim.state is LabelState.NEGATIVE:
            return "same", "another abnormality, denied"
        return "forbids", "another abnormality, beside which this is not so"
    counts = _counts(claim, region)
    doubt = "" if counts is claim.state else f"; doubt ({claim.hedge}) counts as {_plain(counts)} here"
    if claim is decision.claim and sentence is decision.sentence:
        return "decides", f"decides{doubt}"
    decided = decision.claim
    if decided is None:
        return "weaker", f"lost: this finding has no state for it{doubt}"
    if decided.finding != claim.finding:
        return "implied", f"lost: {decided.finding} is {decided.state}, and implies it{doubt}"
    if decision.rule.startswith("addendum/") and sentence.part != "addendum":
        return "corrected", f"lost: the addendum replaces what the report says{doubt}"
    decisive = _counts(decided, region)
    if counts is decisive:
        return "same", f"says the same{doubt}"
    return "weaker", f"lost: {_plain(decisive)} goes over {_plain(counts)}{doubt}"


def _counts(claim: Claim, region: Region) -> LabelState | None:
    """The state that a claim counts as: doubts of some kinds are no doubts in some regions."""
    return region.hedges.get(claim.hedge, claim.state) if claim.hedge else claim.state


def _plain(state: LabelState | None) -> str:
    return "nothing" if state is None else state.replace("_", " ")


def _why(decision: Decision, weighed: Sequence[Weighed], region: Region) -> str:
    claim, rule = decision.claim, decision.rule
    if claim is None:
        silence = "named, but nothing is said of the present" if weighed else UNNAMED
        if decision.state is LabelState.NOT_MENTIONED:
            return silence
        return f"{silence}, which counts as {_plain(decision.state)} here"
    reason = "said by the report"
    if rule.startswith("implied:"):
        return f"implied: {claim.finding} is {claim.state}"
    if rule.startswith("addendum/"):
        reason = "said by the addendum, which replaces what the report says"
    counts = _counts(claim, region)
    if counts is not claim.state:
        reason += f"; doubt ({claim.hedge}) counts as {_plain(counts)} here"
    if counts is not decision.state:
        reason += f"; {_plain(counts)} counts as {_plain(decision.state)} here"
    return reason


def _no_finding_why(explanation: Explanation, weighed: Sequence[Weighed], region: Region) -> str:
    despite = {*region.no_finding_despite, region.schema.no_finding}
    present = [
        f"{name} is {decision.state}"
        for name, decision in explanation.decisions.items()
        if STRENGTH.get(decision.state, 0) > 1 and name not in despite
    ]
    present += [
        f"{name} is doubted"
        for name, decision in explanation.decisions.items()
        if decision.claim and decision.state is LabelState.NOT_MENTIONED and name not in despite
    ]
    others = dict.fromkeys(f"“{one.words.lower()}”" for one in weighed if one.outcome == "forbids")
    present += [f"another abnormality: {', '.join(others)}"] if others else []
    return f"not so: {'; '.join(present)}"
