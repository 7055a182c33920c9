"""Everything that is wrong with a region folder, at once: what loading it refuses, and what shows only later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from radprompter.attributes import Attribute
from radprompter.dependence import unreachable
from radprompter.errors import RadprompterError, RecipeError, TemplateError
from radprompter.labels import LABELS
from radprompter.prompting.examples import example_problems, has_examples
from radprompter.prompting.personas import is_persona
from radprompter.prompting.relations import depending, general, implying, items, place
from radprompter.prompting.sandbox import Sandbox
from radprompter.prompting.sections import suggest
from radprompter.prompting.strategies import FEW_SHOT, STRATEGIES
from radprompter.prompting.strict import strict_problems
from radprompter.prompting.templates import load_template
from radprompter.prompting.views import VARIABLES, languages
from radprompter.records import Report
from radprompter.region import LANGUAGES, REGION_FILE, Finding, Region, RegionFile, load_region
from radprompter.shipped import shipped
from radprompter.typed_yaml import Document, read_yaml, validate

_PROBE = Report("probe", {"report": "Probe."})


def check_region(folder: Path, templates: Path | None = None) -> list[str]:
    """Every problem of a region folder, each once, with file and line where there is one; none if it is sound.

    Found are: what loading the region or one of its templates refuses (in every strategy and every complete language),
    undefined variables, findings that stand twice, unknown or circular `implies`, texts or synonyms that lack a
    language which the region uses, `depends_on` that is unknown, circular or can never hold, words that two unrelated
    findings share, spellings that mean two states, names that differ by case or dash alone, overrides that override
    nothing, wrong examples, and answer schemas that a strict endpoint refuses.
    """
    folder = folder.resolve()
    path = folder / REGION_FILE
    try:
        document = read_yaml(path)
    except RecipeError as error:
        return list(dict.fromkeys([*_repeated(path), *str(error).splitlines(), *_unread(folder, ())]))
    parent = _parent(document, folder, templates)
    own = _findings(document)
    findings = _inherited(document, parent) | own
    found = dict.fromkeys(_typed(document))
    found |= dict.fromkeys(implying(document, own, findings))
    found |= dict.fromkeys(depending(document, own, findings))
    found |= dict.fromkeys(_texts(document, own))
    found |= dict.fromkeys(_shared(document, own, findings))
    found |= dict.fromkeys(_names(document, own, findings))
    found |= dict.fromkeys(_unread(folder, parent.folders if parent else ()))
    found |= dict.fromkeys(_spellings(document))
    found |= dict.fromkeys(example_problems(folder, templates))
    found |= dict.fromkeys(_loading(folder, templates))
    return list(found)


def find_regions(name: str | None, templates: Path | None) -> list[Path]:
    """The region folders that a name means: a path, a region of `templates`, all regions in a folder; all if ``None``.

    Raises
    ------
    TemplateError
        If there is none.
    """
    known = templates or shipped("templates")
    for found in (known / name, Path(name)) if name else (known,):
        if (found / REGION_FILE).is_file():
            return [found]
        if inside := sorted(path.parent for path in found.glob(f"*/{REGION_FILE}")):
            return inside
    raise TemplateError(
        f"{name or known}: no region folder, nor a folder with some; a region is a folder with a {REGION_FILE}"
    )


def _typed(document: Document) -> list[str]:
    try:
        validate(RegionFile, document)
    except RecipeError as error:
        return [line for line in str(error).splitlines() if "is spelled for both" not in line]  # see `_spellings`
    return []


def _findings(document: Document) -> dict[str, Finding]:
    """The file's own findings, as far as each is well-formed by itself."""
    found: dict[str, Finding] = {}
    raw = document.data.get("findings")
    for name in raw if isinstance(raw, dict) else ():
        try:
            found[str(name)] = validate(Finding, document, within=("findings", name))
        except RecipeError:
            continue  # is named by `_typed`
    return found


def _parent(document: Document, folder: Path, templates: Path | None) -> Region | None:
    name = document.data.get("extends")
    for known in (folder.parent, templates, shipped("templates")):
        if isinstance(name, str) and known is not None and (known / name).resolve() != folder:
            try:
                return load_region(str(known / name), templates=known)
            except RadprompterError:
                continue  # is named when the region itself is loaded
    return None


def _inherited(document: Document, parent: Region | None) -> dict[str, Finding]:
    take = document.data.get("take")
    findings = parent.findings if parent else {}
    return {name: finding for name, finding in findings.items() if not isinstance(take, list) or name in take}


def _texts(document: Document, own: Mapping[str, Finding]) -> Iterator[str]:
    """Texts that lack a language which another text of the file has."""
    title = document.data.get("title")
    texts = [title if isinstance(title, dict) else {}]
    texts += [part for finding in own.values() for part in (finding.title, finding.definition, finding.synonyms)]
    used = [language for language in LANGUAGES if any(language in part for part in texts)]
    for language in used:
        if not str(texts[0].get(language) or "").strip():
            yield f"{place(document, 'title')} the region has no title in {language!r}"
        for name, finding in own.items():
            for kind, words in (("title", finding.title), ("definition", finding.definition)):
                if not words.get(language, "").strip():
                    yield f"{place(document, 'findings', name, kind)} {name} has no {kind} in {language!r}"
            for key, attribute in finding.attributes.items():
                yield from _attribute_texts(document, name, key, attribute, language)
            if not finding.synonyms.get(language) and name != document.data.get("no_finding"):
                where = place(document, "findings", name, "synonyms")
                yield f"{where} {name} has no synonyms in {language!r}; the rules would know it by its title alone"


def _attribute_texts(document: Document, name: str, key: str, attribute: Attribute, language: str) -> Iterator[str]:
    where, what = place(document, "findings", name, "attributes", key), f"attribute {key!r} of {name}"
    if not attribute.titles.get(language, "").strip():
        yield f"{where} {what} has no title in {language!r}"
    if attribute.description and not attribute.description.get(language, "").strip():
        yield f"{where} {what} has no description in {language!r}"
    for value, texts in attribute.choices.items():
        if texts and language not in texts and language != "en":  # in English the value is a word itself
            yield f"{where} value {value!r} of {what} has no word in {language!r}"


def _shared(document: Document, own: Mapping[str, Finding], findings: Mapping[str, Finding]) -> Iterator[str]:
    """Words that stand for two findings of which neither implies the other."""
    implied = {name: general(findings, name) for name in findings}
    for language in LANGUAGES:
        meant: dict[str, list[str]] = {}
        for name, finding in findings.items():
            words = (finding.title.get(language, ""), *finding.synonyms.get(language, ()))
            for word in dict.fromkeys(word.strip().casefold() for word in words):
                meant.setdefault(word, []).append(name)
        for word, names in meant.items():
            for index, name in enumerate(names):
                for other in names[:index]:
                    if word and name not in implied[other] and other not in implied[name] and {name, other} & set(own):
                        where = place(document, "findings", name if name in own else other, "synonyms", language)
                        yield f"{where} {other} and {name} share {word!r} ({language}), and neither implies the other"


def _names(document: Document, own: Mapping[str, Finding], findings: Mapping[str, Finding]) -> Iterator[str]:
    no_finding = document.data.get("no_finding")
    if isinstance(no_finding, str) and findings and no_finding not in findings:
        yield f"{place(document, 'no_finding')} no_finding names {no_finding!r}, which the region lacks"
    seen: dict[str, str] = {}
    for name in findings:
        other = seen.setdefault("".join(filter(str.isalnum, name.casefold())), name)
        if other != name and {name, other} & set(own):
            yield f"{place(document, 'findings', name)} {other} and {name} differ by case or dashes alone"


def _spellings(document: Document) -> Iterator[str]:
    """Words that would be understood as two states."""
    spelling, aliases = document.data.get("spelling"), document.data.get("aliases")
    words = [("spelling", str(state), str(word)) for state, word in items(spelling)]
    words += [("spelling", str(state), str(state)) for state in LABELS if state not in dict(items(spelling))]
    for state, others in items(aliases):
        words += [("aliases", str(state), str(word)) for word in (others if isinstance(others, list) else ())]
    meant: dict[str, str] = {}
    for kind, state, word in words:
        other = meant.setdefault(word.strip().casefold(), state)
        if other != state:
            yield f"{place(document, kind, state)} {word!r} is spelled for both {other} and {state}"


def _unread(folder: Path, parents: tuple[Path, ...]) -> Iterator[str]:
    """What reading the folder's templates shows, and overrides that nothing reads."""
    shared, typed = shipped("templates") / "_shared", shipped("templates") / "_typed"
    elsewhere = {path.name for place in (*parents, shared, typed) for path in place.glob("*.jinja")}
    own = {path.name: path for path in sorted(folder.glob("*.jinja"))}
    sandbox = Sandbox((folder, *parents, typed), VARIABLES)
    yield from sandbox.problems(*own)
    for name, path in own.items():
        asked_by_others = any(name in source for other, source in sandbox.sources.items() if other != name)
        if name not in elsewhere and not asked_by_others and not is_persona(name):
            yield f"{path}: overrides nothing, and no template refers to it{suggest(name, sorted(elsewhere))}"


def _loading(folder: Path, templates: Path | None) -> Iterator[str]:
    """What loading refuses, in every complete language and strategy; what a strict endpoint would refuse."""
    try:
        region = load_region(str(folder), templates=templates)
    except RadprompterError as error:
        # by `implying`, `_spellings` and `depending`
        named = ("implies findings that the region lacks", "is spelled for both", "depends on findings", "on itself:")
        yield from (line for line in str(error).splitlines() if not any(words in line for words in named))
        return
    document = read_yaml(folder / REGION_FILE)
    for name, problem in unreachable(region):
        yield f"{place(document, 'findings', name, 'depends_on')} {problem}"
    for language in languages(region):
        for strategy in STRATEGIES:
            if strategy == FEW_SHOT and not has_examples(region, language):
                continue
            try:
                template = load_template(region, language=language, strategy=strategy)
            except RadprompterError as error:
                yield str(error)
                continue
            for turn in template.render(_PROBE).turns:
                for problem in strict_problems(turn.json_schema) if turn.json_schema is not None else ():
                    yield f"{folder / REGION_FILE}: a strict endpoint would refuse the answer schema: {problem}"


def _repeated(path: Path) -> Iterator[str]:
    """Every key that stands twice in the file, which the loader refuses at the first."""
    try:
        twice = list(_twice(yaml.compose(path.read_text(encoding="utf-8"), yaml.SafeLoader)))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError):
        return
    for name, line, first in twice:
        yield f"{path}: not valid YAML: key {name!r} stands on line {first} and again on line {line}"


def _twice(node: yaml.Node | None) -> Iterator[tuple[str, int, int]]:
    if not isinstance(node, yaml.MappingNode):
        return
    seen: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        first = seen.setdefault(str(key.value), line)
        if first != line:
            yield str(key.value), line, first
        yield from _twice(value)
