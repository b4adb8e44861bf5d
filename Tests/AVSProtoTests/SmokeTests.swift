import AVSProto
import Testing
@Test func smoke() throws {
    let r = Wire.IdReq.with { $0.id = "x" }
    #expect(r.serialized() == [10, 1, 120])
    #expect(try Wire.IdReq(serialized: [10, 1, 120]) == r)
}
