public import AVSModel

/// What a node does to the world outside, which decides what a crash in the middle of it means.
///
/// - Source: reliability-security.md XO-3.
public enum EffectClass: Hashable, Sendable {
    /// Nothing: it can run again.
    case pure
    /// It asks: it can ask again.
    case read
    /// It does what can be recognised and looked up afterwards: whoever carries it out does so at most once (XO-16).
    case identifiable
    /// It does what the other side recognises by a key that is always the same: it can be sent again.
    case keyed
    /// It does what nobody can recognise: it is tried at most once.
    case blind

    /// Whether we cannot look up what became of it: then its begin is recorded before it, so that a crash in the middle
    /// is known (XO-16).
    var isUnrecognised: Bool { self == .blind || self == .keyed }
}

extension Node.Config {
    /// The class of the strongest effect that the node can have.
    public var effect: EffectClass {
        switch self {
        case .branch, .filter, .customCode: .pure
        case .contractRead, .balance: .read
        case .contractWrite, .ethTransfer: .identifiable
        case .restAPI(let node): node.effect
        case .graphQLQuery(let node): node.effect
        case .loop(let node): node.runner?.effect ?? .pure
        }
    }
}

extension RestAPINode {
    /// - Source: RFC 9110 section 9.2.1, *safe methods*.
    fileprivate var effect: EffectClass {
        switch method.uppercased() {
        case "", "GET", "HEAD", "OPTIONS": .read
        default: idempotencyHeader.isEmpty ? .blind : .keyed
        }
    }
}

extension GraphQLQueryNode {
    /// A document that may hold a mutation counts as one: one with the word, or with a marker that may become it.
    fileprivate var effect: EffectClass {
        query.contains("mutation") || query.contains("{{") ? .blind : .read
    }
}

extension LoopNode.Runner {
    fileprivate var effect: EffectClass {
        switch self {
        case .ethTransfer, .contractWrite: .identifiable
        case .contractRead: .read
        case .graphQLQuery(let node): node.effect
        case .restAPI(let node): node.effect
        case .customCode: .pure
        }
    }
}
