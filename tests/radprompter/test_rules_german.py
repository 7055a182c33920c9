"""What the rule labeler makes of German chest sentences: denials, doubts, the past and compounds in any word order."""

from __future__ import annotations

import functools

import pytest

from radprompter.records import Report
from radprompter.region import load_region
from radprompter.rules.labeler import RuleLabeler

SIGN = {"positive": "+", "negative": "-", "uncertain": "?"}

# sentence | what it says: + present, - denied, ? uncertain; every other finding is not mentioned
SENTENCES = """
Kein Anhalt für ein umschriebenes, flächiges pneumonisches Infiltrat. | lung_opacity- pneumonia-
Herz nicht verbreitert, keine pulmonalvenösen Stauungszeichen. | cardiomegaly- edema-
Herz nicht vergrößert, Infiltrat links basal. | cardiomegaly- lung_opacity+
Kein Pleuraerguss, kein Pneumothorax, keine Infiltrate. | pleural_effusion- pneumothorax- lung_opacity-
Infiltrate, Ergüsse oder ein Pneumothorax sind nicht nachweisbar. | lung_opacity- pleural_effusion- pneumothorax-
Pneumothorax und Pleuraerguss nicht nachweisbar. | pneumothorax- pleural_effusion-
Lungengefäßzeichnung regelrecht, kein Hinweis auf Stauung oder Infiltrat. | edema- lung_opacity-
Kein Hinweis auf pneumonische Infiltrate, jedoch Verdacht auf beginnende Stauung. | pneumonia- lung_opacity- edema?
Regelrechter Thoraxbefund ohne Nachweis einer frischen kardiopulmonalen Pathologie. | -
Basale Belüftungsstörungen, ein beginnendes Infiltrat rechts ist nicht sicher abgrenzbar. | atelectasis+ lung_opacity-
Verschattung links, am ehesten Kombination aus Erguss und Dystelektase. | lung_opacity+ pleural_effusion? atelectasis?
Bei Pleuraerguss rechts ein Infiltrat nicht auszuschließen. | pleural_effusion+ lung_opacity?
Infiltrat bei Pleuraerguss rechts nicht auszuschließen. | pleural_effusion+ lung_opacity?
Minderbelüftung rechts basal bei Zwerchfellhochstand. | atelectasis+
Rechtsseitiger Pleuraerguss, im Vergleich zur Voraufnahme größenprogredient. | pleural_effusion+
Der vorbekannte Pneumothorax rechts ist nicht mehr nachweisbar. | pneumothorax-
Kein Nachweis eines Pneumothorax nach Entfernung der Thoraxdrainage. | pneumothorax- support_devices-
Lage des ZVK regelrecht, kein Pneumothorax. | support_devices+ pneumothorax-
ZVK-Spitze in Projektion auf die V. cava superior, keine Komplikation. | support_devices+
Z. n. ZVK-Anlage rechts jugulär. Kein Pneumothorax. | pneumothorax-
Einliegender 2-Kammer-Schrittmacher, Sonden regelrecht. | support_devices+
Z. n. medianer Sternotomie, Sternalcerclagen intakt. | support_devices+
Z. n. Bypass-OP. | -
Kein Materialbruch der Sternalcerclagen. | support_devices+
Kein Anhalt für ossäre Metastasen. | -
Keine suspekten Herdbefunde. | lung_lesion-
Flau umschriebene Verdichtung rechts apikal, malignomverdächtig. | lung_opacity+ lung_lesion?
Vereinzelte Granulome, ansonsten unauffällige Lunge. | lung_lesion+ lung_opacity-
Rundherd links, DD Metastase, DD Granulom. | lung_lesion+
In erster Linie postentzündliche Narbe. | lung_opacity?
Ältere, konsolidierte Rippenfrakturen links. | fracture+
Keine frische Fraktur, alte Rippenfrakturen links. | fracture+
Knochen altersentsprechend ohne Nachweis einer Fraktur. | fracture-
Frakturen der Rippen 5 bis 8 links mit Hämatothorax. | fracture+ pleural_effusion+
Höhengeminderter BWK 12. | fracture+
Keine Höhenminderung der Wirbelkörper. | fracture-
Hinweise auf eine pulmonalvenöse Stauung. | edema?
Weder klinisch noch radiologisch Anhalt für Pneumonie. | pneumonia-
Pneumonie radiologisch nicht zu sichern. | pneumonia-
Ob zusätzlich ein Infiltrat vorliegt, ist nicht sicher zu beurteilen. | -
Kein Rundherd nachweisbar; Narben apikal beidseits. | lung_lesion- lung_opacity+
Zwerchfellkuppen glatt, Sinus frei. | pleural_effusion-
Sinus phrenicocostales frei entfaltet. | pleural_effusion-
Linker Recessus nicht einsehbar. | -
Randwinkel links nicht vollständig frei. | -
Kleiner Winkelerguss beidseits nicht auszuschließen. | pleural_effusion?
Pleuraergüsse bds., re. > li. | pleural_effusion+
Pneumothorax li. apikal, ca. 2 cm. | pneumothorax+
Vollständige Entfaltung der Lunge, kein Restpneumothorax. | pneumothorax-
Lungen beidseits vollständig entfaltet. | -
Keine Verlagerung des Mediastinums bei Pneumothorax rechts. | pneumothorax+
Hämatopneumothorax rechts mit einliegender Bülau-Drainage. | pneumothorax+ pleural_effusion+ support_devices+
Im Vergleich zum Vortag Rückgang der Stauung. | edema?
Kardiomegalie mit Zeichen der Stauung und beidseitigen Pleuraergüssen. | cardiomegaly+ edema? pleural_effusion+
Kompensierter Herz-Lungen-Befund. | edema-
Kein kardiopulmonal dekompensierter Befund. | edema-
Herz und Mediastinum altersentsprechend. | cardiomegaly- enlarged_cardiomediastinum-
Herz links betont. | -
Herz im Quermesser nicht verbreitert. | cardiomegaly-
Herzgröße nicht sicher beurteilbar. | -
Herz global vergrößert, Mediastinum schlank. | cardiomegaly+ enlarged_cardiomediastinum-
Oberes Mediastinum im Liegen nicht sicher beurteilbar. | -
Verbreitertes Mediastinum, DD Gefäßektasie. | enlarged_cardiomediastinum+
Keine Pneumonie, aber Zeichen der Herzinsuffizienz. | pneumonia- edema+
Pneumoniezeichen sind nicht erkennbar. | pneumonia-
Kein Infiltrat, kein Erguss; Pleuraschwiele rechts. | lung_opacity- pleural_effusion- pleural_other+
Erguss rechts wohl rückläufig. | pleural_effusion+
Rückläufige, jedoch noch nicht vollständig regrediente Infiltrate. | lung_opacity+
Keine neu aufgetretenen Infiltrate. | lung_opacity-
Keine neuen Verschattungen im Vergleich zur Voruntersuchung. | lung_opacity-
Die Infiltrate sind unverändert. | lung_opacity+
Unverändert keine Infiltrate. | lung_opacity-
Weiterhin kein Pneumothorax. | pneumothorax-
Keine Befundänderung bei bekannter Kardiomegalie. | cardiomegaly+
Bekannte COPD, kein Infiltrat. | lung_opacity-
Fehlender Nachweis eines Infiltrats. | lung_opacity-
Infiltratnachweis im Mittellappen. | lung_opacity+
Ergussmenge rechts ca. 500 ml. | pleural_effusion+
Kontrolle zum Ausschluss eines Rundherds empfohlen. | -
Bei Persistenz der Beschwerden CT zum Frakturausschluss. | -
Pneumonie? Stauung? | pneumonia? edema?
Ausschluss Pneumonie, Ausschluss Erguss. | pneumonia- pleural_effusion-
Eine Pneumonie halte ich für unwahrscheinlich. | pneumonia-
Kein sicherer Anhalt für Pneumonie. | pneumonia-
Keine eindeutigen Infiltrate. | lung_opacity-
Kein größerer Pleuraerguss. | pleural_effusion-
Keine Pleuraschwielen, kein Erguss. | pleural_other- pleural_effusion-
Herz: normal groß. | cardiomegaly-
Lunge: keine Infiltrate, keine Stauung. | lung_opacity- edema-
Pleura: kein Erguss, kein Pneumothorax. | pleural_effusion- pneumothorax-
Pneumothorax: nein | pneumothorax-
Pleuraerguss: ja | pleural_effusion+
Pleuraerguss: gering links | pleural_effusion+
Pneumothorax: kein Hinweis | pneumothorax-
Infiltrate: keine | lung_opacity-
Infiltrat: nicht nachweisbar | lung_opacity-
Fremdmaterial: keines | support_devices-
Fremdmaterial: ZVK rechts | support_devices+
Stauung: ø | edema-
Ø PTX, Ø Erguss, Ø Infiltrat. | pneumothorax- pleural_effusion- lung_opacity-
Herz/Mediastinum: unauffällig. | cardiomegaly- enlarged_cardiomediastinum-
Herz und oberes Mediastinum nicht verbreitert. | cardiomegaly- enlarged_cardiomediastinum-
Herz, Mediastinum und Hili regelrecht. | cardiomegaly- enlarged_cardiomediastinum-
Cor und Pulmo unauffällig. | cardiomegaly- lung_opacity-
Cor/Pulmo o.B. | cardiomegaly- lung_opacity-
Cor normal groß, keine Stauung, Pulmo frei. | cardiomegaly- edema- lung_opacity-
Herz o.B., Lungen frei. | cardiomegaly- lung_opacity-
Kein Anh. f. Pneumothorax. | pneumothorax-
Kein Hw. auf Erguss. | pleural_effusion-
Kein NW eines Pneumothorax. | pneumothorax-
Vd. a. Infiltrat li. basal. | lung_opacity?
DD: Atelektase, Infiltrat. | atelectasis? lung_opacity?
DD Atelektase vs. Infiltrat. | atelectasis? lung_opacity?
Infiltrat DD Atelektase rechts basal. | lung_opacity+ atelectasis?
Die Verschattung entspricht am ehesten einer Atelektase. | lung_opacity+ atelectasis?
Die Verdichtungen sind am ehesten als Dystelektasen zu werten. | lung_opacity+ atelectasis?
Die Verschattung ist als Infiltrat zu werten. | lung_opacity+
Verschattung im Sinne eines Infiltrates. | lung_opacity+
Ein Pneumothorax lässt sich aktuell nicht mehr nachweisen. | pneumothorax-
Ein Erguss kann nicht abgegrenzt werden. | pleural_effusion-
Ergüsse konnten nicht nachgewiesen werden. | pleural_effusion-
Es kann kein Pneumothorax nachgewiesen werden. | pneumothorax-
Es lassen sich keine Infiltrate abgrenzen. | lung_opacity-
Es stellt sich kein Erguss dar. | pleural_effusion-
Zeichen einer Stauung liegen nicht vor. | edema-
Stauungszeichen oder Infiltrate bestehen nicht. | edema- lung_opacity-
Für eine Pneumonie ergibt sich kein Anhalt. | pneumonia-
Auf eine Pneumonie besteht kein Hinweis. | pneumonia-
Für das Vorliegen eines Pneumothorax kein Anhalt. | pneumothorax-
Infiltrate: kein Nachweis. | lung_opacity-
Eine Fraktur, soweit beurteilbar, nicht nachweisbar. | fracture-
Ein Pneumothorax ist, soweit im Liegen beurteilbar, nicht nachweisbar. | pneumothorax-
Kein Pneumothorax - Erguss rechts unverändert. | pneumothorax- pleural_effusion+
Pleuraerguss rechts > links, kein Pneumothorax. | pleural_effusion+ pneumothorax-
Pleuraerguss links (ca. 300 ml), Dystelektase. | pleural_effusion+ atelectasis+
Keine wesentliche Befundänderung des Infiltrates. | lung_opacity+
Befundkonstanz der Ergüsse. | pleural_effusion+
Keine Progredienz der Verschattungen. | lung_opacity+
Geringe Regredienz der Ergüsse. | pleural_effusion+
Weitgehende Rückbildung der Infiltrate. | lung_opacity+
Vollständige Regredienz der Infiltrate. | lung_opacity-
Deutliche Abnahme des Pneumothorax. | pneumothorax+
Nach Anlage einer Drainage vollständige Entlastung des Pneumothorax. | support_devices+ pneumothorax-
Pneumothorax nach Drainage vollständig entlastet. | pneumothorax- support_devices+
Neu abgrenzbares Infiltrat. | lung_opacity+
Jetzt erstmals kein Erguss mehr. | pleural_effusion-
Kein Erguss mehr nachweisbar. | pleural_effusion-
Ergüsse nicht mehr sichtbar. | pleural_effusion-
Der Tubus endet im rechten Hauptbronchus. | support_devices+
Tubus in situ. | support_devices+
Thoraxdrainage rechts gezogen, kein Pneumothorax. | support_devices- pneumothorax-
Z. n. Drainagenzug rechts. | support_devices-
Nach ZVK-Entfernung kein Pneumothorax. | support_devices- pneumothorax-
Nach Extubation. | -
Schrittmacher unverändert. | support_devices+
Dislokation der Schrittmachersonde. | support_devices+
Keine Dislokation der Schrittmachersonden. | support_devices+
Verlaufskontrolle bei Pneumothorax. | pneumothorax+
Aufnahme zur Verlaufskontrolle eines Pneumothorax. | -
Patient mit Pneumonie. | pneumonia+
Überweisung zum Ausschluss Pneumonie. | -
Bitte um Ausschluss eines Pneumothorax. | -
Verdacht auf Pneumonie bestätigt sich nicht. | pneumonia-
Der klinische Verdacht auf eine Pneumonie lässt sich nicht bestätigen. | pneumonia-
Der Verdacht auf eine Fraktur hat sich nicht bestätigt. | fracture-
Kein radiologisches Korrelat für die klinisch vermutete Pneumonie. | pneumonia-
Vermehrte Gefäßzeichnung, keine Infiltrate. | lung_opacity-
Vermehrte streifige Zeichnung basal beidseits. | lung_opacity+
Zeichnungsvermehrung rechts basal. | lung_opacity+
Bronchovaskuläre Zeichnungsvermehrung. | lung_opacity+
Peribronchiale Zeichnungsvermehrung. | lung_opacity+
Herz vergrößert, Mediastinum schlank. | cardiomegaly+ enlarged_cardiomediastinum-
Herz nicht vergrößert, Mediastinum schlank. | cardiomegaly- enlarged_cardiomediastinum-
Herz normal groß, Mediastinum schlank. | cardiomegaly- enlarged_cardiomediastinum-
Herz global vergrößert. Mediastinum schlank. | cardiomegaly+ enlarged_cardiomediastinum-
Herz linksverbreitert, oberes Mediastinum nicht verbreitert. | cardiomegaly+ enlarged_cardiomediastinum-
Mediastinum verbreitert, Herz normal groß. | cardiomegaly- enlarged_cardiomediastinum+
Keine direkten oder indirekten Hinweise auf eine Fraktur. | fracture-
Kein klinischer oder radiologischer Anhalt für eine Pneumonie. | pneumonia-
Kein Erguss, Hinweise auf eine Stauung. | pleural_effusion- edema?
Z. n. Schrittmacherexplantation. | support_devices-
Z. n. Schrittmacher-Explantation. | support_devices-
Soweit im Liegen beurteilbar kein Pneumothorax und keine größeren Ergussmengen. | pneumothorax- pleural_effusion-
Die Spitze des ZVK projiziert sich auf den rechten Vorhof, ein Zurückziehen um 2 cm wird empfohlen. | support_devices+
Konstante Lage des einliegenden Fremdmaterials. | support_devices+
Basale Verschattung links, vereinbar mit Erguss, zusätzliches Infiltrat möglich. | lung_opacity+ pleural_effusion+
Ein zusätzliches Infiltrat in diesem Bereich kann jedoch nicht ausgeschlossen werden. | lung_opacity?
Kein sicheres Infiltrat, insbesondere kein Nachweis einer Pneumonie. | lung_opacity- pneumonia-
Zwerchfellkontur links nicht sicher abgrenzbar, hier V. a. Erguss. | pleural_effusion?
Herz soweit im Liegen beurteilbar nicht vergrößert. | cardiomegaly-
Der Herzschatten ist, soweit beurteilbar, nicht verbreitert. | cardiomegaly-
Das Herz ist im Vergleich zur Voraufnahme nicht mehr vergrößert. | cardiomegaly-
Herz-Thorax-Quotient > 0,5. | -
Herz leicht vergrößert, CTR 0,55. | cardiomegaly+
Mittelgradige Kardiomegalie mit Betonung des linken Ventrikels. | cardiomegaly+
Keine Herzvergrößerung, keine Dekompensationszeichen. | cardiomegaly- edema-
Kardiale Stauung I°, keine Ergüsse. | edema? pleural_effusion-
Beginnende kardiale Dekompensation mit kleinen Ergüssen. | edema+ pleural_effusion+
Zeichen der chronischen Linksherzinsuffizienz. | edema+
Lungenvenöse Stauungszeichen mit interstitiellem Ödem. | edema+
Kein alveoläres oder interstitielles Ödem. | edema-
Zentrale Gefäße betont, keine akute Stauung. | edema-
Kein Hinweis für Stauung, Erguss oder Infiltrat. | edema- pleural_effusion- lung_opacity-
Akut entzündliche Infiltrate sind nicht zu erkennen. | lung_opacity- pneumonia-
Kein Nachweis akut entzündlicher Lungenveränderungen. | -
Keine floriden Infiltrate. | lung_opacity-
Keine akuten pneumonischen Veränderungen. | pneumonia-
Spezifische Residuen in beiden Oberlappen, kein Anhalt für Reaktivierung. | lung_opacity+
Zustand nach Pneumonie mit Residuen rechts basal. | lung_opacity+
Zustand nach Oberlappenresektion rechts. | -
Residualer Erguss nach Thoraxdrainage. | pleural_effusion+ support_devices+
Im Verlauf Nachweis eines neu aufgetretenen Pneumothorax. | pneumothorax+
Ein neu aufgetretener Pneumothorax ist nicht zu sehen. | pneumothorax-
Der apikale Pneumothorax misst nun 8 mm statt 15 mm. | pneumothorax+
Keine Zunahme des bekannten Pneumothorax rechts. | pneumothorax+
Pneumothorax rechts in der Größe unverändert. | pneumothorax+
Pneumothorax rechts kaum noch abgrenzbar. | pneumothorax+
Erguss rechts praktisch nicht mehr abgrenzbar. | pleural_effusion-
Erguss rechts nur noch gering. | pleural_effusion+
Kein Erguss links, geringer Erguss rechts. | pleural_effusion+
Links kein Erguss, rechts Randwinkelerguss. | pleural_effusion+
Rippenfrakturen links ohne Pneumothorax oder Hämatothorax. | fracture+ pneumothorax- pleural_effusion-
Keine eindeutig frakturverdächtige Läsion. | fracture-
Rippen, soweit einsehbar, ohne Fraktur. | fracture-
Kein Hinweis auf frische knöcherne Verletzung. | -
Verdacht auf nicht dislozierte Fraktur der 9. Rippe rechts. | fracture?
Keilförmig deformierter BWK 7, Alter unklar. | fracture?
Osteoporotische Sinterung mehrerer Brustwirbelkörper. | fracture+
Spondylosis deformans der BWS, keine Sinterung. | fracture-
Z. n. Vertebroplastie. | -
Kein tumorsuspekter Rundherd. | lung_lesion-
Pulmonale Raumforderung links zentral, V. a. Bronchialkarzinom. | lung_lesion+
Bekanntes Bronchialkarzinom rechts, keine Metastasen. | lung_lesion+
Größenkonstante Metastasen. | lung_lesion+
Metalldichte Clips nach Cholezystektomie. | support_devices+
Kontrastmittelgefüllter Magen. | -
Implantierter Port rechts pektoral mit regelrechter Katheterlage. | support_devices+
Schrittmacheraggregat links, zwei Sonden. | support_devices+
Die liegende Magensonde ist umgeschlagen. | support_devices+
Tubus entfernt, ZVK unverändert. | support_devices+
Trachealkanüle statt Tubus. | support_devices+
Pleuraverdickung rechts, DD gekammerter Erguss. | pleural_other+ pleural_effusion?
Verdickte Pleura apikal beidseits im Sinne von Pleurakuppenschwielen. | pleural_other+
Keine Pleuraverkalkungen als Hinweis auf eine Asbestexposition. | pleural_other-
Adhäsionen am linken Zwerchfell. | pleural_other+
Schwielig ausgezogener Randwinkel rechts. | -
Mediastinum nicht verlagert. | -
Mediastinum mittelständig. | -
Mittelständiges, nicht verbreitertes Mediastinum. | enlarged_cardiomediastinum-
Schlankes Mediastinum, normale Herzgröße. | enlarged_cardiomediastinum- cardiomegaly-
Keine Verbreiterung des Mediastinums, keine Herzvergrößerung. | enlarged_cardiomediastinum- cardiomegaly-
Konsolidierungen in beiden Unterlappen, vereinbar mit Pneumonie. | consolidation+ pneumonia+
Keine fokale Konsolidierung oder Milchglastrübung. | consolidation- lung_opacity-
Unspezifische streifige Zeichnungsvermehrung, keine Konsolidierung. | lung_opacity+ consolidation-
Pneumothorax: nein, Erguss: ja, Infiltrat: nein | pneumothorax- pleural_effusion+ lung_opacity-
Erguss: gering, Pneumothorax: nein, Stauung: keine | pleural_effusion+ pneumothorax- edema-
Lunge: keine Infiltrate, keine Stauung. Pleura: kein Erguss. | lung_opacity- edema- pleural_effusion-
Pneumothorax: nein (Liegendaufnahme) | pneumothorax-
Herzgröße: normal, Stauung: nein | cardiomegaly- edema-
"""

ROWS = [tuple(part.strip() for part in line.split("|")) for line in SENTENCES.strip().splitlines()]


@functools.cache
def labeler() -> RuleLabeler:
    return RuleLabeler(load_region("chest"))


@pytest.mark.parametrize(("text", "expected"), ROWS, ids=[text for text, _ in ROWS])
def test_a_german_sentence_says_just_this(text: str, expected: str) -> None:
    decisions = labeler().label(Report("r", {"report": text}, "de"))
    assert decisions is not None
    states = {name: str(decision.state) for name, decision in decisions.items() if name != "no_finding"}
    said = {name + SIGN[state] for name, state in states.items() if state in SIGN}
    assert said == set(expected.removeprefix("-").split())
