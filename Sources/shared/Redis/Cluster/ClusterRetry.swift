package import NIOCore

/// Decides what becomes of a command that a node of a cluster did not carry out.
///
/// Only what surely did not run is sent again.
package struct ClusterRetry: Sendable, Equatable {
    package enum Step: Sendable, Equatable {
        /// The caller gets the error.
        case fail
        /// To the node that was named.
        case follow(Redirection)
        /// After a pause, by the map of that time, which is read again first where it may be wrong.
        case again(after: TimeAmount, readingMap: Bool)
    }

    /// Redirections that are followed in a row: with more the nodes do not agree yet, and are asked again after a pause.
    package static let redirectionsMax = 3
    private static let pauseMin = TimeAmount.milliseconds(20)
    private static let pauseMax = TimeAmount.milliseconds(200)

    /// Until when a slot that moves, or a master that is replaced, is waited for.
    private let until: NIODeadline
    private var redirections = 0
    private var pause = ClusterRetry.pauseMin

    /// - Parameter until: A retry begins before.
    package init(until: NIODeadline) { self.until = until }

    /// - Parameters:
    ///   - error: What the command failed with.
    ///   - host: Of the node it was sent to.
    package mutating func next(after error: RedisError, from host: String, at now: NIODeadline) -> Step {
        switch error {
        case .notSent(.disconnected), .notSent(.replica), .notSent(.loading):
            return self.again(at: now, readingMap: true)
        case .notSent, .outcomeUnknown, .malformedReply: return .fail
        case .refused(let refusal):
            switch RedisServerError.code(of: refusal.message) {
            case "MOVED", "ASK":
                self.redirections += 1
                guard let redirection = Redirection(refusal.message, from: host) else { return .fail }
                guard self.redirections > Self.redirectionsMax else { return .follow(redirection) }
                return self.again(at: now, readingMap: true)
            case "TRYAGAIN": return self.again(at: now, readingMap: false)
            case "CLUSTERDOWN", "READONLY", "MASTERDOWN", "LOADING": return self.again(at: now, readingMap: true)
            default: return .fail
            }
        }
    }

    /// No master is known that serves the slot.
    mutating func nextWithoutMaster(at now: NIODeadline) -> Step { self.again(at: now, readingMap: true) }

    private mutating func again(at now: NIODeadline, readingMap: Bool) -> Step {
        guard now + self.pause < self.until else { return .fail }
        defer { self.pause = min(self.pause + self.pause, Self.pauseMax) }
        self.redirections = 0
        return .again(after: self.pause, readingMap: readingMap)
    }
}
