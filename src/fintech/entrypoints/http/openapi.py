"""The OpenAPI 3.1 document, made of the same table and the same classes that serve the requests."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fintech.entrypoints.http.expanding import EXPANSIONS_MAX, Expander
from fintech.entrypoints.http.health import PROBES
from fintech.entrypoints.http.parameters import described
from fintech.entrypoints.http.routes import Method, Role, Route
from fintech.entrypoints.http.schema import ERROR, Schema, listed, ref
from fintech.entrypoints.http.settings import API_VERSION

PATH: Final = "/v1/openapi.json"

_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"
#: What any operation may answer instead; what each means is told by the error's code.
_ERRORS: Final = {
    "400": "The request is not well-formed, or what it asks for is not possible.",
    "401": "No API key, or one that opens nothing.",
    "402": "The card was declined, or its details are wrong.",
    "403": "This account may not do it.",
    "404": "There is no such thing in this account and mode.",
    "408": "The body did not arrive in time.",
    "409": "Another request is working on it; try again.",
    "410": "What it is about was destroyed, with the keys that protected it.",
    "413": "The body is too large.",
    "429": "Too many requests with this API key.",
    "500": "Something went wrong on our side.",
    "503": "Try again in a moment; nothing was done, or the same idempotency key tells what was.",
    "504": "It took too long; the same idempotency key tells what became of it.",
}


def document(
    routes: Sequence[Route[Any]], objects: Mapping[str, Schema], expander: Expander
) -> dict[str, Any]:
    """The document. ``objects`` are the schemas of what routes answer, by name."""
    paths: dict[str, dict[str, Any]] = {}
    expansions: dict[str, Schema] = {}
    for route in routes:
        reachable = expander.paths(route.answers, lists=route.lists)
        name = f"{route.answers}_{'list_' * route.lists}expansion"
        if reachable:
            expansions[name] = {"type": "string", "enum": reachable}
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(
            route, name if reachable else None
        )
    for path, (summary, content) in PROBES.items():
        paths[path] = {"get": _probe(path, summary, content)}
    paths[PATH] = {"get": _probe(PATH, "This document.", _JSON)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Fintech API", "version": API_VERSION},
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"basic": []}],
        "paths": paths,
        "components": {
            "schemas": {**objects, **expansions, "error": ERROR},
            "responses": {status: _error(about) for status, about in _ERRORS.items()},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic"},
            },
        },
    }


def _operation(route: Route[Any], expansion: str | None) -> dict[str, Any]:
    fields = {
        _on_the_wire(name, schema): (schema, required)
        for name, (schema, required) in described(route.params).items()
    }
    if expansion is not None:
        about = "Which ids of the answer to put the objects for."
        many = {"type": "array", "items": ref(expansion), "maxItems": EXPANSIONS_MAX, "description": about}
        fields["expand[]"] = (many, False)
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.name.partition(".")[0]],
        "parameters": [_in_path(variable) for variable in route.variables],
        "responses": {
            "200": {
                "description": "What was asked for.",
                "content": {_JSON: {"schema": listed(route.answers) if route.lists else ref(route.answers)}}
                | {each: {} for each in route.media_types},
            }
        }
        | {status: {"$ref": f"#/components/responses/{status}"} for status in _ERRORS},
    }
    if route.role is Role.SIGNER:
        operation["security"] = []
    elif route.method is not Method.GET:
        operation["parameters"].append(_IDEMPOTENCY_KEY)
    if route.method is Method.POST:
        operation["requestBody"] = _body(fields)
    else:
        operation["parameters"] += [_in_query(name, *field) for name, field in fields.items()]
    return operation


def _on_the_wire(name: str, schema: Schema) -> str:
    """How a parameter is spelt: a list's name is repeated with brackets."""
    return f"{name}[]" if schema.get("type") == "array" else name


def _in_path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _in_query(name: str, schema: Schema, required: bool) -> dict[str, Any]:
    parameter = {"name": name, "in": "query", "required": required, "schema": schema}
    return parameter | ({"style": "deepObject", "explode": True} if _nests(schema) else {})


def _body(fields: Mapping[str, tuple[Schema, bool]]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {name: schema for name, (schema, _) in fields.items()},
        "required": [name for name, (_, required) in fields.items() if required],
        "additionalProperties": False,
    }
    encoding = {
        name: {"style": "deepObject", "explode": True}
        for name, (schema, _) in fields.items()
        if _nests(schema)
    }
    required = any(required for _, required in fields.values())
    return {"required": required, "content": {_FORM: {"schema": schema, "encoding": encoding}}}


def _nests(schema: Schema) -> bool:
    """Whether its members' names go in brackets."""
    return schema.get("type") == "object" or any(_nests(each) for each in schema.get("anyOf", ()))


def _probe(path: str, summary: str, content: str) -> dict[str, Any]:
    schema: Schema = {"type": "object"} if content == _JSON else {"type": "string"}
    answer = {"description": summary, "content": {content: {"schema": schema}}}
    return {
        "operationId": path.strip("/").replace("/", ".").replace(".json", ""),
        "summary": summary,
        "tags": ["service"],
        "security": [],
        "responses": {"200": answer, "503": answer | {"description": "Not now."}},
    }


def _error(about: str) -> dict[str, Any]:
    return {"description": about, "content": {_JSON: {"schema": ref("error")}}}


_IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A name for this request: sent again under it, it is answered as the first time and done once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
}
