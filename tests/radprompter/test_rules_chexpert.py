"""The rules with `compat: chexpert`, beside the default, so that a reader sees what differs."""

from __future__ import annotations

import csv
import functools
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from radprompter.backends import open_backend
from radprompter.cli.app import app
from radprompter.errors import TemplateError
from radprompter.labels import LabelState
from radprompter.records import Prompt, Report
from radprompter.region import load_region
from radprompter.rules.chexpert.cleaning import clean
from radprompter.rules.chexpert.lexicon import load_chexpert_lexicon
from radprompter.rules.chexpert.quirks import ChexpertReader
from radprompter.rules.claims import Claim
from radprompter.rules.labeler import Compat, RuleLabeler
from radprompter.rules.lexicon import load_language
from radprompter.rules.sentences import Stretch

SIGN = {LabelState.POSITIVE: "+", LabelState.NEGATIVE: "-", LabelState.UNCERTAIN: "?"}


@functools.cache
def labeler(compat: Compat | None) -> RuleLabeler:
    return RuleLabeler(load_region("chest"), compat=compat)


def said(text: str, compat: Compat | None) -> str:
    """Every finding that is mentioned, with a sign, in the order of the region."""
    decisions = labeler(compat).label(Report("r", {"report": text}))
    assert decisions is not None
    return " ".join(name + SIGN[one.state] for name, one in decisions.items() if one.state in SIGN)


def claims(text: str) -> list[tuple[str, Claim]]:
    """What is claimed with `compat: chexpert`, each with the words as written that the claim is about."""
    explanation = labeler("chexpert").explain(Report("r", {"report": text}))
    assert explanation is not None
    return [(one.text[claim.start : claim.end], claim) for one in explanation.sentences for claim in one.claims]


# sentence | the default | compat: chexpert
BOTH = """
No new consolidation. | consolidation- no_finding+ | consolidation?
No edema, but pneumonia cannot be entirely excluded. | edema- pneumonia? | edema- pneumonia?
No effusion, and pneumonia is not excluded. | pneumonia? pleural_effusion- | pneumonia? pleural_effusion-
No possible edema. | edema- no_finding+ | edema- no_finding+
Atelectasis versus consolidation. | consolidation? atelectasis? | consolidation? atelectasis?
Atelectasis or consolidation. | consolidation? atelectasis? | consolidation+ atelectasis+
History of pneumonia. | no_finding+ | pneumonia+
Evaluate for pneumothorax. | no_finding+ | pneumothorax+
INDICATION: Pneumonia. FINDINGS: No edema. | edema- no_finding+ | edema- pneumonia+
Heart size is normal. | cardiomegaly- no_finding+ | cardiomegaly- no_finding+
The cardiac silhouette is within normal limits for size. | cardiomegaly- no_finding+ | cardiomegaly- no_finding+
The cardiac silhouette is unchanged. | no_finding+ | cardiomegaly?
Heart size was assessed. | no_finding+ | cardiomegaly+
Stable cardiomegaly. | cardiomegaly+ | cardiomegaly+
The cardiomediastinal silhouette is normal. | enlarged_cardiomediastinum- cardiomegaly- no_finding+ | enlarged_cardiomediastinum- no_finding+
The lungs are clear. | lung_opacity- no_finding+ | no_finding+
The pleural spaces are clear. | pleural_effusion- no_finding+ | no_finding+
Massive gastric distension. | no_finding+ | no_finding+
A mass. | lung_lesion+ | lung_lesion+
Habitus consistent with obesity, protuberant abdomen. | no_finding+ | no_finding+
A stent and a tube. | support_devices+ no_finding+ | support_devices+ no_finding+
A radiopacity over the bowel. | no_finding+ | no_finding+
No edema. Edema cannot be excluded. | edema? | edema?
No edema. Edema cannot be excluded. Mild edema. | edema+ | edema?
No edema. Mild edema. | edema+ | edema+
Possible edema. Mild edema. | edema+ | edema+
Congestive heart failure. | edema+ | cardiomegaly? edema+
Heart size is normal. Possible CHF. | cardiomegaly- edema? | cardiomegaly? edema?
Cardiomegaly. CHF. | cardiomegaly+ edema+ | cardiomegaly+ edema+
No evidence of CHF. | edema- no_finding+ | edema- no_finding+
Scoliosis. | no_finding+ | -
Hiatal hernia. | - | -
No hiatal hernia. | no_finding+ | no_finding+
Chest port in place. | support_devices+ no_finding+ | support_devices+ no_finding+
Bilateral effusions w/o pneumothorax. | pneumothorax- pleural_effusion+ | pneumothorax+ pleural_effusion+
No effusion and/or pneumothorax. | pneumothorax- pleural_effusion- no_finding+ | pneumothorax- pleural_effusion- no_finding+
Vascular congestion. | edema? | edema+
"""  # noqa: E501 - a table


@pytest.mark.parametrize("row", BOTH.strip().splitlines(), ids=lambda row: row.split(" |")[0])
def test_the_default_and_the_chexpert_labeler_say_of_a_sentence(row: str) -> None:
    text, default, compatible = (part.strip() for part in row.split("|"))
    assert said(text, None) == ("" if default == "-" else default)
    assert said(text, "chexpert") == ("" if compatible == "-" else compatible)


@pytest.mark.parametrize(
    ("sentences", "default", "compatible"),
    [
        ("Edema.", "+", "+"),
        ("No edema.", "-", "-"),
        ("Possible edema.", "?", "?"),
        ("No edema. Edema.", "+", "+"),
        ("Possible edema. Edema.", "+", "+"),
        ("No edema. Possible edema.", "?", "?"),
        ("No edema. Possible edema. Edema.", "+", "?"),
        ("Edema. Possible edema. No edema.", "+", "?"),
    ],
)
def test_negative_beside_uncertain_is_uncertain_even_where_positive_is_said_too(
    sentences: str, default: str, compatible: str
) -> None:
    assert said(sentences, None).split()[0] == f"edema{default}"
    assert said(sentences, "chexpert").split()[0] == f"edema{compatible}"


def test_an_addendum_replaces_nothing() -> None:
    text = "FINDINGS: Small pneumothorax.\nADDENDUM: No pneumothorax."
    assert said(text, None) == "pneumothorax- no_finding+"
    assert said(text, "chexpert") == "pneumothorax+"


def test_a_line_break_ends_a_sentence_in_the_default_alone() -> None:
    text = "No effusion\nPneumothorax"
    assert said(text, None) == "pneumothorax+ pleural_effusion-"
    assert said(text, "chexpert") == "pneumothorax- pleural_effusion- no_finding+"


@pytest.mark.parametrize("text", ["", " \n", "___", "XXXX.", "12.5"])
@pytest.mark.parametrize("compat", [None, "chexpert"])
def test_a_report_without_words_has_no_labels_in_either(text: str, compat: Compat | None) -> None:
    assert labeler(compat).label(Report("r", {"findings": text, "impression": ""})) is None


@pytest.mark.parametrize(
    ("written", "cleaned"),
    [
        ("Effusion and/or Edema", "effusion or edema"),
        ("scar/atelectasis", "scar or atelectasis"),
        ("1/2 and T12/L1", "1/2 and t12/l1"),
        ("Clear..No edema", "clear. no edema"),
        ("2.5 cm,stable", "2. 5 cm, stable"),
        ("a \n\n\t b", "a b"),
        ("Well ... clear.", "well . clear. "),
    ],
)
def test_a_report_is_cleaned_as_described(written: str, cleaned: str) -> None:
    assert clean(written).text == cleaned


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("No  edema.\n\nSmall\nEffusion,Pneumonia", ["edema", "Effusion", "Pneumonia"]),
        ("Infiltrate/Atelectasis..Hazy base", ["Infiltrat", "Atelecta", "Hazy"]),
        ("İ edema", ["edema"]),
        ("Pleural\nEffusion", ["Effusion"]),
    ],
)
def test_claims_stand_in_the_report_as_it_is_written(text: str, words: list[str]) -> None:
    assert [found for found, _ in claims(text)] == words


def test_evidence_is_a_slice_of_the_report_and_the_rule_names_letters_and_modifier() -> None:
    text = "Heart size:\nnormal. Scar/atelectasis and/or\n  consolidation."
    decisions = labeler("chexpert").label(Report("r", {"report": text}))
    assert decisions is not None
    assert decisions["cardiomegaly"].rule == "structure:heart size/normal_after:normal"
    assert decisions["cardiomegaly"].evidence == "Heart size:\nnormal."
    assert decisions["consolidation"].rule == "letters:consolidat"
    assert decisions["consolidation"].evidence == "Scar/atelectasis and/or\n  consolidation."


def test_every_word_finds_what_it_stands_for_in_its_example() -> None:
    lexicon = load_chexpert_lexicon(load_region("chest"))
    rows = [("abnormal", "mentions", *row) for row in lexicon.blockers.items()]
    for name, words in lexicon.findings.items():
        for kind in ("mentions", "structures", "not_by"):
            rows += [(name, kind, *row) for row in getattr(words, kind).items()]
    wrong = []
    for name, kind, phrase, example in rows:
        found = {claim.phrases[0]: claim.state for _, claim in claims(example) if claim.finding == name}
        expected = {"mentions": LabelState.POSITIVE, "structures": LabelState.NEGATIVE, "not_by": None}[kind]
        if found.get(phrase) is not expected or (kind == "not_by" and found):
            wrong.append((name, kind, phrase, example, found))
    assert wrong == []


def test_every_modifier_decides_in_its_example() -> None:
    lexicon, language = load_chexpert_lexicon(load_region("chest")), load_language("en")
    assert language is not None
    reader = ChexpertReader(lexicon, language.model_copy(update={"modifiers": {}}))  # by itself, without English
    marked = re.compile(r"\{([-?])([^}]*)\}")
    wrong = []
    for group in lexicon.modifiers.values():
        for phrase, example in group.phrases.items():
            (sign,) = (match[1] for match in marked.finditer(example))
            sentences = reader.read(Report("r", {"report": marked.sub(r"\2", example)})) or []
            said_of = [claim for sentence in sentences for claim in sentence.claims]
            found = [(SIGN[one.state], use.phrase) for one in said_of if one.state for use in one.modifiers]
            if (sign, phrase) not in found:
                wrong.append((phrase, example, found))
    assert wrong == []


@pytest.mark.parametrize(
    ("region", "other"), [("elbow", "other findings"), ("chest_ptx_ribfx", "rib_fracture"), ("thumb", "other findings")]
)
def test_a_region_with_other_findings_is_refused(region: str, other: str) -> None:
    with pytest.raises(TemplateError, match=f"14 findings of CheXpert alone.*{other}.*take compat away"):
        open_backend({"name": "rules", "compat": "chexpert"}, load_region(region))


def test_the_findings_of_chexllm_are_among_those_of_chexpert() -> None:
    decisions = RuleLabeler(load_region("chest_chexllm13"), compat="chexpert").label(Report("r", {"report": "A tube."}))
    assert decisions is not None
    assert {name for name, one in decisions.items() if one.state in SIGN} == {"no_finding"}


def test_a_german_report_is_a_failure_and_never_a_label() -> None:
    backend = open_backend({"name": "rules", "compat": "chexpert"}, load_region("chest"))
    (completion,) = backend.complete([Prompt(Report("r", {"report": "Kein Erguss."}, "de"))])
    assert (completion.failure, completion.replies) == ("unknown_language", ())


def test_the_journal_tells_the_two_apart() -> None:
    default, compatible = (
        open_backend({"name": "rules", **settings}, load_region("chest")) for settings in ({}, {"compat": "chexpert"})
    )
    assert compatible.model == f"{default.model}+chexpert"
    assert compatible.identity["rules"] != default.identity["rules"]


def label(folder: Path, reports: list[str], *options: str) -> Result:
    """`radprompter label` on some reports, by a recipe that names no backend."""
    with (folder / "reports.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([("report_id", "text"), *enumerate(reports)])
    recipe = folder / "recipe.yaml"
    section = f"{{region: chest, reports: {{path: {folder}/reports.csv, text: text}}}}"
    recipe.write_text(f"name: Compat\nout: {folder}/out\nlabel: {section}\n", encoding="utf-8")
    return CliRunner().invoke(app, ["label", str(recipe), *options], env={"COLUMNS": "200"})


def codes(folder: Path) -> list[dict[str, str]]:
    with (folder / "out" / "label" / "labels.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_published_samples_come_out_as_published(shared: Path, tmp_path: Path) -> None:
    published = shared / "data" / "labeler_samples" / "chexpert_labeler" / "labeled_reports.csv"
    with published.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    result = label(tmp_path, [row.pop("Reports") for row in rows], "--compat", "chexpert")
    assert result.exit_code == 0, result.output
    table = codes(tmp_path)
    assert len(table) == len(rows) == 4
    for row, ours in zip(rows, table, strict=True):
        expected = {name.lower().replace(" ", "_"): code.removesuffix(".0") for name, code in row.items()}
        assert {name: ours[name] for name in expected} == expected
        assert set(ours) == {"report_id", *expected}


def test_the_option_labels_anew_and_the_setting_is_the_same(tmp_path: Path) -> None:
    reports = ["No edema. Possible edema. Edema."]
    assert label(tmp_path, reports).exit_code == 0
    assert codes(tmp_path)[0]["edema"] == "1"
    again = label(tmp_path, reports, "--compat", "chexpert")
    assert (again.exit_code, codes(tmp_path)[0]["edema"]) == (0, "-1")
    assert "1 asked, 0 from the journal" in again.output
    same = label(tmp_path, reports, "--set", "label.backend={name: rules, compat: chexpert}")
    assert (same.exit_code, "up to date" in same.output) == (0, True)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("label.reports.language=de", "reads English reports alone"),
        ("label.backend={name: scripted, default: no}", "--compat chexpert is for the rules"),
        ("label.region=elbow", "14 findings of CheXpert alone"),
    ],
)
def test_what_compat_cannot_do_is_refused_in_one_message(settings: str, message: str, tmp_path: Path) -> None:
    result = label(tmp_path, ["No edema."], "--compat", "chexpert", "--set", settings)
    assert result.exit_code == 2
    assert message in result.output
    assert len(result.stderr.strip().splitlines()) == 1


def test_an_impression_alone_can_be_read(tmp_path: Path) -> None:
    text = "FINDINGS: Small effusion.\nIMPRESSION: No edema."
    assert label(tmp_path, [text], "--compat", "chexpert", "--set", "label.sections=impression").exit_code == 0
    assert {name: code for name, code in codes(tmp_path)[0].items() if code} == {
        "report_id": "0",
        "edema": "0",
        "no_finding": "1",
    }


@pytest.mark.parametrize(
    ("options", "state"),
    [
        ([], "positive"),
        (["--compat", "chexpert"], "uncertain"),
        (["--set", "label.backend={name: rules, compat: chexpert}"], "uncertain"),
        (["--compat", "chexpert", "--set", "label.backend={name: scripted, default: x}"], "uncertain"),
    ],
)
def test_a_report_is_explained_in_either_way(options: list[str], state: str, tmp_path: Path) -> None:
    label(tmp_path, ["No edema. Possible edema. Edema."], "--set", "label.limit=1")
    command = ["explain", str(tmp_path / "recipe.yaml"), "--report", "0", "--json", *options]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["findings"]["edema"]["state"] == state


def test_the_outline_of_a_report_has_its_characters_and_leaves_nothing_out() -> None:
    text = "INDICATION: Fever.\n\nFINDINGS: No   effusion/pneumothorax,   but\n a nodule."
    explanation = labeler("chexpert").explain(Report("r", {"report": text}))
    assert explanation is not None
    assert explanation.outline.stretches == {"report": (Stretch(0, 0, len(text), "body"),)}
    reaches = [
        (one.text[scope.use.start : scope.use.end], scope.end and one.text[scope.end.start : scope.end.end])
        for one, scopes in zip(explanation.sentences, explanation.outline.scopes, strict=True)
        for scope in scopes
    ]
    assert reaches == [("No", "but")]
