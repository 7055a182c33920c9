"""Kinds of doubt: what the rules hear in a hedge, and what a region may let it count as."""

from __future__ import annotations

import pytest

from radprompter.records import Report
from radprompter.region import load_region
from radprompter.rules.labeler import RuleLabeler

KINDS = """
en | Effusion on the left is likely. | probable
en | Probable small left effusion. | probable
en | The opacity most likely represents an effusion. | probable
en | Findings most consistent with an effusion. | probable
en | Effusion or pneumothorax on the left. | alternative
en | Effusion versus pneumothorax on the left. | alternative
en | There may be a small effusion. | possible
en | Effusion cannot be excluded. | possible
en | Possible effusion. | possible
en | The haze could reflect an effusion. | possible
en | The appearance suggests an effusion. | possible
en | This could be an effusion versus a pneumothorax. | possible
en | The differential includes scar, effusion and collapse. | possible
en | The haze is compatible with effusion in the appropriate clinical setting. | possible
en | Findings most suggestive of effusion. | probable
en | Effusion less likely. | possible
en | Blunting of the left costophrenic angle. | borderline
en | Probable blunting of the left costophrenic angle. | borderline
de | Wahrscheinlich kleiner Erguss links. | probable
de | Am ehesten Erguss links. | probable
de | Möglicherweise Erguss links. | possible
de | Ein Erguss ist nicht auszuschließen. | possible
de | Erguss oder Pneumothorax links. | alternative
"""

NIH = """
en | Moderate cardiomegaly. | cardiomegaly+
en | The cardiac silhouette is mildly enlarged. | cardiomegaly+
en | Borderline heart size. | cardiomegaly+
en | Borderline cardiomegaly. | cardiomegaly+
en | The heart is borderline in size. | cardiomegaly+
en | Heart size is at the upper limits of normal. | cardiomegaly.
en | The heart is top normal in size. | cardiomegaly.
en | Heart size is normal. | cardiomegaly-
en | Basilar scar or atelectasis. | atelectasis+
en | Probable atelectasis at the bases. | atelectasis+
en | The opacity may represent atelectasis. | atelectasis.
en | Volume loss in the right upper lobe. | atelectasis.
en | Heart size within normal limits for age, opacity due to atelectasis. | cardiomegaly- atelectasis+
en | No atelectasis. | atelectasis-
en | Partial collapse of the T12 vertebra. | atelectasis.
en | Small bilateral pleural effusions. | effusion+
en | Blunting of the left costophrenic angle. | effusion.
en | Small pericardial effusion. | effusion.
en | Clear lungs without interval consolidation or effusion. | consolidation- effusion-
en | Clear pleural spaces. | effusion-
en | Left hydropneumothorax. | effusion+ pneumothorax+
en | Right lower lobe infiltrate. | infiltration+ pneumonia. consolidation.
en | Patchy opacity in the right lower lobe. | infiltration. pneumonia. consolidation.
en | Airspace disease which could represent pneumonia. | pneumonia.
en | Please correlate clinically for pneumonia. | pneumonia.
en | Scars of previous tuberculous pneumonia. | pneumonia.
en | Lobar pneumonia on the right. | pneumonia+
en | No evidence of pneumonia or consolidation. | pneumonia- consolidation-
en | Pulmonary vascular congestion. | edema.
en | Congestive heart failure. | edema.
en | Mild interstitial pulmonary edema. | edema+
en | Soft tissue edema of the chest wall. | edema.
en | Emphysematous changes in both upper lobes. | emphysema+
en | Subcutaneous emphysema of the neck. | emphysema.
en | Hyperexpanded lungs with flattened diaphragms. | emphysema.
en | 8 mm nodule in the left upper lobe. | nodule+ mass.
en | Calcified granuloma in the left upper lobe. | nodule. mass.
en | No suspicious pulmonary nodules or masses. | nodule- mass-
en | A 4 cm right upper lobe mass. | mass+ nodule.
en | Mediastinal mass. | mass.
en | Biapical pleural thickening. | pleural_thickening+
en | Peribronchial thickening. | pleural_thickening.
en | Moderate hiatal hernia. | hernia+
en | Chronic interstitial fibrosis. | fibrosis+
en | Scarring in the right apex. | fibrosis.
en | Clear lungs. Normal heart size. | no_finding+
en | Pacemaker. Degenerative spine. Low lung volumes. No effusion. | no_finding+
en | Right apical scar. | no_finding.
en | Calcified granuloma. No effusion. | no_finding.
en | Old healed rib fracture. | no_finding.
en | Pulmonary vascular congestion. | no_finding.
en | Hazy opacity at the left base. | no_finding.
de | Verschattung links basal. | no_finding.
de | Der Randwinkel ist links verschattet. | no_finding.
de | Kein Erguss, keine Verschattung. | no_finding+
de | Herz grenzwertig vergrößert. | cardiomegaly+
de | Herzgröße an der oberen Norm. | cardiomegaly.
de | Das Herz ist normal groß. | cardiomegaly-
de | Narbe oder Atelektase links basal. | atelectasis+
de | Fragliche Atelektase links basal. | atelectasis.
de | Kleiner Pleuraerguss rechts. | effusion+
de | Abgestumpfter Randwinkel rechts. | effusion.
de | Pulmonalvenöse Stauung. | edema.
de | Interstitielles Lungenödem. | edema+
de | Hautemphysem links. | emphysema.
de | Lungenemphysem. | emphysema+
de | Kein Infiltrat, kein Erguss. | infiltration- effusion-
de | Verdacht auf Pneumonie. | pneumonia.
de | Rundherd im rechten Oberlappen. | nodule+ mass.
de | Verkalktes Granulom. | nodule.
de | Hiatushernie. | hernia+
"""


def rows(table: str) -> list[tuple[str, ...]]:
    return [tuple(line.split(" | ")) for line in table.strip().splitlines()]


SIGNS = {"+": "positive", "-": "negative", ".": "not_mentioned"}


@pytest.fixture(scope="module")
def chest() -> RuleLabeler:
    return RuleLabeler(load_region("chest"))


@pytest.fixture(scope="module")
def nih() -> RuleLabeler:
    return RuleLabeler(load_region("chest_nih14"))


@pytest.mark.parametrize(("language", "text", "kind"), rows(KINDS))
def test_a_doubt_has_a_kind(language: str, text: str, kind: str, chest: RuleLabeler) -> None:
    decisions = chest.label(Report("a", {"report": text}, language)) or {}
    claim = decisions["pleural_effusion"].claim
    assert claim
    assert claim.hedge == kind
    assert decisions["pleural_effusion"].state == "uncertain"


@pytest.mark.parametrize(("language", "text", "expected"), rows(NIH))
def test_labels_follow_the_conventions_of_nih(language: str, text: str, expected: str, nih: RuleLabeler) -> None:
    decisions = nih.label(Report("a", {"report": text}, language)) or {}
    wanted = {one[:-1]: SIGNS[one[-1]] for one in expected.split()}
    assert {name: str(decisions[name].state) for name in wanted} == wanted


def test_the_rule_says_that_a_doubt_was_counted(nih: RuleLabeler) -> None:
    decision = (nih.label(Report("a", {"report": "Probable left pleural effusion."})) or {})["effusion"]
    assert decision.rule == "probable_is_positive/mention:pleural effusion*/uncertain:Probable"
    assert decision.evidence == "Probable left pleural effusion."


def test_a_doubt_that_does_not_count_outweighs_a_denial_and_forbids_no_finding(nih: RuleLabeler) -> None:
    decisions = nih.label(Report("a", {"report": "No focal pneumonia. A small pneumonia cannot be excluded."})) or {}
    assert decisions["pneumonia"].state == "not_mentioned"
    assert decisions["pneumonia"].rule.startswith("possible_is_not_mentioned/mention:pneumonia*")
    assert decisions["no_finding"].state == "not_mentioned"
