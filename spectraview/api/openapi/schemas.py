"""JSON schemas of msgspec's types, of raw members too."""

from collections.abc import Iterable
from functools import cache, reduce
from operator import or_
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import NODEFAULT, UNSET, Meta, Struct, UnsetType

REFERENCE = "#/components/schemas/{name}"

Schema = dict[str, Any]


def schemas_of(kinds: Iterable[Any]) -> tuple[list[Schema], dict[str, Schema]]:
    """Return the schema of each type, and the components that they refer to."""
    schemas, components = msgspec.json.schema_components(
        [documented(kind) for kind in kinds], ref_template=REFERENCE
    )
    return list(schemas), components


@cache
def documented(kind: Any) -> Any:
    """Return the type with what its raw members hold in their place, as the parser notes it.

    The parser keeps such members as bytes, and checks them with a decoder of their own.
    """
    if isinstance(kind, type) and issubclass(kind, Struct):
        return _documented_struct(kind)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _documented_annotation(*arguments)
    if origin in (Union, UnionType):
        return reduce(or_, map(documented, arguments))
    return list[documented(arguments[0])] if origin is list else kind  # type: ignore[misc]


def _documented_annotation(kind: Any, *notes: Any) -> Any:
    for note in notes:
        if isinstance(note, Meta) and note.extra and "holds" in note.extra:
            held = documented(note.extra["holds"])
            return Annotated[held, Meta(description=note.description)]
    return Annotated[(documented(kind), *notes)]


def _documented_struct(kind: type[Struct]) -> type[Struct]:
    settings, hints = kind.__struct_config__, get_type_hints(kind, include_extras=True)
    fields: list[tuple[str, Any, Any]] = []
    for field in msgspec.structs.fields(kind):
        held, default = documented(hints[field.name]), field.default
        if isinstance(default, msgspec.Raw):
            held, default = held | UnsetType, UNSET
        elif field.default_factory is not NODEFAULT:
            default = msgspec.field(default_factory=field.default_factory)
        fields.append((field.name, held, default))
    return msgspec.defstruct(
        kind.__name__,
        fields,
        rename={field.name: field.encode_name for field in msgspec.structs.fields(kind)},
        tag_field=settings.tag_field,
        tag=settings.tag,
        forbid_unknown_fields=settings.forbid_unknown_fields,
        namespace={"__doc__": kind.__doc__},
        kw_only=True,
    )
