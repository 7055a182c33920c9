"""Jinja as this project runs it: sandboxed, strict about undefined names, inheriting along a region's folders.

A template is looked for in the region's own folder, then in the folders that it extends, then in ``_shared``. A name
may also say the folder (``_shared/system.en.jinja``, ``chest/system.en.jinja``), which is how an override extends what
it overrides.
"""

from __future__ import annotations

import contextlib
import json
import re
import traceback
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, PrefixLoader, StrictUndefined, meta, nodes
from jinja2 import TemplateError as JinjaError
from jinja2.exceptions import TemplateNotFound, TemplateSyntaxError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from radprompter.errors import TemplateError
from radprompter.prompting.sections import suggest
from radprompter.region import Region
from radprompter.shipped import shipped


class _Undefined(StrictUndefined):
    """A name that is not known: any use of it fails, and says what was probably meant."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        name, owner = str(self._undefined_name), self._undefined_obj
        if owner is missing:
            hint = " (only user messages know the report)" if name == "report" else ""
            return f"undefined variable {name!r}{hint}"
        known = map(str, owner) if isinstance(owner, Mapping) else (k for k in dir(owner) if not k.startswith("_"))
        return f"undefined {name!r} of a {_noun(owner)}{suggest(name, sorted(known))}"


def template_folders(region: Region) -> tuple[Path, ...]:
    """Where the templates of a region are looked for, in order.

    The shared words about an answer have a longer form in ``_typed`` for regions that ask more than states; the others
    never meet it, so that their prompts and hashes do not depend on it.
    """
    shared = shipped("templates") / "_shared"
    own = tuple(folder for folder in region.folders if folder != shared)
    return (*own, *([shipped("templates") / "_typed"] if region.asks_more else []), shared)


class Sandbox:
    """The templates of one region, compiled on use; `sources` keeps the text of each that was looked at."""

    def __init__(self, folders: Iterable[Path], variables: Iterable[str]) -> None:
        self.folders = tuple(dict.fromkeys((*folders, shipped("templates") / "_shared")))
        self.variables = frozenset(variables)
        self.sources: dict[str, str] = {}
        self._stored: set[str] = set()  # names that templates define themselves
        self._environment = ImmutableSandboxedEnvironment(
            loader=_loader(self.folders), undefined=_Undefined, trim_blocks=True, lstrip_blocks=True, auto_reload=False
        )
        self._environment.filters["json"] = _json
        del self._environment.filters["random"]  # the same report gives the same prompt
        del self._environment.globals["lipsum"]

    def render(self, name: str, values: Mapping[str, Any]) -> str:
        """The text of a template, without empty lines at its ends.

        Raises
        ------
        TemplateError
            Naming file and line; never a value, because values may be patient data.
        """
        self.check(name)
        with self._explained(name):
            return self._environment.get_template(name).render(values).strip("\n")

    def check(self, name: str) -> None:
        """Read a template and all that it extends, includes or imports.

        Raises
        ------
        TemplateError
            If one is absent, is not valid Jinja, uses a name that does not exist, or computes a template's name.
        """
        for problem in self.problems(name):
            raise TemplateError(problem)

    def problems(self, *names: str) -> Iterator[str]:
        """What is wrong with some templates and all that they refer to, as far as reading them shows."""
        trees: list[tuple[nodes.Template, str]] = []
        for name in names:
            try:
                trees.extend(self._read(name))
            except TemplateError as error:
                yield str(error)
        for tree, _ in trees:
            self._stored.update(_stored_names(tree))
        known = sorted(self.variables | self._stored)
        for tree, file in trees:
            try:
                with self._explained(file):
                    undeclared = meta.find_undeclared_variables(tree)
            except TemplateError as error:
                yield str(error)
                continue
            for unknown in sorted(undeclared.difference(known)):
                line = next((node.lineno for node in tree.find_all(nodes.Name) if node.name == unknown), 1)
                yield f"{file}:{line}: undefined variable {unknown!r}{suggest(unknown, known)}"

    def _read(self, name: str, *, asked_by: str = "") -> Iterator[tuple[nodes.Template, str]]:
        """Syntax trees and files of a template and of those it refers to, as far as they were not read before."""
        if name in self.sources:
            return
        source, file = self._source(name, asked_by)
        self.sources[name] = source
        with self._explained(name):
            tree = self._environment.parse(source, name, file)
        yield tree, file
        for other in meta.find_referenced_templates(tree):
            if other is None:
                raise TemplateError(f"{file}: computes the name of a template; write it out, so that it can be checked")
            yield from self._read(other, asked_by=f"{file}: ")

    def _source(self, name: str, asked_by: str) -> tuple[str, str]:
        try:
            assert self._environment.loader is not None
            source, file, _ = self._environment.loader.get_source(self._environment, name)
        except TemplateNotFound:
            places = ", ".join(str(folder) for folder in self.folders)
            known = sorted({path.name for folder in self.folders for path in folder.glob("*.jinja")})
            raise TemplateError(f"{asked_by}no template {name!r}{suggest(name, known)} (looked in {places})") from None
        except UnicodeDecodeError as error:
            raise TemplateError(f"{asked_by}template {name!r}: not UTF-8 text (byte {error.start})") from None
        return source, file or name

    @contextlib.contextmanager
    def _explained(self, name: str) -> Iterator[None]:
        """Turn what goes wrong in a template into one clear error with file and line."""
        try:
            yield
        except TemplateSyntaxError as error:
            file = error.filename if error.filename and not error.filename.startswith("<") else name
            raise TemplateError(f"{file}:{error.lineno}: {error.message}") from None
        except UndefinedError as error:
            raise TemplateError(f"{_place(error, name)}: {self._without_values(str(error.message))}") from None
        except RecursionError:
            raise TemplateError(f"{name}: templates that extend or include each other in a circle") from None
        except (JinjaError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise TemplateError(f"{_place(error, name)}: {type(error).__name__} while rendering") from None

    def _without_values(self, message: str) -> str:
        """The message, if the name that it quotes stands in a template; a computed name may be patient data."""
        quoted = re.match(r"undefined (?:variable )?'(\w+)'", message)
        written = quoted and any(quoted.group(1) in source for source in self.sources.values())
        return message if written else "undefined value"


def _loader(folders: Iterable[Path]) -> BaseLoader:
    by_name: dict[str, list[Path]] = {}
    for folder in folders:
        by_name.setdefault(folder.name, []).append(folder)
    named = {name: FileSystemLoader(same) for name, same in by_name.items()}
    return ChoiceLoader([FileSystemLoader(tuple(folders)), PrefixLoader(named)])


def _stored_names(tree: nodes.Template) -> Iterator[str]:
    """Names that a template defines: by ``set``, ``for``, ``macro`` or ``import``."""
    yield from (node.name for node in tree.find_all(nodes.Name) if node.ctx != "load")
    yield from (node.name for node in tree.find_all(nodes.Macro))
    yield from (node.target for node in tree.find_all(nodes.Import))
    for node in tree.find_all(nodes.FromImport):
        yield from (name if isinstance(name, str) else name[1] for name in node.names)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)  # the text of an undefined value is an error


def _noun(value: Any) -> str:
    return re.sub(r"View$", "", type(value).__name__).lower()


def _place(error: BaseException, name: str) -> str:
    """File and line of the innermost template that was being rendered."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(".jinja")]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else name
