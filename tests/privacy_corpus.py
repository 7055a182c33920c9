"""Made-up sentences with identifiers of every kind, marked as ``{kind:words}``, and traps that have none."""

from __future__ import annotations

import re

from radprompter.privacy import Identifier

ENGLISH = """
Findings were discussed with Dr. {name:Smith} at 10:45.
Discussed with Dr {name:Okonkwo} by telephone at 1045 hours.
Case reviewed with Dr. {name:John A. Whitfield}, who agrees.
Results called to Dr. {name:van der Berg} in the emergency department.
Discussed with Drs. {name:Patel} and {name:Nguyen} in conference.
DISCUSSED WITH DR. {name:HERNANDEZ} AT THE TIME OF DICTATION.
d/w dr. {name:kowalski} at 5 pm
Mr. {name:Jones} was informed of the result.
Mrs. {name:O'Brien} returned for a follow-up view.
Ms. {name:Garcia-Lopez} declined contrast.
Miss {name:Dalloway} fell from a swing.
Prof. {name:Higgins} requested the study.
Professor {name:McAllister} reviewed the images.
Electronically signed by: {name:Jane Doe}, MD
Dictated by {name:R. Feynman}, M.D.
Signed by {name:Amy Lin Chen}, M.D. on {date:03/12/2024}.
Interpreted by: {name:Johnson, Robert T.}
Reported by {name:Peter Marlow}.
Attending radiologist: {name:Susan Calvin}
Referring physician: {name:Watson, John}
Patient name: {name:Doe, John}
Name: {name:Maria Sanchez}
Patient: {name:Gupta, Anil}
Patient: {name:Harold Finch}
The patient's name is {name:Arthur Dent}.
Technologist: {name:Kelly Briggs}
Reviewed with {name:Tom Bradley}, PA-C.
Findings relayed to nurse {name:Jackie Peyton} on the ward.
Nurse {name:Ratched} was informed.
{name:William Osler}, MD, reviewed the films.
{name:H. Cushing}, MD
Images reviewed by Dr. {name:Smith-Jones}; no fracture.
cc: Dr. {name:Lee}
Dr. {name:Anne-Marie Dubois} was paged.
Transcriptionist: {name:Lucy Liu}
Surgeon: {name:Strange}
Comparison: {date:3/12/24}.
Comparison is made to the study of {date:12/03/2023}.
Compared with {date:March 3, 2024}.
Compared to the radiograph from {date:March 3rd}.
The prior of {date:3 March 2024} showed the same.
Prior chest radiograph {date:12-Mar-2024}.
COMPARISON: {date:JANUARY 5, 2021}
CT dated {date:2024-03-12}.
Study date {date:20240312}.
Unchanged since {date:February 2024}.
Last seen in {date:Sept. 2019}.
Since the examination on {date:3/12} there is less effusion.
Exam performed {date:Mar 12 2024} at 14:30.
the film of {date:march 12, 2024} is not available
DOB: {date:01/02/1950}
Date of birth {date:1 February 1950}.
Born on the {date:4th of July, 1976}.
Received {date:2024-03-12T10:15:00}.
Imaging of {date:03-12-2024} was reviewed.
Follow-up on {date:May 12th}.
Prior from {date:03/2024}.
Compared to {date:Oct 5} and {date:Nov 7, 2022}.
Please call {phone:317-555-0123} with questions.
Call {phone:(317) 555-0123}.
Results were phoned to {phone:317.555.0123 ext. 45}.
Phone: {phone:555-0123}
Radiology reading room, {phone:1-800-555-0199}.
Pager {phone:4711}.
Reach me at ext. {phone:2231}.
Fax {phone:+1 317 555 0123}.
Cell: {phone:3175550123}
Beeper number {phone:12345}
Mail {email:jane.doe@hospital.org} for images.
Contact {email:j_doe+rad@mail.example.co.uk}.
Write to {email:doe (at) clinic.org}.
MRN: {record:123456}
MRN {record:00-12-34-56} was reviewed.
Medical record number {record:A1234567}.
Medical Record #: {record:778899}
MR# {record:445566}
Acc# {record:RAD-24-00123}
Accession number: {record:20240312001}
Accession No. {record:A0012345}.
ACC: {record:87654321}
Patient ID: {record:P00123}
Encounter # {record:5512345}
Account number {record:998877665}
SSN {record:123-45-6789}
Social security number: {record:123-45-6789}
Order number {record:55123}
Case #{record:S24-1234}
Policy number: {record:XJ1234567}
Member ID {record:W123456789}
Visit number: {record:10020030}
Study {record:1.2.840.113619.2.55.3.604688119.868.1249343483.504} was loaded.
Pacemaker serial number {record:PJN123456}.
Chart # {record:84512}
Health plan ID: {record:H-2231-9}
The films of {record:123456789} were hung.
Lives at {address:12 Elm Street, Springfield, IL 62701}.
Home address: {address:4711 North Michigan Ave, Apt 5}
Sent to {address:221 Baker St}.
Resides at {address:77 W. Sunset Blvd}.
{address:9 Old Mill Rd, Carmel, IN 46032}
{address:P.O. Box 1234}
Patient from {address:Bloomington, IN 47401}.
Clinic at {address:1600 Pennsylvania Avenue}.
Zip code {address:46202}.
{address:12 Oak Drive}, second floor.
Critical result communicated to Dr. {name:Alvarez} by phone at 16:02 on {date:4/7/2023}.
Spoke with Dr. {name:K. Ramanathan} regarding the pneumothorax.
Mr. {name:Theodore Banks} is a 67 year old man with cough.
Report finalized by {name:Grace Hopper}, MD
Requesting provider: {name:Ellen Ripley}, NP
Comparison: Chest radiograph {date:June 14, 2022}.
COMPARISON: {date:07/04/2019} and {date:08/11/2020}.
Since {date:9/2/21}, the effusion has resolved.
Prior study from {date:Aug 2018} reviewed.
The {date:15th of November} film shows the line.
MRN#{record:4432211}
Med Rec No: {record:55-43-21}
Accession: {record:CT20-44551}
Exam ID: {record:7781234}
Contact Dr. {name:Chu} at {phone:555-867-5309}.
Office {phone:(212)555-0187}.
Results faxed to {phone:212-555-0100}.
Return to {address:450 Brookline Avenue, Boston, MA 02215}.
He lives at {address:8 Cedar Court}.
Please e-mail {email:rad.reading@mercy.edu}.
Resident: {name:Noah Feld}, MD; Attending: {name:Ruth Bader}, MD
I, Dr. {name:Emily Stone}, have reviewed the images.
This was discussed with {name:Mark Rivera} RN at 08:15.
Patient {name:Jonathan Archer} presents with pain.
Insurance ID {record:ZGP901234567}
Hospital number {record:H778812}
Seen in clinic by {name:Bashir}.
DOB {date:11/30/1984}
Transcribed by: {name:mlb} on {date:10-Feb-2020}
"""

GERMAN = """
Befund mit Dr. {name:Müller} telefonisch besprochen.
Rücksprache mit Herrn Dr. {name:Schmidt} um 10:45 Uhr.
Rücksprache mit Frau Dr. med. {name:Öztürk}.
Frau {name:Meier} wurde informiert.
Herr {name:von der Heide} klagt über Schmerzen.
Herrn {name:Schulze-Delitzsch} wurde Kontrastmittel gegeben.
Prof. Dr. {name:Röntgen}
Prof. Dr. med. {name:Hans Meyer} hat den Befund freigegeben.
Univ.-Prof. Dr. {name:Lindemann}
PD Dr. {name:Weiß} hat gegengelesen.
Priv.-Doz. Dr. med. habil. {name:K. Vogel}
Besprochen mit Dr. {name:Ay} und Dr. {name:Kaya}.
Dres. {name:Braun} und {name:Gelb}
OA Dr. {name:Huber}
Oberärztin {name:Lange} informiert.
OÄ {name:Brandt} informiert.
Chefarzt Dr. {name:Brinkmann}
Patient: {name:Mustermann, Max}, geb. {date:01.02.1950}
Patientin: {name:Erika Mustermann}
Name: {name:Schäfer, Ute}
Vorname: {name:Günther}
Nachname: {name:Grass}
Befundet von: {name:Anna Becker}
gez. {name:Hoffmann}
gez. Dr. {name:Klein}
Elektronisch signiert von {name:Peter Groß}
Überweiser: Dr. {name:Baumann}
Hausarzt: Dr. {name:Winkler}
Zuweiser: {name:Wagner, Karl}
Radiologin: {name:Sabine Wolf}
MTRA: {name:Nina Koch}
Schwester {name:Monika} informiert.
Kollege {name:Fischer} hat die Voraufnahmen.
Frau {name:Anna Schmidt}, geb. {name:Müller}
Dipl.-Med. {name:Krause}
Diktiert von {name:J. Lehmann}
Frau Prof. {name:Noether} bat um Rückruf.
HERR {name:BAUER} KAM ZUR KONTROLLE.
Betr.: {name:Vogt, Jens}, geb. {date:3.4.1961}
Voraufnahme vom {date:12.03.2024}.
Im Vergleich zum {date:1.2.24} unverändert.
Voruntersuchung vom {date:12. März 2024}.
MRT im {date:März 2024}.
Zuletzt am {date:12.03.} kontrolliert.
geb. am {date:12.03.1950}
geboren am {date:3. Mai 1949}
Geburtsdatum: {date:24.12.1960}
CT vom {date:03.11.23} liegt vor.
Aufnahme von {date:Okt. 2022}.
Kontrolle am Montag, dem {date:4.5.2023}.
Stand {date:2024-03-12}.
Röntgen {date:12. 03. 2024}
Untersuchung vom {date:5. Jan. 2021}
Vergleich: CT Thorax {date:07/2023}.
OP am {date:1. April}.
Sturz am {date:30.9.} beim Sport.
* {date:12.03.1950}
Tel. {phone:030/123456-78}
Telefon: {phone:+49 30 1234567}
Tel.: {phone:(0221) 478 4711}
Rückruf unter {phone:0171 2345678} erbeten.
Fax {phone:0711-123456}
Durchwahl {phone:4711}
Telefonisch übermittelt ({phone:089 44005678}).
Handy: {phone:0151/23456789}
Piepser {phone:2345}
Funk {phone:1234} verständigt.
Tel {phone:0 30 / 12 34 56}
DECT {phone:45678}
Bilder an {email:m.mueller@klinikum-musterstadt.de} gesendet.
Kontakt: {email:radiologie@uk-beispiel.de}
Fallnummer {record:998877}
Fallnummer: {record:0012345678}
Fall-Nr.: {record:12345-6}
Fallnr. {record:445566}
Patienten-ID: {record:P4711}
Pat.-Nr. {record:123456}
Patientennummer {record:7654321}
PID {record:9988776}
Aufnahmenummer {record:2024/4711}
Akzessionsnummer: {record:RX2024001}
Auftragsnummer {record:A-55123}
Befundnummer: {record:B12345}
Untersuchungsnummer {record:887766}
Versichertennummer: {record:A123456789}
Krankenversichertennummer {record:T987654321}
Vers.-Nr. {record:12 120350 M 123}
Sozialversicherungsnummer {record:65170839J008}
KVNR {record:X110411675}
Versicherungsnummer {record:A123456780}
Röntgennummer {record:12345/24}
Seriennummer {record:SN4455-6}
Archivnummer {record:2210/99}
RIS-ID {record:5544332}
Anforderungsnummer: {record:99123}
Wohnhaft {address:Musterstr. 12, 12345 Berlin}.
Anschrift: {address:Hauptstraße 5a, 80331 München}
{address:Am Markt 3, 04109 Leipzig}
{address:Goethe-Straße 17}
{address:Lindenallee 22, D-50667 Köln}
wohnt {address:Birkenweg 4}
{address:Berliner Platz 1, 45127 Essen}
Kommt aus {address:69120 Heidelberg}.
{address:Schillergasse 7}
Adresse: {address:Kurfürstendamm 101, 10711 Berlin}
{address:Postfach 10 01 23}
{address:Karl-Marx-Allee 33, 10178 Berlin}
{address:Bahnhofstrasse 9}
{address:Frankfurter Ring 81}
Telefonische Befundmitteilung an Dr. {name:Yilmaz} um 15 Uhr.
Sehr geehrte Frau Kollegin {name:Berger},
Sehr geehrter Herr Dr. {name:Franke},
vielen Dank für die Zuweisung von Herrn {name:Otto Kraus}, geb. {date:17.08.1944}.
Mit freundlichen Grüßen Dr. med. {name:Petra Simon}
Befunder: Dr. {name:Engel}
Freigegeben durch {name:Tobias Lang} am {date:02.05.2022}
Voraufnahmen vom {date:11.10.2021} und {date:3.2.2020} liegen vor.
Sturz am {date:24. Dezember} auf die Hand.
CT {date:06/2022} extern.
Verlauf seit {date:Juni 2021}.
Geb.-Datum {date:5.6.1977}
*{date:05.06.1977}
Patient {name:Karl Ludwig}, {date:05.06.1977}
Fall: {record:20034567}
Pat-ID {record:0098123}
Acc.-Nr. {record:MR2200981}
Krankenkasse: AOK, Vers.-Nr.: {record:M654321987}
Tel. Rückfragen: {phone:0621 383-2276}
Rückfragen unter {phone:06221 / 56 7311}
App. {phone:3344}
Mobil {phone:+49 (0)172 9876543}
{address:Im Neuenheimer Feld 110, 69120 Heidelberg}
{address:An der Alten Mühle 3}
{address:Rosenstraße 15, 60311 Frankfurt am Main}
Assistenzarzt {name:Julian Beck} informiert.
Unterschrift: {name:Dietrich}
{email:anna.k@praxis-kern.de}
"""

ENGLISH_TRAPS = """
A nodule measures 2.5 x 3 cm.
Compression of T12 and L4/5; C5/6 and L5-S1 are normal.
Series 3, image 45; series 2, images 12-24.
Image 3/12 and slice 24/118 show the mass.
Ribs 8-9-10 and T10/11/12 are intact.
Monteggia fracture, Colles fracture and Galeazzi fracture are excluded.
Baker cyst, Hill-Sachs lesion and Bankart tear.
Kerley B lines, Chilaiditi sign, Hampton hump and Westermark sign.
Dictated at 10:45 and called at 3:45 PM.
Compared to 2 weeks ago, in 2019, and the prior year 2020-2021.
XXXX-year-old XXXX with XXXX, discussed with Dr. XXXX at XXXX.
Discussed with Dr. ___ on ___.
The 45-year-old patient has a 5 mm nodule, 12 o'clock position.
There may 3 or 4 nodules; may be 2 mm.
FINDINGS: The heart is normal. IMPRESSION: Normal chest.
PA and lateral views of the chest. AP view, 2 images.
MR brain without contrast. MR. There is no mass.
CT Chest 120 kVp, 200 mAs, DLP 450 mGy cm.
Strength is 4/5 from 3/5 to 4/5.
Grade 2/6 murmur; 1/2 to 2/3 of the vertebral height; type 3/4.
SUV 3.5, T2 1.75, HU -12, 1.5 T, 80-90 %.
The mean is 12.5 and the sum 1.2.3 of the list.
Telephone report was given at 1045 hours.
Case discussed with the emergency physician at 14:30.
The Dr was informed. Seen by the doctor on call.
Left upper lobe, Segment 6; Zone 2; Level 3; Station 4R.
Weight 82 kg, creatinine 1.1, eGFR > 60, 100 ml Omnipaque 350.
A second series, 40 images; 3 views of the elbow, 2 Chest Place.
Clinical history: Fall. Patient: Male, Age 45.
Salter-Harris II fracture of the 5th metacarpal, Mason type 1.
AC joint, AO 2R2, Neer 4-part, Gustilo III.
Swan-Ganz catheter, Port-A-Cath, Dobhoff tube, ET tube 4 cm above the carina.
FRACTURE, DO NOT MOBILISE. NAME THE LEVEL.
Oxygen 2 L, PEEP 5; troponin 0.04; 24 hours ago; 3-4 days; 2 months.
Impression: 1. Normal. 2. No change. 3. Old rib fractures.
PD Fat Sat, STIR and T1 sequences; DR chest; Ms 12.
Pneumothorax of 2-3 cm in March, seen in the spring.
"""

GERMAN_TRAPS = """
Rundherd von 2,5 x 3 cm, im Segment 6.
BWK 12, LWK 4/5 und HWK 5/6 regelrecht.
Serie 3, Bild 45; Bild 12/24.
Keine Monteggia-Fraktur, keine Galeazzi-Fraktur, kein Hill-Sachs-Defekt.
Baker-Zyste, Colles-Fraktur, Köhler-Krankheit, Morbus Scheuermann.
Untersuchung um 10:45 Uhr.
Seit 2 Wochen Schmerzen, Zustand nach Sturz 2019.
Befund: Kein Erguss. Beurteilung: Normaler Befund.
Klinische Angaben: Sturz auf die rechte Hand.
Röntgen Thorax in 2 Ebenen, Röntgen Ellenbogen rechts.
Fraktur der 5. Rippe und des 2. Fingers.
Die Patientin berichtet über Schmerzen. Der Patient kann nicht stehen.
Patient: Zustand nach Sturz.
Frau mit Schmerzen. Herr des Verfahrens ist der Arzt.
Die Atemwege 3 cm distal; Gallenweg 5 mm; Herzspitze 4 cm.
Dosisflächenprodukt 12,5 cGy; 120 kV, 2 mAs.
Im Frühjahr kontrollieren; in 3-4 Wochen Kontrolle.
Z.n. Operation, V.a. Fraktur, DD Erguss, o.B.
AO-Klassifikation 23-A2, Salter-Harris II, Mason I.
Schraube 4,5 mm, Platte 7-Loch, Typ 3/4, Grad 2/3.
1. Keine Fraktur. 2. Kein Erguss. 3. Weichteile unauffällig.
XXXX-jährige XXXX, besprochen mit Dr. XXXX.
Arzt informiert. Station 12. Zimmer 4.
Länge 12.5 und Breite 3.4 cm.
Ring und Platz; Arbeitsplatz 2, Knochenring 3.
"""

_MARK = re.compile(r"\{(\w+):([^}]*)\}")


def unmark(marked: str) -> tuple[str, list[Identifier]]:
    """A sentence without marks, and the identifiers that they mark."""
    found, shift = [], 0
    for match in _MARK.finditer(marked):
        start = match.start() - shift
        found.append(Identifier(match[1], start, start + len(match[2])))  # type: ignore[arg-type]
        shift += len(match[0]) - len(match[2])
    return _MARK.sub(r"\2", marked), found


def sentences(table: str) -> list[str]:
    """The lines of a table."""
    return table.strip().splitlines()


MARKED = [("en", line) for line in sentences(ENGLISH)] + [("de", line) for line in sentences(GERMAN)]
TRAPS = [("en", line) for line in sentences(ENGLISH_TRAPS)] + [("de", line) for line in sentences(GERMAN_TRAPS)]
