/// Package `aggregator`: what clients and operators exchange with the aggregator (`proto/avs.proto`,
/// `proto/node.proto`).
public enum Wire {}

/// Package `aggregator.storage`: the records of the database (`proto/storage.proto`).
public enum Stored {}

/// Package `google.protobuf`: timestamps and boxed scalars. `Value` is `JSONValue`.
public enum WellKnown {}

/// Package `grpc.health.v1`.
public enum HealthV1 {}

/// Package `grpc.reflection.v1`.
public enum ReflectionV1 {}

/// Package `grpc.reflection.v1alpha`: the same messages under the name that older tools ask for.
public enum ReflectionV1Alpha {}
