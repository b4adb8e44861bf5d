import AVSPrimitives
import NIOCore

/// The addresses of a target: those that it names, or what its name was resolved to last (CH-3). Lives on the channel's
/// event loop.
///
/// `@unchecked`: everything that changes is touched on that loop only.
final class AddressSource: @unchecked Sendable {
    typealias Answer = Result<[Target.Address], ResolutionFailure>

    let target: Target
    private let resolver: any NameResolver
    private let shuffles: Bool
    private let interval: Duration
    private let timeout: Duration
    private let loop: LoopContext
    private let time: any TimeSource
    /// What the name was resolved to last; kept while it cannot be resolved again.
    private var known: [Target.Address] = []
    private var resolvedAt: ContinuousClock.Instant?
    private var waiting: [(Answer) -> Void] = []
    private var resolution: Task<Void, Never>?
    private var timer: Scheduled<Void>?

    init(_ target: Target, _ configuration: RPCChannel.Configuration, loop: LoopContext, time: any TimeSource) {
        self.target = target
        resolver = configuration.resolver
        shuffles = configuration.shufflesAddresses
        interval = configuration.resolutionInterval
        timeout = configuration.connectTimeout
        self.loop = loop
        self.time = time
    }

    /// The name may lead elsewhere later.
    var isName: Bool { target.name != nil }

    /// Until the name may be resolved again.
    var pause: Duration {
        guard let resolvedAt else { return .zero }
        return max(.zero, time.monotonic.duration(to: resolvedAt + interval))
    }

    /// Calls `then` once, now or when the name is resolved; not after ``cancel()``. At least one address.
    func find(_ then: @escaping (Answer) -> Void) {
        guard let name = target.name else { return then(.success(ordered(target.addresses))) }
        if pause > .zero { return then(.success(ordered(known))) }
        waiting.append(then)
        guard resolution == nil else { return }
        timer = loop.eventLoop.scheduleTask(in: TimeAmount(timeout)) {
            self.finish(.failure(ResolutionFailure(host: name.host, reason: "no answer in \(self.timeout)")))
        }
        let (resolver, eventLoop) = (resolver, loop.eventLoop)
        resolution = Task {  // ends with its answer, or is cancelled by `finish` and `cancel`
            let answer: Answer
            do {
                let found = try await resolver.resolve(name.host, port: name.port)
                answer = .success(
                    Self.alternating(found).prefix(Target.addressLimit).map { .host($0.ip, port: $0.port) })
            } catch {
                answer = .failure(ResolutionFailure(host: name.host, reason: "\(error)"))
            }
            guard !Task.isCancelled else { return }
            eventLoop.execute { self.finish(answer) }
        }
    }

    private func finish(_ answer: Answer) {
        guard resolution != nil else { return }  // the timer was faster, or it was cancelled
        stop()
        if case .success(let addresses) = answer, !addresses.isEmpty {
            known = addresses
            resolvedAt = time.monotonic
        }
        let waiting = self.waiting
        self.waiting = []
        for then in waiting {
            switch answer {
            case _ where !known.isEmpty: then(.success(ordered(known)))  // old ones are better than none
            case .success: then(.failure(ResolutionFailure(host: "\(target)", reason: "the resolver found none")))
            case .failure: then(answer)
            }
        }
    }

    private func ordered(_ addresses: [Target.Address]) -> [Target.Address] {
        shuffles ? addresses.shuffled() : addresses
    }

    private func stop() {
        resolution?.cancel()
        resolution = nil
        timer?.cancel()
        timer = nil
    }

    /// Nobody is told any more.
    func cancel() {
        stop()
        waiting = []
    }

    /// IPv6 and IPv4 in turn, beginning with what came first, so that a network that has lost one of them costs one
    /// attempt and not all (CH-4, RFC 8305 section 4).
    static func alternating(_ addresses: [ResolvedAddress]) -> [ResolvedAddress] {
        guard let first = addresses.first else { return [] }
        let isSame = { (address: ResolvedAddress) in address.ip.contains(":") == first.ip.contains(":") }
        var (same, others) = (addresses.filter(isSame)[...], addresses.filter { !isSame($0) }[...])
        var result: [ResolvedAddress] = []
        while !same.isEmpty || !others.isEmpty {
            if let next = same.popFirst() { result.append(next) }
            if let next = others.popFirst() { result.append(next) }
        }
        return result
    }
}
