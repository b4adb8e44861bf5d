/// Package `avs.testing`: the messages of `Fixture/kinds.proto`.
enum Kinds {}
