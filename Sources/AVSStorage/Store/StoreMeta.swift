/// What a store on disk keeps about itself (DUR-11), in the table `meta:` and in every commit.
///
/// Updates may read these keys; what they write to them is overwritten. ``MemoryStore`` has none of them.
public enum StoreMeta {
    public static let table = Table(prefix: "meta:")
    /// ``BigEndianNumber``: number of the last commit, one higher with each. An update that reads it is part of a
    /// later commit.
    public static let commit = Array("meta:commit".utf8)
    /// ``BigEndianNumber``: one higher with each start of the process.
    public static let epoch = Array("meta:epoch".utf8)
    /// 16 random bytes, made with the database.
    public static let databaseID = Array("meta:id".utf8)
}
