"""Emits the way between a Swift struct and its C struct, and the shape that incoming bytes are checked against."""

import cside
import descriptors as d
import scratch
import swiftnames as names
from swift_messages import fit, indented

_VARINTS = {d.INT64, d.UINT64, d.INT32, d.UINT32, d.BOOL, d.ENUM, d.SINT32, d.SINT64}
_FIXED64 = {d.DOUBLE, d.FIXED64, d.SFIXED64}
_FIXED32 = {d.FLOAT, d.FIXED32, d.SFIXED32}


class Emitter:
    def __init__(self, types, c_names, module):
        self.types, self.c_names, self.module = types, c_names, module

    def file(self, file):
        """The body of <file>.coding.swift."""
        lines = []
        for message in file.all_messages():
            if message.is_map_entry or message.full_name in names.HIDDEN:
                continue
            lines += self._message(message) + [""]
        return lines[:-1]

    def _message(self, message):
        name, c = self.types.name(message.full_name), self.c_names[message.full_name]
        lines = [
            f"extension {name}: MessageShape, @unsafe CBridged {{",
            f"    typealias CType = {c.struct}",
            "    static var descriptor: UnsafePointer<ProtobufCMessageDescriptor> {",
            f"        unsafe {cside.accessor(self.module, c)}()",
            "    }",
            "",
        ]
        lines += indented(self._shape(message)) + [""]
        lines += indented(self._copying(message, c)) + [""]
        lines += indented(self._fill(message, c)) + [""]
        lines += ["    public init(serialized bytes: Span<UInt8>) throws(ProtoError) { self = try unsafe Self.decoded(bytes) }",
                  "    public func serialized(headroom: Int) -> [UInt8] { unsafe encoded(headroom: headroom) }", "}"]
        for entry in (m for m in message.messages if m.is_map_entry):
            lines += [""] + self._entry(name, entry)
        return lines

    def _entry(self, outer, entry):
        return [f"extension {outer} {{", f"    enum {entry.name}: MessageShape {{",
                f'        static var fullName: String {{ "{entry.full_name}" }}', "",
                *indented(self._shape(entry), 2), "    }", "}"]

    # Shapes

    def _kind(self, f):
        plural = "s" if f.repeated else ""
        if f.type in _VARINTS:
            return ".varint" + plural
        if f.type in _FIXED64:
            return ".fixed64" + plural
        if f.type in _FIXED32:
            return ".fixed32" + plural
        if f.type == d.MESSAGE:
            return f".{self._occurrence(f)}({self._shape_name(f)}.self)"
        return ".text" if f.type == d.STRING else ".bytes"

    def _occurrence(self, f):
        if f.repeated:
            return "messages"
        if f.oneof is not None and not f.optional:
            return "alternative"
        if f.number > 127:
            raise SystemExit(f"field {f.name}: a single message needs a number below 128 (FieldShape.message)")
        return "message"

    def _shape_name(self, f):
        entry = self.types.map_entry(f)
        if entry is None:
            return self.types.name(f.type_name)
        return f"{self.types.name(entry.full_name.rsplit('.', 1)[0])}.{entry.name}"

    def _shape(self, message):
        kinds = {}
        for f in message.fields:
            kinds.setdefault(self._kind(f), []).append(str(f.number))
        if not kinds:
            return ["static func shape(of field: UInt32) -> FieldShape { .unknown }"]
        return ["static func shape(of field: UInt32) -> FieldShape {", "    switch field {",
                *(f"    case {', '.join(numbers)}: {kind}" for kind, numbers in kinds.items()),
                "    default: .unknown", "    }", "}"]

    # C → Swift

    def _copied(self, f, source):
        """An expression that copies one value out of C."""
        if f.type == d.STRING:
            return f"String(copying: {source})"
        if f.type == d.BYTES:
            return f"[UInt8](copying: {source})"
        if f.type == d.BOOL:
            return f"{source} != 0"
        if f.type == d.ENUM:
            return f"{self.types.name(f.type_name)}(copying: {source}.rawValue)"
        return f"required({source})" if f.type == d.MESSAGE else source

    def _copying(self, message, c):
        lines = []
        for f in message.plain_fields():
            lines += fit(f"{names.field(f)} = unsafe {self._property_copied(f, c.fields[f.number])}", 2)
        for (name, _), members in message.real_oneofs():
            lines += self._oneof_copied(name, members, c)
        return [f"init(copying c: UnsafePointer<{c.struct}>) {{", *indented(lines), "}"]

    def _property_copied(self, f, c):
        entry = self.types.map_entry(f)
        if entry is not None:
            e = self.c_names[entry.full_name].fields
            key, value = (self._copied(part, f"$0.pointee.{e[part.number].member}") for part in entry.fields)
            return f"dictionary(c.pointee.{c.member}, c.pointee.{c.quantifier}) {{ unsafe ({key}, {value}) }}"
        if f.repeated:
            return self._list_copied(f, c)
        if f.type == d.MESSAGE:
            return f"optional(c.pointee.{c.member})"
        value = self._copied(f, f"c.pointee.{c.member}")
        if scratch.has_presence(f):
            return f"c.pointee.{c.quantifier}.rawValue == {f.number} ? {value} : nil"
        return value

    def _list_copied(self, f, c):
        arguments = f"c.pointee.{c.member}, c.pointee.{c.quantifier}"
        if f.type == d.MESSAGE:
            return f"messages({arguments})"
        if f.type in (d.STRING, d.BYTES):
            return f"list({arguments}) {{ unsafe {self._copied(f, '$0')} }}"
        if f.type in (d.BOOL, d.ENUM):
            return f"list({arguments}) {{ {self._copied(f, '$0')} }}"
        return f"list({arguments})"

    def _oneof_copied(self, name, members, c):
        lines = [f"switch unsafe c.pointee.{c.fields[members[0].number].quantifier}.rawValue {{"]
        for f in members:
            value = self._copied(f, f"c.pointee.{c.fields[f.number].member}")
            lines += fit(f"case {f.number}: {names.oneof_property(name)} = unsafe .{names.camel(f.name)}({value})", 2)
        return lines + [f"default: {names.oneof_property(name)} = nil", "}"]

    # Swift → C

    def _filled(self, f, source):
        """An expression that puts one value into C."""
        if f.type == d.STRING:
            return f"arena.text({source})"
        if f.type == d.BYTES:
            return f"arena.bytes({source})"
        if f.type == d.BOOL:
            return f"{source} ? 1 : 0"
        if f.type == d.ENUM:
            return f".init(rawValue: .init(truncatingIfNeeded: {source}.rawValue))"
        return f"arena.message({source})" if f.type == d.MESSAGE else source

    def _unsafe_filled(self, f, source):
        """The same for an expression of its own, which says whether it is unsafe."""
        value = self._filled(f, source)
        return f"unsafe {value}" if value.startswith("arena.") else value

    def _fill(self, message, c):
        lines = []
        for f in message.plain_fields():
            lines += self._property_filled(f, c.fields[f.number])
        for (name, _), members in message.real_oneofs():
            lines += self._oneof_filled(name, members, c)
        return [f"func fill(_ c: UnsafeMutablePointer<{c.struct}>, in arena: Arena) {{", *indented(lines), "}"]

    def _property_filled(self, f, c):
        name = names.field(f)
        entry = self.types.map_entry(f)
        if entry is not None:
            return self._map_filled(f, c, entry)
        if f.repeated:
            call = (f"arena.messages({name})" if f.type == d.MESSAGE
                    else f"arena.list({name}) {{ {self._unsafe_filled(f, '$0')} }}")
            return fit(f"unsafe (c.pointee.{c.member}, c.pointee.{c.quantifier}) = {call}", 2)
        if f.type == d.MESSAGE or f.optional:
            return [f"if let value = {name} {{",
                    *indented(self._presence(f, c)),
                    f"    unsafe c.pointee.{c.member} = {self._filled(f, 'value')}", "}"]
        return [f"unsafe c.pointee.{c.member} = {self._filled(f, name)}"]

    def _presence(self, f, c, in_map_entry=False, target="c"):
        if not scratch.has_presence(f, in_map_entry):
            return []
        return [f"unsafe {target}.pointee.{c.quantifier} = .init(rawValue: {f.number})"]

    def _map_filled(self, f, c, entry):
        e = self.c_names[entry.full_name]
        lines = []
        for part, source in zip(entry.fields, ("key", "value")):
            lines += self._presence(part, e.fields[part.number], True, "entry")
            lines += [f"unsafe entry.pointee.{e.fields[part.number].member} = {self._filled(part, source)}"]
        return [f"unsafe (c.pointee.{c.member}, c.pointee.{c.quantifier}) = arena.entries(",
                f"    {names.field(f)}, {cside.accessor(self.module, e)}()",
                f") {{ (entry: UnsafeMutablePointer<{e.struct}>, key, value) in", *indented(lines), "}"]

    def _oneof_filled(self, name, members, c):
        lines = [f"switch {names.oneof_property(name)} {{", "case nil: break"]
        for f in members:
            cf = c.fields[f.number]
            lines += [f"case .{names.camel(f.name)}(let value):",
                      f"    unsafe c.pointee.{cf.quantifier} = .init(rawValue: {f.number})",
                      f"    unsafe c.pointee.{cf.member} = {self._filled(f, 'value')}"]
        return lines + ["}"]
