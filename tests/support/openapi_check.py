"""Whether a document is an OpenAPI 3.1 document, of those parts that ours uses, and whether an answer
is one of those that it describes. Schemas are looked at by the JSON Schema of Debian's jsonschema.
"""

import copy
import re

import jsonschema

METHODS = ("get",)  # the API is read-only


def _closed(needed, /, **properties):
    """An object with these members and no others: a misspelt keyword must not pass for none."""
    return {"type": "object", "required": needed.split(), "properties": properties,
            "additionalProperties": False}


_TEXT = {"type": "string", "minLength": 1}
_ANY = {"type": ["object", "boolean"]}
_REF = _closed("$ref", **{"$ref": {"type": "string", "pattern": "^#/components/"}})
_PARAMETER = _closed("name in schema description", name=_TEXT, description=_TEXT, schema=_ANY,
                     required={"type": "boolean"}, **{"in": {"enum": ["query", "path", "header"]}})
_MEDIA = {"type": "object", "minProperties": 1, "propertyNames": {"pattern": r"^[a-z]+/[a-z.+-]+$"},
          "additionalProperties": _closed("schema", schema=_ANY)}
_RESPONSE = _closed("description", description=_TEXT, content=_MEDIA)
_OPERATION = _closed(
    "operationId summary responses", operationId=_TEXT, summary=_TEXT,
    parameters={"type": "array", "items": {"anyOf": [_REF, _PARAMETER]}},
    responses={"type": "object", "required": ["200", "default"],
               "propertyNames": {"pattern": "^([1-5][0-9][0-9]|default)$"},
               "additionalProperties": {"anyOf": [_REF, _RESPONSE]}})
_DOCUMENT = _closed(
    "openapi info paths components", openapi={"type": "string", "pattern": r"^3\.1\.\d+$"},
    info=_closed("title version", title=_TEXT, version=_TEXT, summary=_TEXT, description=_TEXT,
                 license=_closed("name identifier", name=_TEXT, identifier=_TEXT)),
    servers={"type": "array", "items": _closed("url", url=_TEXT, description=_TEXT)},
    security={"type": "array", "items": {"type": "object"}},
    paths={"type": "object", "propertyNames": {"pattern": "^/"},
           "additionalProperties": _closed("get", **{name: _OPERATION for name in METHODS})},
    components=_closed("schemas", schemas={"type": "object", "additionalProperties": _ANY},
                       parameters={"type": "object", "additionalProperties": _PARAMETER},
                       responses={"type": "object", "additionalProperties": _RESPONSE},
                       securitySchemes={"type": "object"}))


def _walk(node):
    yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _walk(child)


def _names_of(document, reference):
    node = document
    for name in reference.removeprefix("#/").split("/"):
        node = node[name]
    return node


def check(document):
    """AssertionError, or jsonschema's, says what is wrong with the document."""
    jsonschema.Draft202012Validator(_DOCUMENT).validate(document)
    components = document["components"]
    for schema in components["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    used = {node["$ref"] for node in _walk(document) if isinstance(node, dict) and "$ref" in node}
    for reference in used:
        _names_of(document, reference)
    for kind in ("schemas", "parameters", "responses"):
        for name in components.get(kind, {}):
            assert f"#/components/{kind}/{name}" in used, f"{kind}/{name} is used nowhere"
    for requirement in document.get("security", []):
        assert set(requirement) <= set(components.get("securitySchemes", {})), requirement
    ids = [o["operationId"] for p in document["paths"].values() for o in p.values()]
    assert len(ids) == len(set(ids)), "operationIds are unique"


def parameters(document, path):
    """The names of a path's parameters."""
    found = document["paths"][path]["get"].get("parameters", [])
    return [(_names_of(document, p["$ref"]) if "$ref" in p else p)["name"] for p in found]


def _strict(document):
    """The components, with no member in any answer that they do not have: what clients must allow
    for, since later versions add some, and what the document of this one may not leave out."""
    document = copy.deepcopy(document)
    parts = [part for node in _walk(document) if isinstance(node, dict)
             for part in node.get("allOf", [])]
    named = {part.get("$ref") for part in parts}
    mixed_in = [_names_of(document, name) for name in named if name] + parts
    for node in _walk(document["components"]["schemas"]):
        if isinstance(node, dict) and ("properties" in node or "allOf" in node) and \
                "additionalProperties" not in node and not any(node is p for p in mixed_in):
            node["unevaluatedProperties"] = False
    return document["components"]


def check_answer(document, path, status, content_type, body):
    """jsonschema's error where the answer is none that the document has for the path."""
    responses = document["paths"][path]["get"]["responses"]
    response = responses.get(str(status), responses["default"])
    if "$ref" in response:
        response = _names_of(document, response["$ref"])
    media = response["content"][re.split(r"\s*;", content_type)[0]]
    schema = {**media["schema"], "components": _strict(document)}
    jsonschema.Draft202012Validator(schema).validate(body)
