"""Emits the Swift types: one struct per message, one open enum per enum, one enum per oneof."""

import textwrap

import descriptors as d
import swiftnames as names

WIDTH = 120


def fit(line, indent):
    """The line, broken at its closure, its case or its conditional if it is too long at `indent` levels."""
    if len(line) + 4 * indent <= WIDTH:
        return [line]
    if line.startswith("case "):
        head, _, body = line.partition(": ")
        return [head + ":", "    " + body]
    if line.endswith(" }"):
        head, _, body = line[:-2].partition(" { ")
        return [head + " {", "    " + body, "}"]
    head, _, rest = line.partition(" ? ")
    return [head, "    ? " + rest]


def indented(lines, by=1):
    return [("    " * by + line) if line else "" for line in lines]


def doc(comment, indent):
    """Documentation lines for a proto comment, wrapped to the width that is left at `indent` levels."""
    paragraphs = [" ".join(p.split()) for p in comment.strip().split("\n\n")] if comment.strip() else []
    lines = []
    for paragraph in paragraphs:
        lines += ["///"] if lines else []
        lines += ["/// " + line for line in textwrap.wrap(paragraph, WIDTH - 4 - 4 * indent)]
    return lines


class Emitter:
    def __init__(self, types, ours, roles):
        self.types, self.ours, self.roles = types, ours, roles

    def file(self, file):
        """The body of <file>.messages.swift: everything inside `extension <namespace> { }`."""
        lines = []
        for enum in file.enums:
            if enum.full_name not in names.HIDDEN:
                lines += self._enum(enum, 1) + [""]
        for message in file.messages:
            if message.full_name not in names.HIDDEN:
                lines += self._message(message, 1) + [""]
        return lines[:-1]

    def _comment(self, thing, fallback, indent):
        text = thing.comment if self.ours else ""
        return doc(text or fallback, indent)

    def _enum(self, enum, indent):
        name = enum.full_name.rsplit(".", 1)[-1]
        lines = self._comment(enum, f"The enum `{enum.full_name}`.", indent)
        lines += [f"public struct {name}: ProtoEnum {{", "    public var rawValue: Int32",
                  "    public init(rawValue: Int32) { self.rawValue = rawValue }", ""]
        for value_name, number, comment in enum.values:
            lines += indented(doc(comment if self.ours else "", indent + 1))
            lines += [f"    public static let {names.enum_case(name, value_name)} = {name}(rawValue: {number})"]
        lines += ["", "    public static let declared: [(name: String, value: Self)] = ["]
        lines += [f'        ("{value_name}", {names.identifier("." + names.enum_case(name, value_name).strip("`"))}),'
                  for value_name, _, _ in enum.values]
        return lines + ["    ]", "}"]

    def _message(self, message, indent):
        fallback = self.roles.get(message.full_name, f"The message `{message.full_name}`.")
        lines = self._comment(message, fallback, indent)
        lines += [f"public struct {message.name}: ProtoMessage {{",
                  f'    public static let fullName = "{message.full_name}"', ""]
        body = []
        for enum in message.enums:
            body += self._enum(enum, indent + 1) + [""]
        for inner in message.messages:
            if not inner.is_map_entry:
                body += self._message(inner, indent + 1) + [""]
        for f in message.plain_fields():
            body += self._property(message, f, indent + 1)
        for (name, comment), members in message.real_oneofs():
            body += ([""] if body and body[-1] else []) + self._oneof(message, name, comment, members, indent + 1)
        body += ([""] if body and body[-1] else []) + ["public init() {}"]
        return lines + indented(body) + ["}"]

    def _property(self, message, f, indent):
        kind, zero = self.types.property(f)
        box = "@Indirect " if self.types.needs_box(message, f) else ""
        value = f" = {zero}" if zero is not None else " = nil" if box else ""
        return doc(f.comment if self.ours else "", indent) + [f"{box}public var {names.field(f)}: {kind}{value}"]

    def _oneof(self, message, name, comment, members, indent):
        kind = names.oneof_type(name)
        recursive = any(self.types.needs_box(message, f) for f in members)
        lines = doc((comment if self.ours else "") or f"One of the fields of `{name}`.", indent)
        lines += [f"public {'indirect ' if recursive else ''}enum {kind}: Hashable, Sendable {{"]
        for f in members:
            lines += indented(doc(f.comment if self.ours else "", indent + 1))
            lines += [f"    case {names.field(f)}({self.types.element(f)})"]
        return lines + ["}", "", f"public var {names.oneof_property(name)}: {kind}?"]


def roles(files):
    """What messages without a comment are for: {full name: "Request of `CreateTask`."}."""
    found = {}
    for file in files:
        for service in file.services:
            for method in service.methods:
                found.setdefault(method.input, f"Request of `{method.name}`.")
                found.setdefault(method.output, f"Answer of `{method.name}`.")
    return found
