"""What is wrong with how the findings of a region file name one another: `implies` and `depends_on`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from radprompter.findings import Finding, circles
from radprompter.prompting.sections import suggest
from radprompter.typed_yaml import Document


def implying(document: Document, own: Mapping[str, Finding], findings: Mapping[str, Finding]) -> Iterator[str]:
    """`implies` that names an unknown finding or goes in a circle."""
    known = dict.fromkeys((*findings, *(str(name) for name, _ in items(document.data.get("findings")))))
    for name, finding in own.items():
        where = place(document, "findings", name, "implies")
        for other in finding.implies:
            if other not in known:
                yield f"{where} {name} implies {other!r}, which the region lacks{suggest(other, known)}"
        if name in general(findings, name):
            yield f"{where} {name} implies itself, directly or by way of others"


def general(findings: Mapping[str, Finding], name: str) -> frozenset[str]:
    """Every finding that a finding implies, directly or by way of others; itself only in a circle."""
    seen: set[str] = set()
    ahead = list(findings[name].implies)
    while ahead:
        other = ahead.pop()
        if other in findings and other not in seen:
            seen.add(other)
            ahead += findings[other].implies
    return frozenset(seen)


def depending(document: Document, own: Mapping[str, Finding], findings: Mapping[str, Finding]) -> Iterator[str]:
    """`depends_on` that names an unknown finding or goes in a circle; also of findings that were taken over."""
    known = dict.fromkeys((*findings, *(str(name) for name, _ in items(document.data.get("findings")))))
    for name, finding in findings.items():
        for other in finding.depends_on:
            if other not in known:
                where = place(document, *(("findings", name, "depends_on", other) if name in own else ("take",)))
                yield f"{where} {name} depends on {other!r}, which the region lacks{suggest(other, known)}"
    for circle in circles(findings):
        where = place(document, "findings", next((name for name in circle if name in own), ""), "depends_on")
        yield f"{where} {circle[0]} depends on itself: {' -> '.join((*circle, circle[0]))}"


def items(value: object) -> list[tuple[object, object]]:
    """Keys and values of what should be a mapping; none if it is not."""
    return list(value.items()) if isinstance(value, dict) else []


def place(document: Document, *where: str) -> str:
    """File and line of a key, for the beginning of a message."""
    line = document.line(where)
    return f"{document.source}:{line}:" if line else f"{document.source}:"
