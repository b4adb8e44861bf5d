/// Who may start when connections are limited: owners take turns, so that one with a thousand requests delays another's
/// single one by at most one round (OVL-6).
struct AdmissionQueue<ID: Hashable> {
    struct Entry {
        var id: ID
        var host: String
        var owner: String
    }

    private struct Place: Hashable {
        var owner: String
        var host: String
    }

    private let limits: FetchLimits
    private var open: [ID: Place] = [:]
    private var openByHost: [String: Int] = [:]
    private var openByPlace: [Place: Int] = [:]
    private var waiting: [String: [Entry]] = [:]
    /// Owners with something waiting; the one that was served last stands last.
    private var turns: [String] = []
    private(set) var waitingCount = 0

    init(limits: FetchLimits) { self.limits = limits }

    /// Puts an entry behind its owner's others. False if it would have to wait and too many do already.
    mutating func add(_ entry: Entry) -> Bool {
        let ofOwner = waiting[entry.owner]?.count ?? 0
        let mayWait = waitingCount < limits.waiting && ofOwner < limits.waitingPerOwner
        guard mayWait || (ofOwner == 0 && open.count < limits.open && mayOpen(entry)) else { return false }
        if waiting[entry.owner] == nil { turns.append(entry.owner) }
        waiting[entry.owner, default: []].append(entry)
        waitingCount += 1
        return true
    }

    /// Forgets an entry, waiting or open.
    mutating func remove(_ id: ID) {
        if let place = open.removeValue(forKey: id) {
            openByHost[place.host] = lowered(openByHost[place.host])
            openByPlace[place] = lowered(openByPlace[place])
            return
        }
        for owner in turns {
            guard let index = waiting[owner]?.firstIndex(where: { $0.id == id }) else { continue }
            take(index, of: owner)
            return
        }
    }

    /// The next that may start, now counted as open; nil if none may.
    mutating func next() -> ID? {
        guard open.count < limits.open else { return nil }
        for (turn, owner) in turns.enumerated() {
            guard let index = waiting[owner]?.firstIndex(where: { mayOpen($0) }) else { continue }
            turns.remove(at: turn)
            turns.append(owner)
            guard let entry = take(index, of: owner) else { return nil }
            let place = Place(owner: owner, host: entry.host)
            open[entry.id] = place
            openByHost[place.host, default: 0] += 1
            openByPlace[place, default: 0] += 1
            return entry.id
        }
        return nil
    }

    private func mayOpen(_ entry: Entry) -> Bool {
        openByHost[entry.host, default: 0] < limits.openPerHost
            && openByPlace[Place(owner: entry.owner, host: entry.host), default: 0] < limits.openPerOwnerAndHost
    }

    @discardableResult
    private mutating func take(_ index: Int, of owner: String) -> Entry? {
        let entry = waiting[owner]?.remove(at: index)
        waitingCount -= 1
        if waiting[owner]?.isEmpty ?? true {
            waiting[owner] = nil
            turns.removeAll { $0 == owner }
        }
        return entry
    }

    private func lowered(_ count: Int?) -> Int? {
        guard let count, count > 1 else { return nil }
        return count - 1
    }
}
