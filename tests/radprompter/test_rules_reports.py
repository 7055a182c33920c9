"""Whole reports as hospitals of several kinds write them: all that the rules say of each."""

from __future__ import annotations

import pytest

from radprompter.labels import LabelState
from radprompter.records import Report
from radprompter.region import load_region
from radprompter.rules.labeler import RuleLabeler

LABELER = RuleLabeler(load_region("chest"))
SIGN = {LabelState.POSITIVE: "+", LabelState.NEGATIVE: "-", LabelState.UNCERTAIN: "?"}

# === title, = what the report below says: + positive, - negative, ? uncertain; every other finding is not mentioned
REPORTS = """
=== intensive care, tubes and lines
= support_devices+ atelectasis+ pleural_effusion+ pneumothorax-
AP portable chest. ETT tip 3.5 cm above the carina. NG tube courses below the diaphragm. Right IJ line tip in
the SVC. Bibasilar atelectasis and small layering effusions, unchanged. No pneumothorax.

=== intensive care, what was removed
= support_devices- edema+ cardiomegaly+ pneumothorax-
FINDINGS: As compared to the previous radiograph, the patient has been extubated. The nasogastric tube has
been removed. Mild pulmonary edema is improved. Moderate cardiomegaly persists. No pneumothorax.

=== nothing but an impression
= no_finding+
IMPRESSION: No acute cardiopulmonary process.

=== emergency department, blanks for names and dates
= cardiomegaly- enlarged_cardiomediastinum- lung_opacity- pleural_effusion- pneumothorax- no_finding+
EXAMINATION: CHEST (PA AND LAT)

INDICATION: ___ year old woman with fever // pneumonia?

COMPARISON: ___.

FINDINGS: Heart size is normal. The mediastinal and hilar contours are normal. The pulmonary vasculature is
normal. Lungs are clear. No pleural effusion or pneumothorax is seen. There are no acute osseous
abnormalities.

IMPRESSION: No acute cardiopulmonary abnormality.

=== a hedged cause of a stated opacity
= support_devices+ lung_opacity+ atelectasis? pneumonia? pleural_effusion+ pneumothorax- cardiomegaly+
FINDINGS: Left-sided dual-lead pacer in standard position. Patchy retrocardiac opacity may reflect
atelectasis, but pneumonia is not excluded. Trace left effusion. No pneumothorax. Heart mildly enlarged.

=== a pneumothorax that is nearly gone
= support_devices+ pneumothorax+
Comparison is made to ___. There has been interval placement of a right pigtail catheter with near complete
resolution of the right pneumothorax; a tiny apical component remains. Subcutaneous emphysema in the right
chest wall.

=== British, normal
= cardiomegaly- lung_opacity- pleural_effusion- fracture- no_finding+
Erect PA chest radiograph. The heart is not enlarged. The lungs and pleural spaces are clear. No bony injury
seen.

=== British, heart failure, with clinical details
= cardiomegaly? pleural_effusion+ edema+
Clinical details: SOB, ?PE. Findings: The cardiothoracic ratio is at the upper limit of normal. There is upper
lobe blood diversion with small bilateral pleural effusions. Appearances are in keeping with cardiac failure.

=== a numbered impression
= pleural_effusion+ lung_opacity+ atelectasis? consolidation? cardiomegaly+ support_devices+
1. Interval increase in right pleural effusion, now moderate.
2. Right basilar opacity, atelectasis versus consolidation.
3. Stable cardiomegaly.
4. PICC tip in the mid SVC.

=== a form
= support_devices- lung_opacity- pleural_effusion- pneumothorax- cardiomegaly-
= enlarged_cardiomediastinum- no_finding+
LINES/TUBES: None.
LUNGS: Clear.
PLEURA: No effusion or pneumothorax.
HEART: Normal size.
MEDIASTINUM: Unremarkable.
BONES: No acute abnormality.

=== old disease
= pneumonia- lung_lesion+
No evidence of tuberculosis. Calcified granuloma in the right upper lobe. No cavitation.

=== after an operation
= support_devices+ edema+ pleural_effusion+ consolidation-
Status post median sternotomy and CABG. Sternal wires are intact and aligned. Aortic valve prosthesis. Mild
interstitial edema. Small bilateral effusions. No focal consolidation.

=== low volumes alone are no finding
= consolidation- pleural_effusion- no_finding+
Low lung volumes with crowding of the bronchovascular markings. No definite focal consolidation.
Cardiomediastinal silhouette is accentuated by technique. No effusion.

=== resolved and removed
= support_devices- pneumothorax- atelectasis- no_finding+
Chest tube has been removed. There is no residual pneumothorax. Left lower lobe atelectasis has cleared.

=== lines without full stops
= support_devices+ consolidation- pleural_effusion- pneumothorax- cardiomegaly-
= enlarged_cardiomediastinum- pneumonia- no_finding+
FINDINGS:
Single frontal view of the chest. Left PICC in unchanged position
Lungs are well expanded
No focal consolidation, pleural effusion or pneumothorax
Cardiomediastinal silhouette is within normal limits

IMPRESSION:
No pneumonia

=== borderline
= cardiomegaly? edema? pleural_effusion-
Heart size borderline. Mild vascular congestion without frank edema. No effusion.

=== masks in brackets
= pneumothorax+ pleural_effusion+ support_devices+
Comparison: [**2112-3-4**]. Findings: The patient is status post right upper lobectomy. There is a moderate
right hydropneumothorax. Right chest tube in place. [**Name (NI) **] notified Dr. [**Last Name (STitle) **] by
phone.

=== either of two
= support_devices+ lung_opacity+ edema? pleural_effusion+
ICU film. Lines and tubes in unchanged position. Bilateral perihilar haze, either pulmonary oedema or ARDS.
Moderate bilateral effusions.

=== nipple or nodule
= lung_lesion? lung_opacity?
Nodular density at the left base was not seen on the prior study and may represent a nipple shadow; repeat
with nipple markers.

=== a heading for each organ
= lung_lesion- lung_opacity- cardiomegaly- pleural_other- fracture+
Lungs: No masses, nodules or infiltrates. Heart: Not enlarged. Pleura: No thickening. Bones: Healed right
clavicle fracture.

=== with or without
= lung_opacity+ edema? pneumonia?
Interval worsening of bilateral infiltrates. Findings may be secondary to CHF with or without superimposed
pneumonia.

=== indication, findings, impression
= pleural_effusion- lung_opacity- cardiomegaly+ edema-
INDICATION: History of CHF, evaluate for effusion.
FINDINGS: No effusion. Lungs clear. Mild stable cardiomegaly.
IMPRESSION: No evidence of decompensated heart failure.

=== atelectasis or scar
= atelectasis? lung_opacity? pleural_effusion- cardiomegaly?
There is mild left base atelectasis/scarring. No large pleural effusion. Mild prominence of the cardiac
silhouette.

=== effusion or thickening
= pleural_effusion? pleural_other?
The right costophrenic angle is blunted, which may be due to a small effusion or pleural thickening.

=== telegraphic
= pneumothorax- pleural_effusion? cardiomegaly+ support_devices+
ED portable: No PTX. ? small L effusion. Cardiomegaly. ICD.

=== a bullet is no device
= lung_opacity- lung_lesion- pleural_effusion- edema- no_finding+
Findings: There is no evidence of acute disease. Specifically, no infiltrate, mass, effusion or edema.
Metallic foreign body (bullet fragment) in the left chest wall.

=== enumerated after a colon
= support_devices+ pneumothorax- cardiomegaly+ pleural_effusion+ atelectasis+
A right-sided PICC has been placed with the tip in the lower SVC. No pneumothorax. Otherwise no relevant
change: moderate cardiomegaly, bilateral effusions and areas of atelectasis at the lung bases.

=== trauma
= fracture+ pneumothorax- pleural_effusion-
Nondisplaced fractures of the right seventh through ninth ribs laterally. No underlying pneumothorax,
hemothorax, or pulmonary contusion.

=== conditional
= consolidation- no_finding+
If clinical concern for pneumonia persists, lateral view is suggested. No consolidation seen on this AP film.
Rotation limits evaluation of the mediastinum.

=== partly withdrawn
= pleural_effusion+ pneumothorax- support_devices+
The previously noted left pleural effusion has decreased, now trace. The pneumothorax seen previously is not
visible. Drain remains.
"""


def reports() -> list[tuple[str, str, str]]:
    found = []
    for block in REPORTS.split("=== ")[1:]:
        title, *lines = block.splitlines()
        labels = " ".join(line[2:] for line in lines if line.startswith("= "))
        text = "\n".join(line for line in lines if not line.startswith("= "))
        found.append((title, labels, text.strip()))
    return found


@pytest.mark.parametrize(("title", "labels", "text"), reports(), ids=[title for title, _, _ in reports()])
def test_a_whole_report_gets_just_these_labels(title: str, labels: str, text: str) -> None:
    decisions = LABELER.label(Report("r", {"report": text}))
    assert decisions is not None
    said = {name + SIGN[one.state] for name, one in decisions.items() if one.state in SIGN}
    assert said == set(labels.split())
