/// What one message may cost us. All limits hold before anything is built from the bytes, except the last.
public enum ProtoLimits {
    /// Messages inside each other, the outermost included. protobuf-c descends with about 1 KiB of stack each, so this
    /// is a quarter of a MiB; JSON of ``valueDepth`` objects takes 193 of them.
    public static let messageDepth = 256

    /// Objects and lists inside each other in one `google.protobuf.Value`, as many as our JSON parser accepts.
    public static let valueDepth = 64

    /// Fields that this build does not know, in all of a message. A newer peer sends a few; each costs us a copy.
    public static let unknownFields = 1_024

    /// Bytes that protobuf-c may allocate for one message. An empty message takes two bytes on the wire and hundreds in
    /// memory. The worst that an honest encoder makes of 4 MiB, a list of a million nulls, takes 115 MiB.
    public static let memoryBytes = 128 << 20
}
