"""The scratch copy of a .proto file that protoc-c gets to see: the same bytes on the wire, told in simpler words.

- `string` becomes `bytes`, so that protobuf-c keeps the length and a NUL inside a text survives. (Its own option,
  `(pb_c_field).string_as_bytes`, gives the same C struct, but leaves the field's default pointing at a one-byte C
  string, which the library then reads as a 16-byte `ProtobufCBinaryData`.)
- `map<K, V>` becomes the repeated entry message that it stands for; protoc-c knows no maps. Keys and values are
  written even when they are zero, as Google's encoders do, hence the oneofs of one.
- `optional` becomes a oneof of one: protoc-c 1.4 refuses the keyword.
- Repeated numbers say `[packed = true]`, comments and reserved numbers are left out.
"""

import descriptors as d

PRESENCE = "has_"  # name of the oneof that carries the presence of one field: has_<field>


def has_presence(field, in_map_entry=False):
    """Whether the scratch copy wraps this field into a oneof of one. Messages know presence anyway."""
    return (field.optional or in_map_entry) and field.type != d.MESSAGE


def _type(field):
    if field.type in (d.MESSAGE, d.ENUM):
        return "." + field.type_name
    return "bytes" if field.type == d.STRING else d.TYPE_NAMES[field.type]


def _field_lines(field, in_map_entry):
    text = f"{_type(field)} {field.name} = {field.number}"
    if field.repeated:
        packable = field.type not in (d.STRING, d.BYTES, d.MESSAGE)
        return [f"repeated {text}{' [packed = true]' if packable else ''};"]
    if has_presence(field, in_map_entry):
        return [f"oneof {PRESENCE}{field.name} {{ {text}; }}"]
    return [text + ";"]


def _enum_lines(enum):
    yield f"enum {enum.full_name.rsplit('.', 1)[-1]} {{"
    if enum.allow_alias:
        yield "  option allow_alias = true;"
    yield from (f"  {name} = {number};" for name, number, _ in enum.values)
    yield "}"


def _message_lines(message):
    yield f"message {message.name} {{"
    for enum in message.enums:
        yield from ("  " + line for line in _enum_lines(enum))
    for inner in message.messages:
        yield from ("  " + line for line in _message_lines(inner))
    for field in message.plain_fields():
        yield from ("  " + line for line in _field_lines(field, message.is_map_entry))
    for (name, _), members in message.real_oneofs():
        yield f"  oneof {name} {{"
        yield from (f"    {_type(f)} {f.name} = {f.number};" for f in members)
        yield "  }"
    yield "}"


def _used_imports(file, home):
    """Imports that fields need; an import that only served an rpc would draw a warning."""
    used = {home[f.type_name] for m in file.all_messages() for f in m.fields if f.type_name}
    return [name for name in file.imports if name in used]


def text(file, home):
    """The scratch copy of one file. `home` tells the file of each type."""
    lines = ['syntax = "proto3";', f"package {file.package};", 'import "protobuf-c/protobuf-c.proto";']
    lines += [f'import "{name}";' for name in _used_imports(file, home)]
    lines += ["option (pb_c_file).gen_pack_helpers = false;"]  # AVSProto packs through the descriptors
    for enum in file.enums:
        lines += _enum_lines(enum)
    for message in file.messages:
        lines += _message_lines(message)
    return "\n".join(lines) + "\n"
