"""A file descriptor set as Python values: what protoc understood of our .proto files.

Only the parts that the generator needs are read, with a protobuf reader of forty lines, so that no package has to be
installed. Numbers in comments are field numbers of google/protobuf/descriptor.proto.
"""

from dataclasses import dataclass, field as default

# FieldDescriptorProto.Type
DOUBLE, FLOAT, INT64, UINT64, INT32, FIXED64, FIXED32, BOOL, STRING, GROUP, MESSAGE, BYTES, UINT32, ENUM, \
    SFIXED32, SFIXED64, SINT32, SINT64 = range(1, 19)

TYPE_NAMES = {
    DOUBLE: "double", FLOAT: "float", INT64: "int64", UINT64: "uint64", INT32: "int32", FIXED64: "fixed64",
    FIXED32: "fixed32", BOOL: "bool", STRING: "string", BYTES: "bytes", UINT32: "uint32", SFIXED32: "sfixed32",
    SFIXED64: "sfixed64", SINT32: "sint32", SINT64: "sint64",
}


@dataclass
class Field:
    name: str
    number: int
    type: int
    repeated: bool
    type_name: str = ""  # full name without the leading dot, of a message or enum
    oneof: int | None = None
    optional: bool = False  # written `optional` in proto3; protoc adds a oneof of one
    deprecated: bool = False
    comment: str = ""


@dataclass
class Enum:
    full_name: str
    values: list  # of (name, number, comment), as declared
    allow_alias: bool = False
    comment: str = ""


@dataclass
class Message:
    full_name: str
    fields: list = default(default_factory=list)
    oneofs: list = default(default_factory=list)  # of (name, comment)
    messages: list = default(default_factory=list)
    enums: list = default(default_factory=list)
    is_map_entry: bool = False
    comment: str = ""

    @property
    def name(self):
        return self.full_name.rsplit(".", 1)[-1]

    def plain_fields(self):
        """Fields outside any oneof; `optional` ones count as plain."""
        return [f for f in self.fields if f.oneof is None or f.optional]

    def real_oneofs(self):
        """Pairs of (name, comment) and the members, without the oneofs that protoc adds for `optional`."""
        groups = []
        for index, oneof in enumerate(self.oneofs):
            members = [f for f in self.fields if f.oneof == index]
            if members and not members[0].optional:
                groups.append((oneof, members))
        return groups


@dataclass
class Method:
    name: str
    input: str
    output: str
    client_streaming: bool
    server_streaming: bool
    comment: str = ""


@dataclass
class Service:
    full_name: str
    methods: list
    comment: str = ""


@dataclass
class File:
    name: str
    package: str
    imports: list
    messages: list
    enums: list
    services: list

    def all_messages(self):
        """Every message of the file, outer before inner, in order of declaration."""
        pending = list(self.messages)
        while pending:
            message = pending.pop(0)
            yield message
            pending = list(message.messages) + pending

    def all_enums(self):
        yield from self.enums
        for message in self.all_messages():
            yield from message.enums


def _varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at


def wire_fields(data):
    """(number, value) pairs of one message; values are ints or bytes."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = _varint(data, at)
        else:
            size = {1: 8, 5: 4}.get(kind)
            if size is None:
                size, at = _varint(data, at)
            value, at = data[at:at + size], at + size
        yield tag >> 3, value


def _one(data, number, fallback):
    found = fallback
    for n, value in wire_fields(data):
        if n == number:
            found = value
    return found


def _text(data, number):
    return _one(data, number, b"").decode()


def _signed(value):
    return value - (1 << 64) if value >> 63 else value


def _all(data, number):
    return [value for n, value in wire_fields(data) if n == number]


def _comments(file_bytes):
    """Leading comments by path: {(4, 0, 2, 1): "text"} is the second field of the first message."""
    found = {}
    for info in _all(file_bytes, 9):  # source_code_info
        for location in _all(info, 1):
            packed, at, path = _one(location, 1, b""), 0, []
            while at < len(packed):
                step, at = _varint(packed, at)
                path.append(step)
            text = _text(location, 3)  # leading_comments
            if text:
                found[tuple(path)] = text
    return found


def _field(data, path, comments):
    options = _one(data, 8, b"")
    oneof = _one(data, 9, None)
    return Field(
        name=_text(data, 1), number=_one(data, 3, 0), type=_one(data, 5, 0), repeated=_one(data, 4, 0) == 3,
        type_name=_text(data, 6).lstrip("."), oneof=oneof, optional=bool(_one(data, 17, 0)),
        deprecated=bool(_one(options, 3, 0)), comment=comments.get(path, ""))


def _enum(data, scope, path, comments):
    values = [(_text(v, 1), _signed(_one(v, 2, 0)), comments.get(path + (2, i), "")) for i, v in enumerate(_all(data, 2))]
    return Enum(
        full_name=f"{scope}.{_text(data, 1)}".lstrip("."), values=values,
        allow_alias=bool(_one(_one(data, 3, b""), 2, 0)), comment=comments.get(path, ""))


def _message(data, scope, path, comments):
    full_name = f"{scope}.{_text(data, 1)}".lstrip(".")
    return Message(
        full_name=full_name,
        fields=[_field(f, path + (2, i), comments) for i, f in enumerate(_all(data, 2))],
        oneofs=[(_text(o, 1), comments.get(path + (8, i), "")) for i, o in enumerate(_all(data, 8))],
        messages=[_message(m, full_name, path + (3, i), comments) for i, m in enumerate(_all(data, 3))],
        enums=[_enum(e, full_name, path + (4, i), comments) for i, e in enumerate(_all(data, 4))],
        is_map_entry=bool(_one(_one(data, 7, b""), 7, 0)), comment=comments.get(path, ""))


def _service(data, scope, path, comments):
    methods = [
        Method(
            name=_text(m, 1), input=_text(m, 2).lstrip("."), output=_text(m, 3).lstrip("."),
            client_streaming=bool(_one(m, 5, 0)), server_streaming=bool(_one(m, 6, 0)),
            comment=comments.get(path + (2, i), ""))
        for i, m in enumerate(_all(data, 2))
    ]
    return Service(f"{scope}.{_text(data, 1)}".lstrip("."), methods, comments.get(path, ""))


def _file(data):
    package, comments = _text(data, 2), _comments(data)
    return File(
        name=_text(data, 1), package=package, imports=[d.decode() for d in _all(data, 3)],
        messages=[_message(m, package, (4, i), comments) for i, m in enumerate(_all(data, 4))],
        enums=[_enum(e, package, (5, i), comments) for i, e in enumerate(_all(data, 5))],
        services=[_service(s, package, (6, i), comments) for i, s in enumerate(_all(data, 6))])


def read_files(descriptor_set):
    """The files of a serialized FileDescriptorSet, imports first, as protoc orders them."""
    return [_file(data) for data in _all(descriptor_set, 1)]


def raw_files(descriptor_set):
    """{file name: serialized FileDescriptorProto}."""
    return {_text(data, 1): data for data in _all(descriptor_set, 1)}
