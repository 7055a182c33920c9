"""Typed YAML: a file in, a frozen model out, or one error that lists every problem with its line and a suggestion."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from radprompter.errors import RecipeError

MAX_BYTES = 1_000_000
MAX_ALIASES = 100

Where = tuple[str | int, ...]


class Section(BaseModel):
    """A part of a recipe: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


SectionT = TypeVar("SectionT", bound=BaseModel)


class _Loader(yaml.SafeLoader):
    """The safe loader, which also refuses repeated keys and floods of aliases."""

    n_aliases = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            self.n_aliases += 1
            if self.n_aliases > MAX_ALIASES:
                raise yaml.YAMLError(f"more than {MAX_ALIASES} aliases")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: dict[Any, int] = {}
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            line = key_node.start_mark.line + 1
            if isinstance(key, str) and key in seen:
                raise yaml.YAMLError(f"key {key!r} stands on line {seen[key]} and again on line {line}")
            if isinstance(key, str):
                seen[key] = line
        return super().construct_mapping(node, deep)


class Document:
    """A YAML file read into plain data, with the line of every key."""

    def __init__(self, source: str, data: dict[str, Any], lines: Mapping[Where, int]) -> None:
        self.source = source
        self.data = data
        self.lines = lines

    def line(self, where: Where) -> int | None:
        """The line of a key, or of the nearest key around it."""
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where)


def read_yaml(path: Path) -> Document:
    """Read a YAML file as plain data.

    Raises
    ------
    RecipeError
        If the file is absent, too large, not UTF-8, not YAML, repeats a key or is not a mapping.
    """
    if not path.is_file():
        raise RecipeError(f"{path}: no such file")
    if path.stat().st_size > MAX_BYTES:
        raise RecipeError(f"{path}: larger than {MAX_BYTES:,} bytes, which no recipe is")
    try:
        return parse_yaml(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None


def parse_yaml(text: str, source: str) -> Document:
    """Parse YAML text; `source` names it in errors."""
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        data = loader.construct_document(node) if node is not None else None
        lines = dict(_lines(node, ())) if node is not None else {}
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{source}:{mark.line + 1}" if mark else source
        problem = getattr(error, "problem", None) or str(error) or "nested too deeply"
        raise RecipeError(f"{where}: not valid YAML: {problem}") from None
    finally:
        loader.dispose()
    if node is None or not isinstance(data, dict):
        raise RecipeError(
            f"{source}: expected keys and values, found {'nothing' if data is None else type(data).__name__}"
        )
    return Document(source, data, lines)


def _lines(node: yaml.Node, where: Where) -> Iterable[tuple[Where, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*where, str(key.value))
            yield here, key.start_mark.line + 1
            yield from _lines(value, here)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield (*where, index), value.start_mark.line + 1
            yield from _lines(value, (*where, index))


def override(document: Document, settings: Sequence[str]) -> Document:
    """The document after ``a.b=value`` settings; values are read as YAML.

    Raises
    ------
    RecipeError
        If a setting has no ``=`` or goes through something that is not a mapping.
    """
    data = _copy(document.data)
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise RecipeError(f"--set {setting!r}: expected a.b=value")
        target = data
        *parents, last = name.split(".")
        for parent in parents:
            step = target.setdefault(parent, {})
            if not isinstance(step, dict):
                raise RecipeError(f"--set {setting!r}: {parent!r} is not a section")
            target = step
        try:
            target[last] = yaml.load(value, _Loader)  # noqa: S506 - a safe loader
        except yaml.YAMLError:
            raise RecipeError(f"--set {setting!r}: {value!r} is not valid YAML") from None
    return Document(document.source, data, document.lines)


def substitute(document: Document, names: Mapping[str, str]) -> Document:
    """The document with every ``{name}`` in its texts replaced, for the given names."""

    def replace(value: Any) -> Any:
        if isinstance(value, str):
            for name, text in names.items():
                value = value.replace("{" + name + "}", text)
            return value
        if isinstance(value, dict):
            return {key: replace(item) for key, item in value.items()}
        if isinstance(value, list):
            return [replace(item) for item in value]
        return value

    data = {key: replace(value) for key, value in document.data.items()}
    return Document(document.source, data, document.lines)


def open_document(path: Path, *, settings: Sequence[str] = (), out: Path | None = None) -> Document:
    """Read a recipe file, apply ``a.b=value`` settings and the output folder, and fill in ``{out}``."""
    document = override(read_yaml(path), settings)
    folder = str(out if out is not None else document.data.get("out") or f"runs/{path.stem}")
    data = {**document.data, "out": folder}
    return substitute(Document(document.source, data, document.lines), {"out": folder})


def validate(model: type[SectionT], document: Document, *, within: Where = ()) -> SectionT:
    """The typed model of a document, or of the part of it that is `within`.

    Raises
    ------
    RecipeError
        With one line for every problem: where, what was found, what was expected, and the key that was probably meant.
    """
    data: Any = document.data
    for step in within:
        data = data[step]
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = [_problem(model, document, within, item) for item in error.errors(include_url=False)]
        raise RecipeError("\n".join(dict.fromkeys(problems))) from None


def _problem(model: type[BaseModel], document: Document, within: Where, item: Any) -> str:
    where: Where = (*within, *item["loc"])
    line = document.line(where)
    place = f"{document.source}:{line}" if line else document.source
    name = ".".join(str(step) for step in where) or "the file"
    if item["type"] == "extra_forbidden":
        meant = _suggestion(model, item["loc"])
        return f"{place}: {name}: unknown key{meant}"
    if item["type"] == "missing":
        return f"{place}: {name}: required, but absent"
    if item["type"] == "value_error":
        return f"{place}: {name}: {item['ctx']['error']}"
    found = item.get("input")
    shown = f" (found {found!r})" if isinstance(found, (str, int, float, bool)) else ""
    return f"{place}: {name}: {item['msg'][0].lower()}{item['msg'][1:]}{shown}"


def _suggestion(model: type[BaseModel], where: Where) -> str:
    known = sorted(_keys(model, where[:-1]))
    close = difflib.get_close_matches(str(where[-1]), known, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known keys: {', '.join(known)}" if known else ""


def _keys(model: type[BaseModel], where: Where) -> set[str]:
    """Names that may stand at a place of a model."""
    models = [model]
    for step in where:
        inner = [field for m in models for name, field in m.model_fields.items() if step in (name, field.alias)]
        nested = [found for field in inner for found in _models(field.annotation)]
        models = nested or models  # a step may also name a branch of a union or a key of a mapping
    return {field.alias or name for m in models for name, field in m.model_fields.items()}


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in getattr(annotation, "__args__", ()) for found in _models(part)]


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value
