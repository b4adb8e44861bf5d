import AVSPrimitives
import Testing

@Suite("A sensitive value")
struct SensitiveTests {
    @Test("LOG-3: shows nothing however it is printed")
    func hidden() {
        struct Holder { var secret = Sensitive("hunter2") }
        var dump = ""
        Swift.dump(Holder(), to: &dump)
        let shown = ["\(Holder())", String(reflecting: Holder()), String(describing: Sensitive("hunter2")), dump]
        for text in shown { #expect(!text.contains("hunter2") && text.contains("•••")) }
        #expect(Mirror(reflecting: Sensitive("hunter2")).children.isEmpty)
        #expect(Sensitive("a") == Sensitive("a") && Sensitive("a") != Sensitive("b"))
    }
}
