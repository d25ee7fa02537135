"""JSON Schema of what is answered, in a few words; every rendered object is tested against its own."""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

Schema: TypeAlias = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
INTEGER: Final[Schema] = {"type": "integer"}
FLAG: Final[Schema] = {"type": "boolean"}
UNIX_TIME: Final[Schema] = {"type": "integer", "format": "unix-time"}
NULL: Final[Schema] = {"type": "null"}
METADATA: Final[Schema] = {"type": "object", "additionalProperties": TEXT}
ANYTHING: Final[Schema] = {"type": "object"}


def const(value: str) -> Schema:
    """Always the same word."""
    return {"type": "string", "const": value}


def one_of(*values: str) -> Schema:
    """One of some words."""
    return {"type": "string", "enum": [str(value) for value in values]}


def ref(name: str) -> Schema:
    """Another object of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def either(*schemas: Schema) -> Schema:
    """Any one of several."""
    return {"anyOf": list(schemas)}


def maybe(schema: Schema) -> Schema:
    """The same or null."""
    return either(schema, NULL)


def expandable(*names: str) -> Schema:
    """An id, or the object itself where it was asked for."""
    return either(TEXT, *(ref(name) for name in names))


def array(items: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": items}


def members(properties: Mapping[str, Schema], *, optional: tuple[str, ...] = ()) -> Schema:
    """An object with exactly these members, all of them there but the optional ones."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def or_gone(name: str, schema: Schema) -> Schema:
    """The object, or what is left of it once it was taken away."""
    deleted = {"type": "boolean", "const": True}
    return either(schema, members({"id": TEXT, "object": const(name), "deleted": deleted}))


def listed(name: str) -> Schema:
    """A page of objects."""
    return members({"object": const("list"), "url": TEXT, "has_more": FLAG, "data": array(ref(name))})


ERROR: Final = members(
    {
        "error": members(
            {
                "type": one_of("api_error", "card_error", "idempotency_error", "invalid_request_error"),
                "code": TEXT,
                "message": TEXT,
                "doc_url": TEXT,
                "param": TEXT,
                "charge": TEXT,
                "decline_code": TEXT,
                "advice_code": TEXT,
                "network_decline_code": TEXT,
                "expected_sequence": INTEGER,
                "payment_intent": ref("payment_intent"),
                "payment_method": ref("payment_method"),
            },
            optional=(
                "param",
                "charge",
                "decline_code",
                "advice_code",
                "network_decline_code",
                "expected_sequence",
                "payment_intent",
                "payment_method",
            ),
        )
    }
)
