"""How things are called in Swift."""

import re

import descriptors as d

# Package → the enum that holds its types.
NAMESPACES = {
    "aggregator": "Wire",
    "aggregator.storage": "Stored",
    "google.protobuf": "WellKnown",
    "grpc.health.v1": "HealthV1",
    "grpc.reflection.v1": "ReflectionV1",
    "grpc.reflection.v1alpha": "ReflectionV1Alpha",
    "grpc.testing": "GRPCTesting",
    "avs.testing": "Kinds",
}

# Messages that are values of AVSPrimitives or of the standard library. Their coding is written by hand.
BUILT_IN = {
    "google.protobuf.Value": "JSONValue",
    "google.protobuf.Struct": "[String: JSONValue]",
    "google.protobuf.ListValue": "[JSONValue]",
}
# Parts of the above that no message of ours may use directly.
HIDDEN = set(BUILT_IN) | {"google.protobuf.Struct.FieldsEntry", "google.protobuf.NullValue"}

SCALARS = {
    d.DOUBLE: "Double", d.FLOAT: "Float", d.INT64: "Int64", d.UINT64: "UInt64", d.INT32: "Int32", d.FIXED64: "UInt64",
    d.FIXED32: "UInt32", d.BOOL: "Bool", d.STRING: "String", d.BYTES: "[UInt8]", d.UINT32: "UInt32",
    d.SFIXED32: "Int32", d.SFIXED64: "Int64", d.SINT32: "Int32", d.SINT64: "Int64",
}

KEYWORDS = set(
    "as associatedtype borrowing break case catch class consuming continue default defer deinit do else enum extension "
    "fallthrough false fileprivate for func guard if import in init inout internal is let nil nonisolated open operator "
    "precedencegroup private protocol public repeat rethrows return self static struct subscript super switch throw "
    "throws true try typealias var where while".split())


def camel(name):
    """user_op_hash → userOpHash; pathParams stays."""
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def identifier(name):
    return f"`{name}`" if name in KEYWORDS else name


def field(f):
    return identifier(camel(f.name))


def oneof_property(name):
    return identifier(camel(name))


def oneof_type(name):
    return "OneOf_" + camel("_" + name)


def words(name):
    """ExecutionTier → ["execution", "tier"]."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*", name)]


def enum_case(enum_name, value_name):
    """TRIGGER_TYPE_FIXED_TIME → fixedTime, EXECUTION_TIER_1 → tier1, MonitorTaskTrigger → monitorTaskTrigger."""
    if not value_name.isupper():
        return identifier(value_name[:1].lower() + value_name[1:])
    prefix = "_".join(words(enum_name)).upper() + "_"
    short = value_name.removeprefix(prefix).lower()
    if short[0].isdigit():
        short = words(enum_name)[-1] + short
    return identifier(camel(short))


class Types:
    """Swift names of all messages and enums of a run."""

    def __init__(self, files):
        self.messages, self._names = {}, dict(BUILT_IN)
        for file in files:
            if file.package not in NAMESPACES:
                raise SystemExit(f"{file.name}: package {file.package} has no Swift namespace; add one to swiftnames.py")
            for thing in [*file.all_messages(), *file.all_enums()]:
                local = thing.full_name.removeprefix(file.package + ".")
                self._names.setdefault(thing.full_name, f"{NAMESPACES[file.package]}.{local}")
            self.messages |= {m.full_name: m for m in file.all_messages()}
        self._recursive = {name for name in self.messages if self._reaches(name, name)}

    def name(self, full_name):
        return self._names[full_name]

    def element(self, f):
        """The type of one value of a field."""
        if f.type in (d.MESSAGE, d.ENUM):
            if f.type_name in HIDDEN - set(BUILT_IN):
                raise SystemExit(f"field {f.name}: {f.type_name} has no Swift type of its own")
            return self.name(f.type_name)
        return SCALARS[f.type]

    def map_entry(self, f):
        """The entry message if the field is a map, else None."""
        message = self.messages.get(f.type_name) if f.type == d.MESSAGE else None
        return message if message is not None and message.is_map_entry else None

    def property(self, f):
        """The type of a field's property, and its default."""
        entry = self.map_entry(f)
        if entry is not None:
            return f"[{self.element(entry.fields[0])}: {self.element(entry.fields[1])}]", "[:]"
        element = self.element(f)
        if f.repeated:
            return f"[{element}]", "[]"
        if f.type == d.MESSAGE or f.optional:
            return element + "?", None
        return element, self._zero(f, element)

    def _zero(self, f, element):
        if f.type == d.ENUM:
            return ".init(rawValue: 0)"
        return {"String": '""', "Bool": "false", "[UInt8]": "[]"}.get(element, "0")

    def needs_box(self, message, f):
        """Whether a singular field leads back to its own message, so that the struct cannot hold it in place."""
        return (f.type == d.MESSAGE and not f.repeated and f.type_name not in BUILT_IN
                and message.full_name in self._recursive and self._reaches(f.type_name, message.full_name, True))

    def _reaches(self, start, goal, from_itself=False):
        """Whether values of `start` hold values of `goal` in place: through singular fields and oneofs."""
        pending, seen = [start], set()
        if from_itself and start == goal:
            return True
        while pending:
            for f in self.messages[pending.pop()].fields:
                if f.type != d.MESSAGE or f.repeated or f.type_name in BUILT_IN or f.type_name in seen:
                    continue
                if f.type_name == goal:
                    return True
                seen.add(f.type_name)
                pending.append(f.type_name)
        return False
