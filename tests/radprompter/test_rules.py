"""What the rule labeler makes of sentences as radiologists write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from rules_said import decide, labeler, said

from radprompter.errors import TemplateError
from radprompter.labels import LabelState
from radprompter.records import Report
from radprompter.region import load_region
from radprompter.rules.labeler import RuleLabeler

# region | sentence | what it says: + positive, - negative, ? uncertain; every other finding is not mentioned
ENGLISH = """
chest | Clear. Mild edema; no effusion. | edema+ pleural_effusion-
chest | No effusion, pneumothorax or consolidation but edema. | pleural_effusion- pneumothorax- consolidation- edema+
chest | Heart size is normal. | cardiomegaly-
chest | Heart size and mediastinal contours are within normal limits. | cardiomegaly- enlarged_cardiomediastinum-
chest | The cardiomediastinal silhouette is unremarkable. | cardiomegaly- enlarged_cardiomediastinum-
chest | The heart is mildly enlarged. | cardiomegaly+
chest | The heart is not enlarged. | cardiomegaly-
chest | Heart size at the upper limits of normal. | cardiomegaly?
chest | Widened mediastinum. | enlarged_cardiomediastinum+
chest | The lungs are clear. | lung_opacity-
chest | The lungs are hypoinflated but clear. | lung_opacity-
chest | Streaky opacities in the left base. | lung_opacity+
chest | No focal infiltrate. | lung_opacity-
chest | Bibasilar opacities likely reflect atelectasis. | lung_opacity+ atelectasis?
chest | Retrocardiac opacity could be atelectasis or consolidation. | lung_opacity+ atelectasis? consolidation?
chest | Absence of the previously seen pneumothorax. | pneumothorax-
chest | No fever, history of pneumonia. | -
chest | Interval resolution of the right effusion with a persistent small left effusion. | pleural_effusion+
chest | Prominent interstitial markings may reflect edema versus atypical infection. | lung_opacity+ edema? pneumonia?
chest | The previously seen right pneumothorax is not well appreciated. | pneumothorax-
chest | Basilar opacity, may be atelectasis. | lung_opacity+ atelectasis?
chest | Calcified granuloma in the right upper lobe. | lung_lesion+
chest | No suspicious pulmonary nodules or masses. | lung_lesion-
chest | Nodular opacity in the right midlung. | lung_lesion+ lung_opacity+
chest | Mild vascular congestion. | edema?
chest | Pulmonary edema has resolved. | edema-
chest | Findings are suspicious for pneumonia. | pneumonia?
chest | No opacity suspicious for pneumonia. | lung_opacity- pneumonia-
chest | No effusion, suspicious for pneumonia. | pleural_effusion- pneumonia?
chest | No focal opacity to suggest pneumonia. | lung_opacity- pneumonia-
chest | Pneumonia cannot be excluded. | pneumonia?
chest | Atelectasis versus infiltrate. | atelectasis? lung_opacity?
chest | Subsegmental atelectasis or pneumonia. | atelectasis? pneumonia?
chest | Small right apical pneumothorax. | pneumothorax+
chest | A pleural line is seen in keeping with pneumothorax. | pneumothorax+
chest | Previously noted effusion. | -
chest | Heart and mediastinum: The heart size is normal. | cardiomegaly-
chest | A pneumothorax is not seen. | pneumothorax-
chest | There is no pneumothorax, and there is a small left effusion. | pneumothorax- pleural_effusion+
chest | Interval resolution of the left effusion. | pleural_effusion-
chest | Blunting of the left costophrenic angle. | pleural_effusion?
chest | Biapical pleural thickening. | pleural_other+
chest | Old healed rib fractures. | fracture+
chest | No acute osseous abnormality. | -
chest | Wedge deformity of T12. No effusion. | fracture? pleural_effusion-
chest | Left subclavian catheter with its tip in the SVC. | support_devices+
chest | The chest tube has been removed. | support_devices-
chest | History of pneumonia. | -
chest | Evaluate for pneumothorax. | -
chest | If pneumonia develops, repeat the radiograph. | -
chest | Family history of lung cancer. | -
chest | No change in the small left effusion. | pleural_effusion+
chest | INDICATION: pneumonia. FINDINGS: No consolidation. | consolidation-
chest | Comparison: Chest radiograph with effusion. Findings: No pneumothorax. | pneumothorax-
chest | Pneumothorax: none. | pneumothorax-
chest | A 2.5 cm nodule. 1. Cardiomegaly. 2. No edema. | lung_lesion+ cardiomegaly+ edema-
chest | No pneumothorax. Pneumothorax cannot be excluded. | pneumothorax?
chest | No effusion. Possible effusion. Small effusion. | pleural_effusion+
chest | No XXXX infiltrate. | lung_opacity-
chest | Cardiomegaly without edema. | cardiomegaly+ edema-
chest_ptx_ribfx | No pneumothorax. Fracture of the left fifth rib. | pneumothorax- rib_fracture+
chest_ptx_ribfx | The ribs are intact. | rib_fracture-
elbow | Fracture of the radial head. | fracture+ radial_head_fracture+
elbow | Nondisplaced fracture at the neck of the radius. | fracture+ radial_head_fracture+ displacement-
elbow | The olecranon is fractured. | fracture+ olecranon_fracture+
elbow | No fracture. | fracture-
elbow | No radial head fracture. | radial_head_fracture-
elbow | No displaced fracture. | displacement-
elbow | Fracture of the olecranon without displacement. | fracture+ olecranon_fracture+ displacement-
elbow | Neither fracture nor dislocation. | fracture- dislocation-
elbow | The elbow is not dislocated. | dislocation-
elbow | The fat pads are elevated. | effusion+
elbow | The fat pads are not elevated. | effusion-
elbow | The radial head is intact. | radial_head_fracture-
elbow | The hardware has been removed. | hardware-
elbow | Possible radial neck fracture. | fracture? radial_head_fracture?
elbow | Lucent line at the olecranon, possibly a fracture. | fracture? olecranon_fracture?
elbow | The soft tissues are swollen. | soft_tissue_swelling+
elbow | Normal bone mineralization. | osteopenia-
elbow | Fracture of the coronoid process, however no dislocation. | fracture+ coronoid_fracture+ dislocation-
clavicle | Midshaft clavicle fracture with shortening. | fracture+ fracture_middle_third+ shortening+
clavicle | Fracture of the lateral third of the clavicle. | fracture+ fracture_lateral_third+
clavicle | The AC joint is widened. | ac_joint_dislocation+
clavicle | No acute fracture or AC joint separation. | fracture- ac_joint_dislocation-
clavicle | Nonunion cannot be excluded. | fracture? nonunion?
clavicle | The third rib is fractured. | fracture+ rib_fracture+
thumb | Nondisplaced fracture at the base of the first metacarpal. | fracture+ metacarpal_fracture+ displacement-
thumb | Bennett fracture. | fracture+ metacarpal_fracture+ intraarticular_extension+ bennett_fracture+
thumb | No fracture or subluxation. | fracture- subluxation-
thumb | Degenerative changes of the first carpometacarpal joint. | cmc_osteoarthritis+
thumb | The scaphoid is intact. | scaphoid_fracture-
thumb | Radiopaque foreign body, no erosion. | foreign_body+ erosion-
"""

GERMAN = """
chest | Kein Nachweis eines Pneumothorax oder Pleuraergusses. | pneumothorax- pleural_effusion-
chest | Herz normal groß. | cardiomegaly-
chest | Das Herz ist nicht vergrößert. | cardiomegaly-
chest | Das Herz ist linksverbreitert. | cardiomegaly+
chest | Grenzwertig großes Herz. | cardiomegaly?
chest | Kardiomegalie ohne Stauungszeichen. | cardiomegaly+ edema-
chest | Das Mediastinum ist nicht verbreitert. | enlarged_cardiomediastinum-
chest | Keine pneumonischen Infiltrate. | pneumonia- lung_opacity-
chest | V. a. Pneumonie. | pneumonia?
chest | Röntgen-Thorax p.a. V. a. Pneumonie. | pneumonia?
elbow | Keine Fraktur des Capitulum humeri oder Avulsionsfraktur. | capitellar_fracture- avulsion-
chest | Pneumonie nicht auszuschließen. | pneumonia?
chest | Pneumonie nicht auszuschliessen. | pneumonia?
chest | Eine Pneumonie kann nicht sicher ausgeschlossen werden. | pneumonia?
chest | Fragliche Atelektase. | atelectasis?
chest | Atelektase rechts basal, kein Erguss. | atelectasis+ pleural_effusion-
chest | Kleiner Pleuraerguss links. | pleural_effusion+
chest | Pleuraergüsse beidseits. | pleural_effusion+
chest | Der Pleuraerguss ist nicht mehr nachweisbar. | pleural_effusion-
chest | Der Erguss hat sich vollständig zurückgebildet. | pleural_effusion-
chest | Randsinus frei. | pleural_effusion-
chest | Ein Pneumothorax liegt nicht vor. | pneumothorax-
chest | Ein Pneumothorax lässt sich nicht abgrenzen. | pneumothorax-
chest | Die Lungen sind frei. | lung_opacity-
chest | Verkalktes Granulom im Oberlappen. | lung_lesion+
chest | Kein Rundherd, jedoch flaue Verschattung links. | lung_lesion- lung_opacity+
chest | Z. n. Pneumonie. | -
chest | Zustand nach Rippenfraktur. | -
chest | Zum Ausschluss eines Pneumothorax. | -
chest | Klinische Angaben: Pneumonie? Befund: Kein Erguss. | pleural_effusion-
chest | Fragestellung: Pneumothorax? Beurteilung: Keine Konsolidierung. | consolidation-
chest | Herzschrittmacher mit regelrechter Sondenlage. | support_devices+
chest | Die Thoraxdrainage wurde entfernt. | support_devices-
chest | Pleuraschwarte rechts. | pleural_other+
chest | Keine Änderung des kleinen Ergusses. | pleural_effusion+
chest | Bei klinischem Verdacht auf Pneumonie Kontrolle. | -
chest_ptx_ribfx | Fraktur der 5. und 6. Rippe links. Kein Pneumothorax. | rib_fracture+ pneumothorax-
elbow | Kein Nachweis einer Fraktur oder Luxation. | fracture- dislocation-
elbow | Fraktur des Radiuskopfes. | fracture+ radial_head_fracture+
elbow | Nicht dislozierte Radiuskopffraktur. | fracture+ radial_head_fracture+ displacement-
elbow | Das Olekranon ist frakturiert. | fracture+ olecranon_fracture+
elbow | Keine Radiuskopffraktur. | radial_head_fracture-
elbow | Das Gelenk ist nicht luxiert. | dislocation-
elbow | Keine Fraktur, keine Luxation, jedoch Gelenkerguss. | fracture- dislocation- effusion+
elbow | Weder Fraktur noch Luxation. | fracture- dislocation-
elbow | Verdacht auf Olekranonfraktur. | fracture? olecranon_fracture?
elbow | Fraktur des Radiuskopfes ohne Dislokation. | fracture+ radial_head_fracture+ displacement-
elbow | Fettpolster nicht abgehoben. | effusion-
elbow | Ventrales und dorsales Fettpolster abgehoben. | effusion+
elbow | Z. n. Metallentfernung. | hardware-
elbow | Aufhellung am Radiuskopf, frakturverdächtig. | fracture? radial_head_fracture?
chest | Herzgröße im Normbereich. | cardiomegaly-
elbow | Pseudarthrose. | fracture+ nonunion+
elbow | Radiuskopfsubluxation. | radial_head_subluxation+
elbow | Die Weichteile sind geschwollen. | soft_tissue_swelling+
elbow | Regelrechter Kalksalzgehalt. | osteopenia-
elbow | Z. n. Plattenosteosynthese mit einliegender Platte. | hardware+
elbow | Das Osteosynthesematerial wurde entfernt. | hardware-
elbow | Keine Frakturlinie abgrenzbar, eine okkulte Fraktur ist jedoch nicht ausgeschlossen. | fracture?
elbow | Querfraktur des Olekranons. | fracture+ olecranon_fracture+
elbow | Gelenkerguss, Fraktur nicht nachweisbar. | effusion+ fracture-
elbow | Möglicherweise Gelenkerguss. | effusion?
elbow | Geringe, z. B. degenerative Osteophyten. Kein Erguss. | effusion- osteoarthritis+
clavicle | Fraktur im mittleren Drittel der Klavikula. | fracture+ fracture_middle_third+
clavicle | Laterale Klavikulafraktur. | fracture+ fracture_lateral_third+
clavicle | AC-Gelenk nicht erweitert. | ac_joint_dislocation-
clavicle | Keine Fraktur bzw. Luxation im AC-Gelenk. | fracture- ac_joint_dislocation-
clavicle | Kallusbildung. | fracture+ callus+
thumb | Bennett-Fraktur. | fracture+ metacarpal_fracture+ intraarticular_extension+ bennett_fracture+
thumb | Fraktur der Basis des Os metacarpale I. | fracture+ metacarpal_fracture+
thumb | Rhizarthrose. | cmc_osteoarthritis+
thumb | Keine Fraktur, keine Subluxation. | fracture- subluxation-
thumb | Endphalanxfraktur, nicht disloziert. | fracture+ distal_phalanx_fracture+ displacement-
"""


def rows(language: str, table: str) -> list[tuple[str, str, str, str]]:
    parts = [[part.strip() for part in line.split("|")] for line in table.strip().splitlines()]
    return [(language, region, text, "" if expected == "-" else expected) for region, text, expected in parts]


TABLE = [*rows("en", ENGLISH), *rows("de", GERMAN)]


@pytest.mark.parametrize(("language", "region", "text", "expected"), TABLE, ids=[row[2] for row in TABLE])
def test_a_sentence_says_just_this(language: str, region: str, text: str, expected: str) -> None:
    assert said(region, language, text) == set(expected.split())


@pytest.mark.parametrize(("language", "region", "text", "expected"), TABLE, ids=[row[2] for row in TABLE])
def test_neither_upper_case_nor_a_normal_sentence_changes_a_label(
    language: str, region: str, text: str, expected: str
) -> None:
    neutral = {"en": "Two views were obtained.", "de": "Aufnahmen in zwei Ebenen."}[language]
    assert said(region, language, text.upper()) == set(expected.split())
    assert said(region, language, f"{neutral} {text} {neutral}") == set(expected.split())
    assert said(region, language, f"{text}\n\n{neutral}") == set(expected.split())


@pytest.mark.parametrize(("language", "region", "text", "expected"), TABLE, ids=[row[2] for row in TABLE])
def test_evidence_is_a_slice_of_the_report_and_every_label_names_its_rule(
    language: str, region: str, text: str, expected: str
) -> None:
    report = "Frontal view.\n" + text + " And a closing remark without meaning. " * 20
    for name, decision in decide(region, language, report).items():
        assert decision.evidence in report
        labelled = decision.state is not LabelState.NOT_MENTIONED and name != "no_finding"
        assert bool(decision.evidence) == labelled
        assert not labelled or decision.rule


def test_two_sentences_say_what_one_enumeration_says() -> None:
    one = said("chest", "en", "No pneumothorax, effusion or consolidation.")
    assert one == said("chest", "en", "No pneumothorax. No effusion. No consolidation.")


def test_the_rule_names_phrase_and_modifier() -> None:
    decision = decide("elbow", "de", "Kein Nachweis einer Luxation.")["dislocation"]
    assert decision.rule == "mention:Luxation/negated:Kein Nachweis einer"
    assert decision.evidence == "Kein Nachweis einer Luxation."


@pytest.mark.parametrize(
    ("text", "positive"),
    [
        ("The lungs are clear. Heart size is normal. No pneumothorax.", True),
        ("The lungs are clear. Heart size is normal. Right chest port in place.", True),
        ("Low lung volumes. No acute disease.", True),
        ("The lungs are clear. Tortuous aorta.", False),
        ("Hyperinflated lungs consistent with emphysema.", False),
        ("Possible small effusion.", False),
        ("Calcified granuloma.", False),
    ],
)
def test_no_finding_means_that_nothing_but_devices_is_present_or_suspected(text: str, positive: bool) -> None:
    state = decide("chest", "en", text)["no_finding"].state
    assert state is (LabelState.POSITIVE if positive else LabelState.NOT_MENTIONED)


def test_only_findings_impression_and_undivided_reports_are_read() -> None:
    sections = {"indication": "Pneumonia.", "comparison": "Effusion.", "findings": "No edema.", "impression": ""}
    decisions = labeler("chest").label(Report("r", sections))
    assert decisions is not None
    assert decisions["pneumonia"].state is decisions["pleural_effusion"].state is LabelState.NOT_MENTIONED
    assert decisions["edema"].state is LabelState.NEGATIVE


@pytest.mark.parametrize("text", ["", " \n\t ", "___", "XXXX XXXX.", "...", "12.5"])
def test_a_report_without_words_has_no_labels(text: str) -> None:
    assert labeler("chest").label(Report("r", {"findings": text, "indication": "Cough."})) is None


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("FINDINGS: Small pneumothorax.\nADDENDUM: No pneumothorax.", "negative"),
        ("FINDINGS: No pneumothorax.\n\nADDENDUM 1: Small pneumothorax.", "positive"),
        ("FINDINGS: Small pneumothorax.\n*** ADDENDUM 03/04/2020 ***\nIMPRESSION: No pneumothorax.", "negative"),
        ("FINDINGS: Small pneumothorax.\nADDENDUM: No effusion.", "positive"),
        ("See the addendum. Small pneumothorax.", "positive"),
    ],
)
def test_what_an_addendum_says_of_a_finding_replaces_what_the_report_said(text: str, state: str) -> None:
    decision = decide("chest", "en", text)["pneumothorax"]
    assert decision.state == state
    assert decision.rule.startswith("addendum/") == ("ADDENDUM" in text and "effusion" not in text)


def test_a_region_says_beside_which_findings_there_may_still_be_none(tmp_path: Path) -> None:
    region = tmp_path / "strict" / "region.yaml"
    region.parent.mkdir()
    region.write_text("title: {en: Strict}\nschema: strict-14\nextends: chest\nno_finding_despite: []\n")
    strict = RuleLabeler(load_region(str(region.parent)))
    decisions = strict.label(Report("r", {"report": "The lungs are clear. Right chest port in place."}))
    assert decisions is not None
    assert decisions["no_finding"].state is LabelState.NOT_MENTIONED
    region.write_text(region.read_text().replace("[]", "[prot]"))
    with pytest.raises(TemplateError, match="no_finding_despite names findings that the region lacks: \\['prot'\\]"):
        load_region(str(region.parent))
