"""Whole reports of elbow, thumb and clavicle: every label of each, by the definitions of its region."""

from __future__ import annotations

import pytest
from rules_said import decide

STATES = {"+": "positive", "-": "negative", "?": "uncertain"}

GERMAN = [
    (
        "elbow",
        """Röntgen Ellenbogen links in 2 Ebenen vom 12.03.2021

Klinische Angaben: Sturz auf den Arm. Fraktur? Luxation?

Befund: Zarte Frakturlinie im Radiusköpfchen mit Ausläufer bis in die Gelenkfläche, keine Stufenbildung und keine
relevante Dislokation. Segelförmig abgehobenes ventrales Fettpolster, auch das dorsale Fettpolster ist sichtbar.
Olekranon und Processus coronoideus intakt. Regelrechte Artikulation. Geringe Weichteilschwellung radialseitig.

Beurteilung: Nicht dislozierte Radiusköpfchenfraktur (Mason I) mit Gelenkerguss. Keine Luxation.""",
        "fracture+ radial_head_fracture+ articular_step- displacement- effusion+ olecranon_fracture- "
        "coronoid_fracture- dislocation- soft_tissue_swelling+",
    ),
    (
        "elbow",
        """Fragestellung: Ausschluss Fraktur.
Befund und Beurteilung:
Kein Nachweis einer Fraktur. Positives dorsales Fettpolsterzeichen, eine okkulte Radiuskopffraktur ist daher nicht
sicher auszuschließen. Verlaufskontrolle in 10 Tagen empfohlen. Gelenkstellung regelrecht. Kein freier Gelenkkörper.
Altersentsprechender Kalksalzgehalt.""",
        "fracture? radial_head_fracture? effusion+ dislocation- loose_body- osteopenia-",
    ),
    (
        "elbow",
        """Voraufnahmen vom 04.05.2020 zum Vergleich.
Z. n. Zuggurtungsosteosynthese einer Olekranonfraktur. Unveränderte Lage des Osteosynthesematerials, kein Hinweis auf
Lockerung oder Materialbruch. Zunehmende Konsolidierung mit überbrückendem Kallus, keine sekundäre Dislokation.
Kein Gelenkerguss. Weichteile unauffällig.""",
        "fracture+ olecranon_fracture+ callus+ displacement- hardware+ hardware_failure- effusion- "
        "soft_tissue_swelling-",
    ),
    (
        "elbow",
        """BEFUND:
- Ausgeprägte Cubitalarthrose mit Verschmälerung des Gelenkspalts und osteophytären Anbauten am Koronoid
- Mehrere freie Gelenkkörper im ventralen Recessus
- Olekranonsporn
- Keine frische Fraktur, keine Luxation
- Kein Gelenkerguss""",
        "osteoarthritis+ loose_body+ olecranon_spur+ fracture- dislocation- effusion-",
    ),
    (
        "elbow",
        """Kind, 6 Jahre, Sturz vom Klettergerüst.
Dislozierte suprakondyläre Humerusfraktur mit dorsaler Abkippung. Deutlicher Gelenkerguss und Weichteilschwellung.
Das Radiusköpfchen artikuliert regelrecht mit dem Capitulum humeri.
Nachtrag: Zusätzlich fraglicher knöcherner Abriss am Epicondylus ulnaris.""",
        "fracture+ supracondylar_fracture+ displacement+ effusion+ soft_tissue_swelling+ dislocation- avulsion? "
        "epicondylar_fracture?",
    ),
    (
        "thumb",
        """Daumen rechts in 2 Ebenen
Indikation: Skisturz, V. a. Skidaumen
Befund: Knöcherner Ausriss des ulnaren Seitenbandes an der Basis der Grundphalanx, das Fragment um 2 mm disloziert.
Keine Subluxation im Grundgelenk. Deutliche Weichteilschwellung ulnarseitig. Rhizarthrose.
Kein röntgendichter Fremdkörper.""",
        "fracture+ avulsion+ proximal_phalanx_fracture+ displacement+ subluxation- soft_tissue_swelling+ "
        "cmc_osteoarthritis+ foreign_body-",
    ),
    (
        "thumb",
        """Bennett-Luxationsfraktur der Basis des Os metacarpale I, nach proximal disloziert, mit Subluxation im
Daumensattelgelenk. Endphalanx und Grundphalanx intakt. Skaphoid ohne Frakturnachweis. Keine Erosionen.""",
        "fracture+ metacarpal_fracture+ bennett_fracture+ intraarticular_extension+ displacement+ subluxation+ "
        "distal_phalanx_fracture- proximal_phalanx_fracture- scaphoid_fracture- erosion-",
    ),
    (
        "thumb",
        """Klinik: Quetschung mit Hammer. Befund: Nagelkranztrümmerfraktur ohne wesentliche Dislokation. Das Endgelenk
ist nicht betroffen, keine Gelenkbeteiligung. Weichteilschwellung der Daumenkuppe. Z. n. Metallentfernung am
Metakarpale I, hier keine Pseudarthrose. Kein Hinweis auf Osteolyse.""",
        "fracture+ distal_phalanx_fracture+ comminution+ displacement- intraarticular_extension- "
        "soft_tissue_swelling+ hardware- nonunion- lytic_lesion-",
    ),
    (
        "clavicle",
        """Klavikula links:
Mehrfragmentfraktur im mittleren Drittel der Klavikula. Das mediale Fragment ist um Schaftbreite nach kranial
disloziert, Verkürzung um 18 mm. AC-Gelenk regelrecht. Keine Rippenfraktur. Kein Pneumothorax.""",
        "fracture+ fracture_middle_third+ comminution+ displacement+ shortening+ ac_joint_dislocation- rib_fracture-",
    ),
    (
        "clavicle",
        """Verlaufskontrolle 6 Wochen nach Plattenosteosynthese bei Klavikulaschaftfraktur.
Einliegende Platte in unveränderter Lage, kein Schraubenbruch und keine Lockerungszeichen. Noch kein überbrückender
Kallus, Frakturspalt noch einsehbar. Stellung der Fragmente unverändert regelrecht.
Geringe AC-Gelenkarthrose.""",
        "fracture+ fracture_middle_third+ hardware+ hardware_failure- callus- displacement- ac_joint_osteoarthritis+",
    ),
    (
        "clavicle",
        """Fraktur der Klavikula nicht nachweisbar. Erweiterter AC-Gelenkspalt und Hochstand der lateralen Klavikula,
vereinbar mit AC-Gelenksprengung Rockwood III. Sternoklavikulargelenk kongruent. Weichteilschwellung über der Schulter.
Verkalkung in Projektion auf die Supraspinatussehne, am ehesten Tendinosis calcarea.""",
        "fracture- ac_joint_dislocation+ sc_joint_dislocation- soft_tissue_swelling+ soft_tissue_calcification+",
    ),
]

ENGLISH = [
    (
        "elbow",
        """EXAM: Left elbow, two views.
HISTORY: Fall, rule out fracture or dislocation.
FINDINGS: There is a nondisplaced fracture of the radial head without articular step-off. The anterior fat pad is
elevated, in keeping with a joint effusion. The olecranon and coronoid process are intact. Alignment is normal.
Mild soft tissue swelling laterally.
IMPRESSION: Nondisplaced radial head fracture with effusion.""",
        "fracture+ radial_head_fracture+ displacement- articular_step- effusion+ olecranon_fracture- "
        "coronoid_fracture- dislocation- soft_tissue_swelling+",
    ),
    (
        "elbow",
        """No definite fracture line is seen. Positive posterior fat pad sign; an occult radial head fracture cannot be
excluded. No dislocation. Bone mineralization is normal. No loose bodies.""",
        "fracture? radial_head_fracture? effusion+ dislocation- osteopenia- loose_body-",
    ),
    (
        "elbow",
        """COMPARISON: 04/05/2020.
Status post tension band fixation of an olecranon fracture. Hardware is intact without evidence of loosening.
Bridging callus has increased. No joint effusion. The soft tissues are unremarkable.""",
        "fracture+ olecranon_fracture+ hardware+ hardware_failure- callus+ effusion- soft_tissue_swelling-",
    ),
    (
        "elbow",
        """1. Advanced osteoarthritis with osteophytes and joint space narrowing.
2. Several loose bodies in the anterior recess.
3. Olecranon spur.
4. No acute fracture or dislocation.""",
        "osteoarthritis+ loose_body+ olecranon_spur+ fracture- dislocation-",
    ),
    (
        "elbow",
        """Displaced supracondylar fracture of the humerus with posterior angulation. Large effusion and soft tissue
swelling. No dislocation of the elbow. Possible avulsion of the medial epicondyle.""",
        "fracture+ supracondylar_fracture+ displacement+ effusion+ soft_tissue_swelling+ dislocation- avulsion? "
        "epicondylar_fracture?",
    ),
    (
        "thumb",
        """Right thumb, three views. Avulsion fracture at the ulnar base of the proximal phalanx, displaced by 2 mm. No
subluxation of the MCP joint. Soft tissue swelling. Basal joint osteoarthritis. No radiopaque foreign body.""",
        "fracture+ avulsion+ proximal_phalanx_fracture+ displacement+ subluxation- soft_tissue_swelling+ "
        "cmc_osteoarthritis+ foreign_body-",
    ),
    (
        "thumb",
        """Bennett fracture of the base of the first metacarpal with subluxation of the carpometacarpal joint. The
phalanges are intact. No scaphoid fracture. No erosions.""",
        "fracture+ metacarpal_fracture+ bennett_fracture+ intraarticular_extension+ subluxation+ scaphoid_fracture- "
        "erosion-",
    ),
    (
        "thumb",
        """INDICATION: Crush injury. FINDINGS: Comminuted fracture of the tuft of the distal phalanx without significant
displacement. No intra-articular extension. The K-wires have been removed. No nonunion. No lytic lesion.""",
        "fracture+ distal_phalanx_fracture+ comminution+ displacement- intraarticular_extension- hardware- nonunion- "
        "lytic_lesion-",
    ),
    (
        "clavicle",
        """Comminuted fracture of the middle third of the left clavicle with superior displacement of the medial
fragment by one shaft width and 18 mm of shortening. The AC joint is intact. No rib fracture. No pneumothorax.""",
        "fracture+ fracture_middle_third+ comminution+ displacement+ shortening+ ac_joint_dislocation- rib_fracture-",
    ),
    (
        "clavicle",
        """Six weeks after plate fixation of a midshaft clavicle fracture. Hardware is unchanged, no screw loosening. No
bridging callus yet. Mild acromioclavicular osteoarthritis. Soft tissues are unremarkable.""",
        "fracture+ fracture_middle_third+ hardware+ hardware_failure- callus- ac_joint_osteoarthritis+ "
        "soft_tissue_swelling-",
    ),
    (
        "clavicle",
        """No fracture of the clavicle. Widened AC joint with elevation of the lateral clavicle, consistent with
acromioclavicular separation, Rockwood III. The sternoclavicular joint is congruent. Soft tissue swelling over the
shoulder.""",
        "fracture- ac_joint_dislocation+ sc_joint_dislocation- soft_tissue_swelling+",
    ),
]


def labels(region: str, language: str, text: str) -> dict[str, str]:
    decisions = decide(region, language, text)
    return {name: str(decision.state) for name, decision in decisions.items() if decision.state != "not_mentioned"}


@pytest.mark.parametrize(
    ("language", "region", "text", "expected"),
    [(language, *row) for language, rows in (("de", GERMAN), ("en", ENGLISH)) for row in rows],
)
def test_a_limb_report_gets_every_label_and_no_other(language: str, region: str, text: str, expected: str) -> None:
    assert labels(region, language, text) == {word[:-1]: STATES[word[-1]] for word in expected.split()}
