package import Domain
package import Signing

/// Ways of working an operator chose.
package struct Modes: Sendable {
    /// Deleting messages by their ids takes the claims they are under.
    package var deletesOnlyClaimed = false
    /// Records a checksum of every body that is posted; nil: of none.
    package var checksum: BodyChecksum?
    /// The kinds of address that can be subscribed; who is subscribed already stays.
    package var subscriberSchemes = Subscriber.Scheme.allCases

    package init() {}
}
