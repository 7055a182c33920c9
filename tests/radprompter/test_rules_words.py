"""How compounds are opened and cut-off words completed, in languages that join words."""

from __future__ import annotations

import pytest

from radprompter.rules.phrases import END, Inflection, Trie
from radprompter.rules.words import Compounds, divide_words

LISTED = ("Erguss", "Ergüsse", "Pleuraerguss", "Stauung", "Infiltrat*", "Fraktur", "Herzkontur", "Frakturlinie*")
TAILS = ("frei*", "verdächtig*", "zeichen", "linie")


@pytest.fixture(scope="module")
def compounds() -> Compounds:
    trie = Trie(Inflection(("", "en", "e", "s"), 6))
    for word in LISTED:
        trie.add(word, word, inflect=True)
    return Compounds(trie, TAILS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ergussfreie Pleura", "Erguss -freie Pleura"),
        ("ERGUSSFREIE PLEURA", "ERGUSS -FREIE PLEURA"),
        ("stauungsfrei", "stauungs -frei"),
        ("frakturverdaechtiger Spalt", "fraktur -verdaechtiger Spalt"),
        ("infiltratfrei", "infiltrat -frei"),
        ("Pleuraergusszeichen", "Pleuraerguss -zeichen"),
        ("Fraktur-verdächtig", "Fraktur -verdächtig"),
        ("einwandfrei, verdächtig frei", "einwandfrei , verdächtig frei"),
        ("Frakturlinie", "Frakturlinie"),
        ("Pleura- und Perikarderguss", "Pleuraerguss und Perikarderguss"),
        ("Pleura-/Perikarderguss", "Pleuraerguss / Perikarderguss"),
        ("Stauungs- oder deutliche Infiltratzeichen", "Stauungs -zeichen oder deutliche Infiltrat -zeichen"),
        ("Herz-, Hilus- und Mediastinalkontur", "Herzkontur , Hilus und Mediastinalkontur"),
        ("Rippen- oder Wirbelfrakturen", "Rippenfrakturen oder Wirbelfrakturen"),
        ("2- und mehr", "2 und mehr"),
        ("Ober- und Unterarm", "Ober und Unterarm"),
        ("AC-Gelenk", "AC Gelenk"),
    ],
)
def test_words_of_a_joining_language(compounds: Compounds, text: str, words: str) -> None:
    found, spans = divide_words(text, compounds)
    assert " ".join(found[:-1]) == words
    assert found[-1] == END
    assert [start for start, _ in spans] == sorted(start for start, _ in spans)
    assert all(start <= end <= len(text) for start, end in spans)


def test_a_compound_is_opened_where_a_known_finding_ends(compounds: Compounds) -> None:
    assert divide_words("Keimfrei", compounds)[0] == ["Keimfrei", END]
    assert divide_words("Keimfrei", compounds, [4]) == (["Keim", "-frei", END], [(0, 4), (4, 8), (8, 8)])
    assert divide_words("Keimling", compounds, [4])[0] == ["Keimling", END]


def test_other_languages_keep_their_words() -> None:
    assert divide_words("Effusion-free pleura- and", None)[0] == ["Effusion", "free", "pleura", "and", END]
