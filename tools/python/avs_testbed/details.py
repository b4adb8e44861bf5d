"""`google.rpc.Status` in `grpc-status-details-bin`, read by protobuf's own library."""

import grpc
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, duration_pb2, message_factory  # noqa: F401

TRAILER = "grpc-status-details-bin"


def _messages():
    """The published messages, as far as they are needed."""
    file = descriptor_pb2.FileDescriptorProto(
        name="avs_testbed/details.proto", package="google.rpc", syntax="proto3",
        dependency=["google/protobuf/any.proto", "google/protobuf/duration.proto"])
    kinds = descriptor_pb2.FieldDescriptorProto

    def add(parent, name, *fields):
        message = parent.add(name=name)
        for number, (field, kind, repeated, type_name) in enumerate(fields, 1):
            label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            message.field.add(name=field, number=number, type=kind, label=label, type_name=type_name)
        return message

    text, message = kinds.TYPE_STRING, kinds.TYPE_MESSAGE
    add(file.message_type, "Status", ("code", kinds.TYPE_INT32, False, None), ("message", text, False, None),
        ("details", message, True, ".google.protobuf.Any"))
    add(file.message_type, "RetryInfo", ("retry_delay", message, False, ".google.protobuf.Duration"))
    quota = add(file.message_type, "QuotaFailure",
                ("violations", message, True, ".google.rpc.QuotaFailure.Violation"))
    add(quota.nested_type, "Violation", ("subject", text, False, None), ("description", text, False, None))
    pool = descriptor_pool.Default()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"google.rpc.{name}"))
            for name in ("Status", "RetryInfo", "QuotaFailure")}


_MESSAGES = _messages()


class Details:
    """What a refusal says to a program."""

    def __init__(self, error: grpc.RpcError):
        status = _MESSAGES["Status"].FromString(dict(error.trailing_metadata())[TRAILER])
        assert (status.code, status.message) == (error.code().value[0], error.details())
        self.retry_seconds: float | None = None
        self.violations: list[tuple[str, str]] = []
        for detail in status.details:
            if detail.type_url.endswith("RetryInfo"):
                info = _MESSAGES["RetryInfo"].FromString(detail.value)
                self.retry_seconds = info.retry_delay.seconds + info.retry_delay.nanos / 1e9
            elif detail.type_url.endswith("QuotaFailure"):
                quota = _MESSAGES["QuotaFailure"].FromString(detail.value)
                self.violations += [(one.subject, one.description) for one in quota.violations]
