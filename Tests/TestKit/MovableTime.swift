package import Domain
import Foundation
import NIOConcurrencyHelpers

/// A clock that a test moves instead of waiting.
package final class MovableTime: Sendable {
    /// Milliseconds since the epoch before anything is added; nil: the machine's clock.
    private let start: Int64?
    private let added = NIOLockedValueBox<Int64>(0)

    private init(start: Int64?) { self.start = start }

    /// A clock that stands still between two moves.
    package static func standing() -> MovableTime { MovableTime(start: 1_763_680_000_000) }

    /// A clock that stands at the machine's time, for what a client compares with its own.
    package static func standingNow() -> MovableTime { MovableTime(start: Self.ofMachine) }

    /// The machine's clock, and what a test adds to it.
    package static func running() -> MovableTime { MovableTime(start: nil) }

    private static var ofMachine: Int64 { Int64(Date().timeIntervalSince1970 * 1000) }

    package var now: Timestamp {
        let start = self.start ?? Self.ofMachine
        return Timestamp(milliseconds: start + self.added.withLockedValue { $0 })
    }

    package func pass(milliseconds: Int) { self.added.withLockedValue { $0 += Int64(milliseconds) } }
    package func pass(seconds: Int) { self.pass(milliseconds: seconds * 1000) }
}
