"""Emits what is known about calls, and the file descriptors that reflection hands out."""

import base64

import swiftnames as names
from swift_messages import doc, indented


def _method(types, m, ours):
    lines = doc(m.comment if ours else "", 2)
    arguments = f'service, "{m.name}"'
    if m.client_streaming:
        arguments += ", clientStreaming: true"
    if m.server_streaming:
        arguments += ", serverStreaming: true"
    property = f"public static let {_property(m)} = ProtoMethod<{types.name(m.input)}, {types.name(m.output)}>("
    if len(property) + len(arguments) + 1 <= 112:
        return lines + [f"{property}{arguments})"]
    if len(property) > 112:
        property = property.replace(" = ", "\n            = ")
    return lines + [property, f"    {arguments})"]


def _property(m):
    return names.identifier(m.name[:1].lower() + m.name[1:])


def services(types, file, ours):
    """The body of <file>.services.swift, inside `extension <namespace> { }`."""
    lines = []
    for service in file.services:
        name = service.full_name.rsplit(".", 1)[-1]
        lines += doc((service.comment if ours else "") or f"The calls of `{service.full_name}`.", 1)
        lines += [f"public enum {name}Methods {{", f'    public static let service = "{service.full_name}"', ""]
        for m in service.methods:
            lines += indented(_method(types, m, ours))
        lines += ["", "    /// Every call of the service, in order of declaration.",
                  "    public static let all: [AnyProtoMethod] = ["]
        lines += [f"        .init({_property(m)})," for m in service.methods]
        lines += ["    ]", "}", ""]
    return lines[:-1]


def symbols(file):
    """Full names that reflection may be asked for: services, methods, messages, enums, enum values."""
    found = []
    for service in file.services:
        found += [service.full_name] + [f"{service.full_name}.{m.name}" for m in service.methods]
    found += [m.full_name for m in file.all_messages()]
    for enum in file.all_enums():
        scope = enum.full_name.rpartition(".")[0]
        found += [enum.full_name] + [f"{scope}.{name}".lstrip(".") for name, _, _ in enum.values]
    return found


def _descriptor(file, raw):
    encoded = base64.b64encode(raw).decode()
    lines = [encoded[at:at + 100] + "\\" for at in range(0, len(encoded), 100)]
    lines[-1] = lines[-1].rstrip("\\")
    return [
        "FileDescriptor(", f'    name: "{file.name}",',
        f"    imports: [{', '.join(f'{chr(34)}{name}{chr(34)}' for name in file.imports)}],",
        f"    services: [{', '.join(f'{chr(34)}{s.full_name}{chr(34)}' for s in file.services)}],",
        '    symbols: """', *(f"        {symbol}" for symbol in symbols(file)), '        """,',
        '    base64: """', *("        " + line for line in lines), '        """),',
    ]


def file_descriptors(files, raw):
    """The body of FileDescriptors.swift: imports come before what imports them."""
    lines = ["extension FileDescriptors {", "    /// Every file, each after the files that it imports.",
             "    public static let all: [FileDescriptor] = ["]
    for file in files:
        lines += indented(_descriptor(file, raw[file.name]), 2)
    return lines + ["    ]", "}"]
