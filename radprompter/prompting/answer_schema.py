"""The JSON schema of an answer, as the strict mode of OpenAI's structured outputs wants it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from radprompter.region import Region


def answer_schema(region: Region) -> dict[str, Any]:
    """JSON schema of an answer: an object with every finding, in order, and nothing else."""
    return _object({name: _spellings(region, name) for name in region.schema.names})


def finding_schema(region: Region, finding: str) -> dict[str, Any]:
    """JSON schema of an answer about one finding: an object with ``answer``, equal for findings with equal states."""
    return _object({"answer": _spellings(region, finding)})


def _spellings(region: Region, finding: str) -> dict[str, Any]:
    return {"type": "string", "enum": [region.spelling[state] for state in region.allowed(finding)]}


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    required = list(properties)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def answer_tokens(schema: Mapping[str, Any]) -> int:
    """Tokens that no valid answer exceeds: the bytes of the longest one, indented and in a code fence."""
    longest = {name: max(allowed["enum"], key=len) for name, allowed in schema["properties"].items()}
    return len(json.dumps(longest, indent=4, ensure_ascii=False).encode()) + len("```json\n\n```")
