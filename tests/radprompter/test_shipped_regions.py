"""The shipped regions: their findings, in both languages, with the words that reports use."""

from __future__ import annotations

import itertools

import pytest

from radprompter.labels import LABELS, LabelState
from radprompter.region import LANGUAGES, Region, load_region, region_names

CHEXPERT = """enlarged_cardiomediastinum cardiomegaly lung_opacity lung_lesion edema consolidation pneumonia atelectasis
    pneumothorax pleural_effusion pleural_other fracture support_devices no_finding"""

EXPECTED = {
    "chest": ("chexpert-14", CHEXPERT),
    "chest_chexllm13": ("chexllm-13", CHEXPERT.replace("support_devices ", "")),
    "chest_nih14": (
        "nih-15",
        """consolidation pneumothorax atelectasis cardiomegaly effusion infiltration mass nodule pneumonia edema
        emphysema fibrosis pleural_thickening hernia no_finding""",
    ),
    "chest_ptx_ribfx": ("ptx-ribfx-2", "pneumothorax rib_fracture"),
    "clavicle": (
        "clavicle-26",
        """fracture fracture_medial_third fracture_middle_third fracture_lateral_third comminution displacement
        shortening angulation callus nonunion malunion pathological_fracture ac_joint_dislocation
        ac_joint_osteoarthritis sc_joint_dislocation glenohumeral_osteoarthritis distal_clavicle_osteolysis
        hardware hardware_failure lytic_lesion sclerotic_lesion soft_tissue_swelling soft_tissue_calcification
        foreign_body rib_fracture scapular_fracture""",
    ),
    "elbow": (
        "elbow-29",
        """fracture radial_head_fracture olecranon_fracture coronoid_fracture supracondylar_fracture
        epicondylar_fracture capitellar_fracture avulsion comminution displacement articular_step dislocation
        radial_head_subluxation effusion osteoarthritis loose_body osteochondral_lesion callus nonunion hardware
        hardware_failure olecranon_spur epicondylar_enthesophyte accessory_ossicle heterotopic_ossification
        soft_tissue_swelling foreign_body lytic_lesion osteopenia""",
    ),
    "thumb": (
        "thumb-25",
        """fracture distal_phalanx_fracture proximal_phalanx_fracture metacarpal_fracture bennett_fracture
        rolando_fracture avulsion sesamoid_fracture scaphoid_fracture comminution displacement
        intraarticular_extension dislocation subluxation cmc_osteoarthritis mcp_osteoarthritis ip_osteoarthritis
        callus nonunion hardware erosion lytic_lesion soft_tissue_swelling foreign_body accessory_ossicle""",
    ),
}
REGIONS = tuple(EXPECTED)
EXTREMITIES = ("clavicle", "elbow", "thumb")

POSITIVE, NEGATIVE, UNCERTAIN, NOT_MENTIONED = LABELS


@pytest.fixture(scope="module")
def shipped_regions() -> dict[str, Region]:
    return {name: load_region(name) for name in REGIONS}


def test_exactly_these_regions_ship() -> None:
    assert region_names() == tuple(sorted(REGIONS))


@pytest.mark.parametrize("name", REGIONS)
def test_a_shipped_region_has_its_findings_in_schema_order(name: str, shipped_regions: dict[str, Region]) -> None:
    region = shipped_regions[name]
    schema, findings = EXPECTED[name]
    assert region.schema.name == schema
    assert region.schema.names == tuple(findings.split()) == tuple(region.findings)
    assert len(region.schema.names) == int(schema.rsplit("-", 1)[1])


@pytest.mark.parametrize("name", REGIONS)
def test_every_finding_speaks_both_languages(name: str, shipped_regions: dict[str, Region]) -> None:
    region = shipped_regions[name]
    assert set(region.title) == set(LANGUAGES)
    for finding in region.findings.values():
        for language in LANGUAGES:
            assert finding.title[language].strip()
            assert len(finding.synonyms[language]) >= 3
            definition = finding.definition[language]
            assert definition.endswith(".")
            assert 40 < len(definition) < 360  # one or two tight sentences
        assert finding.definition["en"] != finding.definition["de"]


@pytest.mark.parametrize("name", REGIONS)
def test_implied_findings_are_implied_in_turn(name: str, shipped_regions: dict[str, Region]) -> None:
    findings = shipped_regions[name].findings
    for key, finding in findings.items():
        assert key not in finding.implies
        assert set(finding.implies) <= set(findings)
        for general in finding.implies:
            assert set(findings[general].implies) <= set(finding.implies), f"{key} implies {general}"


@pytest.mark.parametrize("name", REGIONS)
def test_a_synonym_names_one_finding(name: str, shipped_regions: dict[str, Region]) -> None:
    findings = shipped_regions[name].findings
    for language in LANGUAGES:
        words = {key: {word.casefold() for word in finding.synonyms[language]} for key, finding in findings.items()}
        for one, other in itertools.combinations(findings, 2):
            if one not in findings[other].implies and other not in findings[one].implies:
                assert not words[one] & words[other], f"{one} and {other} share a synonym"


@pytest.mark.parametrize("name", REGIONS)
def test_synonyms_are_words_with_a_star_only_behind_a_word(name: str, shipped_regions: dict[str, Region]) -> None:
    for finding in shipped_regions[name].findings.values():
        for phrase in itertools.chain.from_iterable(finding.synonyms.values()):
            assert phrase == " ".join(phrase.split())
            assert not set(phrase) & set('()[]{}|"')
            for word in phrase.split():
                assert len(word.strip("*")) >= 1
                assert "*" not in word[:-1]
                assert not word.endswith("*") or len(word) >= 4, f"{phrase} would match almost anything"


@pytest.mark.parametrize(
    ("name", "finding", "implied"),
    [
        ("elbow", "radial_head_fracture", ("fracture",)),
        ("elbow", "hardware_failure", ("hardware",)),
        ("elbow", "effusion", ()),
        ("thumb", "bennett_fracture", ("fracture", "metacarpal_fracture", "intraarticular_extension")),
        ("thumb", "rolando_fracture", ("fracture", "metacarpal_fracture", "intraarticular_extension")),
        ("thumb", "subluxation", ()),
        ("clavicle", "fracture_middle_third", ("fracture",)),
        ("clavicle", "rib_fracture", ("fracture",)),
        ("clavicle", "distal_clavicle_osteolysis", ()),
        ("chest", "pneumonia", ()),
    ],
)
def test_specific_findings_imply_general_ones(
    name: str, finding: str, implied: tuple[str, ...], shipped_regions: dict[str, Region]
) -> None:
    assert shipped_regions[name].findings[finding].implies == implied


@pytest.mark.parametrize(
    ("name", "finding", "language", "words"),
    [
        ("elbow", "fracture", "de", ("Fraktur", "Bruch", "Infraktion*")),
        ("elbow", "olecranon_fracture", "de", ("Olekranonfraktur*", "Ellenhakenbruch")),
        ("elbow", "effusion", "de", ("Gelenkerguss*", "positives Fettpolsterzeichen", "fat pad sign*")),
        ("elbow", "hardware", "de", ("Plattenosteosynthese*", "K-Draht*")),
        ("thumb", "cmc_osteoarthritis", "de", ("Rhizarthros*", "Daumensattelgelenkarthrose*")),
        ("thumb", "cmc_osteoarthritis", "en", ("rhizarthrosis", "osteoarthr* of the first CMC joint")),
        ("clavicle", "fracture_middle_third", "en", ("midshaft fracture*", "fracture* of the left middle third")),
        ("clavicle", "ac_joint_dislocation", "de", ("AC-Gelenksprengung*", "AC-Gelenkssprengung*", "Tossy*")),
        ("chest", "pleural_effusion", "de", ("Pleuraerguss*", "Randwinkelerguss*")),
        ("chest_ptx_ribfx", "rib_fracture", "de", ("Rippenserienfraktur*",)),
    ],
)
def test_synonyms_hold_what_radiologists_say(
    name: str, finding: str, language: str, words: tuple[str, ...], shipped_regions: dict[str, Region]
) -> None:
    assert set(words) <= set(shipped_regions[name].findings[finding].synonyms[language])


@pytest.mark.parametrize("name", REGIONS)
def test_no_finding_names_a_side(name: str, shipped_regions: dict[str, Region]) -> None:
    assert not any(finding.laterality for finding in shipped_regions[name].schema.findings)


@pytest.mark.parametrize("name", REGIONS)
def test_only_no_finding_has_fewer_states(name: str, shipped_regions: dict[str, Region]) -> None:
    region = shipped_regions[name]
    states = tuple(state for state in LABELS if name != "chest_nih14" or state is not UNCERTAIN)  # NIH's are binary
    assert region.schema.no_finding == ("no_finding" if "no_finding" in region.findings else None)
    for finding in region.findings:
        expected = (POSITIVE, NOT_MENTIONED) if finding == "no_finding" else states
        assert region.allowed(finding) == expected


# Spellings


@pytest.mark.parametrize("name", REGIONS)
def test_extremities_answer_true_and_chests_answer_present(name: str, shipped_regions: dict[str, Region]) -> None:
    words = ("true", "false") if name in EXTREMITIES else ("present", "absent")
    doubt = () if name == "chest_nih14" else ("uncertain",)
    assert tuple(shipped_regions[name].spelling.values()) == (*words, *doubt, "not_mentioned")


@pytest.mark.parametrize("name", REGIONS)
@pytest.mark.parametrize(
    ("word", "state"),
    [
        *((word, POSITIVE) for word in ("true", "present", "yes", "ja", "vorhanden", "positiv", "1")),
        *((word, NEGATIVE) for word in ("false", "absent", "no", "nein", "nicht vorhanden", "negativ", "0")),
        *((word, UNCERTAIN) for word in ("uncertain", "unsicher", "fraglich", "-1")),
        *((word, NOT_MENTIONED) for word in ("not_mentioned", "not mentioned", "nicht erwähnt", "null", "blank", "")),
    ],
)
def test_other_spellings_of_an_answer_are_understood(
    name: str, word: str, state: LabelState, shipped_regions: dict[str, Region]
) -> None:
    assert shipped_regions[name].meanings[word] is state


def test_an_ambiguous_answer_is_not_understood(shipped_regions: dict[str, Region]) -> None:
    assert not {"none", "unknown", "maybe not"} & set(shipped_regions["elbow"].meanings)
