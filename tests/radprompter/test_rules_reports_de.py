"""Whole German chest reports, each with all that it says: + present, - denied, ? uncertain; all else is unmentioned."""

from __future__ import annotations

import functools

import pytest

from radprompter.records import Report
from radprompter.region import load_region
from radprompter.rules.labeler import RuleLabeler

SIGN = {"positive": "+", "negative": "-", "uncertain": "?"}

REPORTS = {
    "normal": (
        """Klinische Angaben: Husten, Fieber. Pneumonie?
Befund: Aufnahme im Stehen in zwei Ebenen. Zwerchfelle glatt begrenzt, Randwinkel beidseits frei. Herz normal
groß und regelrecht konfiguriert. Oberes Mediastinum schlank. Lungen seitengleich belüftet, keine umschriebenen
Infiltrate. Keine Stauung. Kein Pneumothorax. Knöcherner Thorax unauffällig.
Beurteilung: Kein Nachweis einer Pneumonie. Altersentsprechender Normalbefund.""",
        "no_finding+ pleural_effusion- cardiomegaly- enlarged_cardiomediastinum- lung_opacity- edema- pneumothorax- "
        "pneumonia-",
    ),
    "decompensation": (
        """Befund:
Im Vergleich zur Voraufnahme vom 12.03.2021 zunehmende Linksverbreiterung des Herzens. Gefäßzeichnung nach
kranial umverteilt, Kerley-B-Linien basal. Pleuraergüsse beidseits, rechts mehr als links, mit begleitenden
Dystelektasen. Kein Pneumothorax. ZVK von rechts jugulär, Spitze in der V. cava superior.
Beurteilung:
Kardiale Dekompensation mit interstitiellem Ödem und Ergüssen. Ein Infiltrat rechts basal ist nicht
auszuschließen.""",
        "cardiomegaly+ edema+ pleural_effusion+ atelectasis+ pneumothorax- support_devices+ lung_opacity?",
    ),
    "lobar pneumonia": (
        """Flächige Verschattung im rechten Unterlappen mit positivem Bronchopneumogramm, vereinbar mit einer
Pneumonie. Geringer Begleiterguss rechts. Herz nicht vergrößert. Mediastinum mittelständig, nicht verbreitert.
Keine Stauungszeichen. Kein Pneu.
Empfehlung: Verlaufskontrolle nach Therapie zum Ausschluss eines Tumors.""",
        "lung_opacity+ pneumonia+ pleural_effusion+ cardiomegaly- enlarged_cardiomediastinum- edema- pneumothorax-",
    ),
    "drain out": (
        """Z. n. Entfernung der Thoraxdrainage links. Kein Pneumothorax. Der Pleuraerguss links ist rückläufig,
aktuell noch schmaler Randwinkelerguss. Streifige Dystelektasen links basal. Rechte Lunge frei.
Rippenserienfraktur links IV bis VII in unveränderter Stellung.""",
        "support_devices- pneumothorax- pleural_effusion+ atelectasis+ lung_opacity- fracture+",
    ),
    "intensive care": (
        """Thorax im Liegen a. p.: Trachealtubus ca. 3 cm oberhalb der Carina. Magensonde einliegend.
Shaldon-Katheter links jugulär. Kein Pneumothorax, soweit im Liegen beurteilbar. Fleckige Verschattungen in
beiden Unterfeldern, DD Infiltrate, DD Belüftungsstörungen. Herz im Liegen grenzwertig groß. Kleine Ergüsse
nicht auszuschließen.""",
        "support_devices+ pneumothorax- lung_opacity+ atelectasis? cardiomegaly? pleural_effusion?",
    ),
    "nodule": (
        """BEFUND: 14 mm messender Rundherd im rechten Oberlappen, in der Voraufnahme nicht abgrenzbar. Sonst
keine weiteren Rundherde. Hili schlank. Herz o. B. Randwinkel frei.
BEURTEILUNG: Malignomverdächtiger Rundherd im rechten Oberlappen. CT empfohlen. Kein Infiltrat, kein Erguss.""",
        "lung_lesion+ cardiomegaly- pleural_effusion- lung_opacity-",
    ),
    "trauma": (
        """Fragestellung: Pneumothorax? Rippenfraktur?
Befund: Nicht dislozierte Fraktur der 7. Rippe links lateral. Weitere Frakturen sind nicht abgrenzbar. Weder
Pneumothorax noch Pleuraerguss. Klavikula beidseits intakt. Herz und Mediastinum unauffällig.""",
        "fracture+ pneumothorax- pleural_effusion- cardiomegaly- enlarged_cardiomediastinum-",
    ),
    "old changes": (
        """Narbige Veränderungen in beiden Lungenspitzen mit Pleurakuppenschwielen bei Z. n. Tuberkulose.
Verkalktes Granulom im linken Oberlappen. Kein Hinweis auf frische Infiltrate. Herzgröße im Normbereich. Aorta
elongiert und sklerosiert. Sinterung von BWK 9, unverändert zur Voruntersuchung.""",
        "lung_opacity+ pleural_other+ lung_lesion+ cardiomegaly- fracture+",
    ),
    "resolved": (
        """Im Verlauf vollständige Rückbildung des Pleuraergusses links. Das vorbeschriebene Infiltrat im linken
Unterlappen ist nicht mehr nachweisbar. Die Stauungszeichen haben sich zurückgebildet. Herz weiterhin
linksverbreitert. Schrittmacher links pektoral mit regelrechter Lage der Sonden.""",
        "pleural_effusion- lung_opacity- edema- cardiomegaly+ support_devices+",
    ),
    "no findings in telegram style": (
        """Herz normgroß. Keine Stauung, kein Erguss, keine Infiltrate, kein Pneumothorax. Zwerchfell glatt.
Skelett o. B.""",
        "no_finding+ cardiomegaly- edema- pleural_effusion- lung_opacity- pneumothorax-",
    ),
    "all in doubt": (
        """Liegendaufnahme mit eingeschränkter Beurteilbarkeit. Fragliche Transparenzminderung links basal, a.
e. Dystelektase. V. a. geringen Pleuraerguss links. Ein ventraler Pneumothorax kann nicht sicher ausgeschlossen
werden. Leichte pulmonalvenöse Stauung. Oberes Mediastinum projektionsbedingt fraglich verbreitert.""",
        "lung_opacity? atelectasis? pleural_effusion? pneumothorax? edema? enlarged_cardiomediastinum?",
    ),
    "swiss spelling": (
        """Herz normal gross. Kein Erguss. Eine beginnende Pneumonie im Mittellappen laesst sich nicht
ausschliessen. Keine Stauungszeichen. Pneumothorax ausgeschlossen.""",
        "cardiomegaly- pleural_effusion- pneumonia? edema- pneumothorax-",
    ),
    "addendum": (
        """Befund: Kein Pneumothorax. Kein Erguss.
Nachtrag vom 04.05.2022: Schmaler Pneumothorax links apikal. Keine Fraktur.""",
        "pneumothorax+ pleural_effusion- fracture-",
    ),
    "compounds": (
        """Lunge stauungsfrei. Keine Pleura- oder Perikardergüsse. Infiltratverdächtige Verdichtung
retrokardial. Keine Stauungs- oder Tumorzeichen. Frakturverdächtige Stufe der 8. Rippe rechts.""",
        "edema- pleural_effusion- lung_opacity+ lung_lesion- fracture?",
    ),
    "history and conditions": (
        """Z. n. Pneumonie vor drei Wochen. Aktuell keine Infiltrate. Falls klinisch weiterhin Verdacht auf eine
Tuberkulose besteht, CT empfohlen. Bei klinischem V. a. Rippenfraktur Zielaufnahmen. Mutter mit
Bronchialkarzinom. Zur Abklärung einer Metastasierung wird eine CT angeraten.""",
        "no_finding+ lung_opacity-",
    ),
}


@functools.cache
def labeler() -> RuleLabeler:
    return RuleLabeler(load_region("chest"))


@pytest.mark.parametrize("name", REPORTS)
def test_a_german_report_says_just_this(name: str) -> None:
    text, expected = REPORTS[name]
    decisions = labeler().label(Report(name, {"report": text}, "de"))
    assert decisions is not None
    states = {finding: str(decision.state) for finding, decision in decisions.items()}
    assert {finding + SIGN[state] for finding, state in states.items() if state in SIGN} == set(expected.split())
