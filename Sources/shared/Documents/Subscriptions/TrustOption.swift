package import Domain
import JSON
import NIOCore

/// What the options of a subscription say of the trust by which its endpoint is called with a token.
///
/// | option | |
/// |---|---|
/// | `trust_id` | string: the trust; without it one is made, and its id is put here |
/// | `post_headers` | may not have `X-Auth-Token`, which brings the token |
package struct TrustOption: Sendable, Equatable {
    package enum Choice: Sendable, Equatable {
        /// Nothing is said.
        case none
        /// `null`: another one is to be made.
        case anew
        case given(TrustID)
    }

    package let choice: Choice
    /// The one that is named; nil: none is.
    package var trust: TrustID? { if case .given(let trust) = self.choice { trust } else { nil } }
    /// Whether the subscriber's own headers stand in the way of the token.
    private let setsToken: Bool

    private static let name = "trust_id"
    private static let tokenField = "x-auth-token"

    /// Of options that say nothing.
    package static let none = TrustOption(choice: .none, setsToken: false)

    private init(choice: Choice, setsToken: Bool) {
        self.choice = choice
        self.setsToken = setsToken
    }

    /// - Throws: ``Refusal/requestInvalid(_:)``.
    init(_ options: JSONObject, _ headers: PostHeaders) throws(Refusal) {
        self.setsToken = headers.headers.contains { $0.name.lowercased() == Self.tokenField }
        if let id = try Self.id(in: options) {
            self.choice = .given(id)
        } else {
            self.choice = options.value(of: Self.name) == nil ? .none : .anew
        }
    }

    /// Reads what is stored.
    ///
    /// - Returns: nil for what no version with these rules has stored.
    package init?(stored document: [UInt8]) {
        // What is wrong with it was said to the caller that stored it, by the version that took it.
        guard let options = try? JSONObject(document: document), let read = try? DeliveryOptions(options),
            let trust = try? TrustOption(options, read.headers)
        else { return nil }
        self = trust
    }

    /// The trust that options name; nil: none.
    ///
    /// - Throws: ``Refusal/requestInvalid(_:)``.
    static func id(in options: JSONObject) throws(Refusal) -> TrustID? {
        guard let value = options[Self.name] else { return nil }
        guard let id = options.text(value).flatMap(TrustID.init) else {
            throw .requestInvalid(
                "The option \(Self.name) has to be a string of 1 to \(TrustID.charactersMax) letters, digits, _ and -.")
        }
        return id
    }

    /// Refuses options that a subscriber which is called with a token cannot have.
    ///
    /// - Throws: ``Refusal/requestInvalid(_:)``.
    package func check(for scheme: Subscriber.Scheme) throws(Refusal) {
        guard scheme.isTrusted, self.setsToken else { return }
        throw .requestInvalid(
            "The option post_headers may not set X-Auth-Token: subscribers of \(scheme.rawValue) get a token there.")
    }

    /// The same options with another trust.
    ///
    /// - Parameters:
    ///   - trust: nil: with none.
    ///   - options: A JSON object; every other member stays as it was written.
    package static func replaced(by trust: TrustID?, in options: [UInt8]) -> [UInt8] {
        // They were read before: the one without members stands for what cannot happen.
        let object = (try? JSONObject(document: options)) ?? JSONObject()
        let buffer = JSONWriter.object(capacity: options.count + 64) { writer in
            for member in object.members where member.name != Self.name {
                writer.member(named: member.name, verbatim: object.verbatim(member.value))
            }
            if let trust { writer.member(named: Self.name, trust.text) }
        }
        return Array(buffer.readableBytesView)
    }
}
