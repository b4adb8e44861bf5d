import Testing
@testable import AVSPrimitives
@Suite("Hex") struct HexTests { @Test("exists") func exists() { _ = Hex.self } }
