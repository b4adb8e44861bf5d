/// What one message may cost us. All limits hold before anything is built from the bytes, except the last.
public enum ProtoLimits {
    /// Messages inside each other, the outermost included. protobuf-c descends with about 1 KiB of stack each, so this
    /// is a quarter of a MiB; a `Value` tree of ``valueDepth`` objects takes 192 of them.
    public static let messageDepth = 256

    /// `google.protobuf.Value`s inside each other. The same depth that our JSON parser accepts.
    public static let valueDepth = 64

    /// Fields that this build does not know, in all of a message. A newer peer sends a few; each costs us a copy.
    public static let unknownFields = 1_024

    /// Bytes that protobuf-c may allocate for one message. An empty message takes two bytes on the wire and hundreds in
    /// memory; a message of 4 MiB that holds a real task, execution or JSON document stays below 40 MiB.
    public static let memoryBytes = 64 << 20
}
