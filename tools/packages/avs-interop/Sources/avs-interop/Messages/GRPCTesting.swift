/// Package `grpc.testing`: the messages of `Proto/testing.proto`.
enum GRPCTesting {}
