import AVSModel
import AVSPrimitives
import AVSStorage

// What our own records hold is read as strictly as what a peer sends: a disk can change (reliability-security 5.1).

extension TaskID {
    init(recorded text: String) throws {
        guard let id = TaskID(text) else { throw MalformedValue("'\(text.prefix(64))' is no task id") }
        self = id
    }
}

extension ExecutionID {
    init(recorded text: String) throws {
        guard let id = ExecutionID(text) else { throw MalformedValue("'\(text.prefix(64))' is no execution id") }
        self = id
    }
}

extension Address {
    init(recorded text: String) throws {
        guard let address = Address(text) else { throw MalformedValue("'\(text.prefix(64))' is no address") }
        self = address
    }
}
