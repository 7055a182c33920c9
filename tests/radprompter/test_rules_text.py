"""How the rule labeler divides reports into sentences, and finds phrases in them."""

from __future__ import annotations

import pytest

from radprompter.errors import TemplateError
from radprompter.rules.lexicon import load_language
from radprompter.rules.phrases import END, TOKEN, Inflection, Trie, fold, readings
from radprompter.rules.sentences import Splitter, has_words
from radprompter.rules.vocabulary import splitter_of


def splitter(code: str) -> Splitter:
    language = load_language(code)
    assert language is not None
    return splitter_of(language)


SENTENCES = [
    ("en", "A nodule of 2.5 cm. No effusion.", ["A nodule of 2.5 cm.", "No effusion."]),
    ("en", "1. Cardiomegaly. 2. No edema.", ["1. Cardiomegaly.", "2. No edema."]),
    ("en", "Fracture of T12. No effusion.", ["Fracture of T12.", "No effusion."]),
    ("en", "XXXX opacity XXXX. XXXX lungs.", ["XXXX opacity XXXX.", "XXXX lungs."]),
    ("en", "The contour is normal.There is no mass.", ["The contour is normal.", "There is no mass."]),
    ("en", "Approx. 5 mm gap, e.g. old. Stable.", ["Approx. 5 mm gap, e.g. old.", "Stable."]),
    ("en", "No effusion No pneumothorax", ["No effusion", "No pneumothorax"]),
    (
        "en",
        "Bones: no fracture\n- no dislocation\n- effusion",
        ["Bones: no fracture", "- no dislocation", "- effusion"],
    ),
    ("en", "A fracture that was\nwrapped over two lines.", ["A fracture that was\nwrapped over two lines."]),
    ("en", "No fracture\n\nEffusion", ["No fracture", "Effusion"]),
    ("en", "INDICATION: Fall. FINDINGS: No fracture.", ["No fracture."]),
    ("en", "Clinical history:\nPneumonia.\nImpression:\nClear.", ["Clear."]),
    ("en", "COMPARISON: 03/04/2021.\nNo fracture. Effusion.", ["No fracture.", "Effusion."]),
    ("en", "History:\nFall on the hand\n\nNo fracture.", ["No fracture."]),
    ("en", "History: Fall.\nFracture?\nFindings: Clear.", ["Clear."]),
    ("en", "History: Fall from a ladder onto the outstretched arm, now with\npain.\nNo fracture.", ["No fracture."]),
    ("de", "Z. n. Sturz. V. a. Fraktur.", ["Z. n. Sturz.", "V. a. Fraktur."]),
    ("de", "Spalt ca. 3 mm, z. B. am Rand bzw. zentral.", ["Spalt ca. 3 mm, z. B. am Rand bzw. zentral."]),
    ("de", "Lunge o. B. Herz normal.", ["Lunge o. B.", "Herz normal."]),
    ("de", "Fraktur der 5. Rippe. Kein Erguss.", ["Fraktur der 5. Rippe.", "Kein Erguss."]),
    ("de", "Fragestellung: Fraktur? Befund: Kein Erguss.", ["Kein Erguss."]),
    ("de", "Fraktur links 5. Rippe. Herz 2. Kein Erguss.", ["Fraktur links 5. Rippe.", "Herz 2.", "Kein Erguss."]),
]


@pytest.mark.parametrize(("language", "text", "expected"), SENTENCES, ids=[text for _, text, _ in SENTENCES])
def test_text_is_divided_into_sentences(language: str, text: str, expected: list[str]) -> None:
    found = list(splitter(language).split(text))
    assert [sentence.text for sentence in found] == expected
    assert all(text[sentence.start :].startswith(sentence.text) for sentence in found)


@pytest.mark.parametrize(
    "text", [" " * 50_000, "no " * 20_000, "a. " * 20_000, "no fracture " * 5_000, ":;,\n" * 10_000, "x" * 50_000]
)
def test_hostile_text_is_cut_into_bounded_sentences(text: str) -> None:
    assert all(len(sentence.text) <= 2_000 for sentence in splitter("en").split(text))


@pytest.mark.parametrize(
    ("text", "expected"), [("", False), ("___ \n", False), ("XXXX 12.5 xx", False), ("clear", True), ("Ö", True)]
)
def test_a_mask_is_no_word(text: str, expected: bool) -> None:
    assert has_words(text) is expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("Ergüsse", "ergusse"),
        ("Oedem", "odem"),
        ("Ödem", "odem"),
        ("AUSZUSCHLIEẞEN", "auszuschliessen"),
        ("auszuschließen", "auszuschliessen"),
        ("Bennett's", "bennett"),
        ("V. a.", "v.a."),
        ("V.  a.", "v.a."),
        ("z.B", "z.b."),
    ],
)
def test_spellings_of_one_word_are_folded_into_one(word: str, expected: str) -> None:
    assert fold(word) == expected


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("pleural effusion", {"pleural effusion"}),
        ("no|without effusion", {"no effusion", "without effusion"}),
        ("[small] effusion", {"small effusion", "effusion"}),
        ("(fat pad|sail) sign", {"fat pad sign", "sail sign"}),
        ("no _ sign", {"no _ sign"}),
        ("no ... sign", {"no sign", "no _ sign", "no _ _ sign", "no _ _ _ sign"}),
        ("atelecta*", {"atelecta*"}),
        ("AC-Gelenk", {"ac gelenk"}),
        ("V. a.", {"v.a."}),
    ],
)
def test_the_phrase_language_is_written_out(phrase: str, expected: set[str]) -> None:
    assert {" ".join(words) for words in readings(phrase)} == expected


@pytest.mark.parametrize("phrase", ["", "[a]", "_ _", "[a|b|c|d|e] " * 8])
def test_a_phrase_without_words_or_with_too_many_readings_is_refused(phrase: str) -> None:
    if phrase == "[a]":
        assert readings(phrase) == (("a",),)
    else:
        with pytest.raises(TemplateError, match="phrase"):
            readings(phrase)


def found(trie: Trie, text: str) -> list[tuple[int, int, str]]:
    return [tuple(item) for item in trie.find([*TOKEN.findall(text), END])]


def test_every_phrase_is_found_in_one_pass() -> None:
    trie = Trie()
    for phrase in ("no", "no evidence of", "effusion", "pleural effusion", ": no $"):
        trie.add(phrase, phrase)
    assert sorted(found(trie, "No evidence of pleural effusion")) == [
        (0, 1, "no"),
        (0, 3, "no evidence of"),
        (3, 5, "pleural effusion"),
        (4, 5, "effusion"),
    ]
    assert (1, 4, ": no $") in found(trie, "Effusion: no")
    assert (1, 4, ": no $") not in found(trie, "Effusion: no longer")


@pytest.mark.parametrize(
    ("word", "matches"),
    [
        ("Fraktur", True),
        ("Frakturen", True),
        ("Radiuskopffraktur", True),
        ("Frakturlinie", False),
        ("Farktur", False),
        ("Luxation", True),
        ("Schulterluxationen", True),
        ("Subluxation", False),
        ("Luxatoin", True),
    ],
)
def test_german_words_bend_and_join(word: str, matches: bool) -> None:
    trie = Trie(Inflection(("", "en"), 6, ("sub",)))
    trie.add("Fraktur", "x", inflect=True)
    trie.add("Luxation", "x", inflect=True)
    assert bool(found(trie, word)) is matches


@pytest.mark.parametrize("text", ["V.a. Fraktur", "V. a. Fraktur", "V.  a. Fraktur", "V.\n a. Fraktur"])
def test_an_abbreviation_of_two_letters_is_one_word_however_it_is_spaced(text: str) -> None:
    assert [fold(word) for word in TOKEN.findall(text)] == ["v.a.", "fraktur"]
