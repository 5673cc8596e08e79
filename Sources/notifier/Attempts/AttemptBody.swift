import Domain
import HTTPClient
import NIOConcurrencyHelpers

/// The body of attempts, counted for its project as long as one of them is in flight.
package final class AttemptBody: Sendable {
    let bytes: PinnedBytes
    let project: ProjectID
    private let limiter: ConcurrencyLimiter

    init(_ bytes: PinnedBytes, of project: ProjectID, limiter: ConcurrencyLimiter) {
        self.bytes = bytes
        self.project = project
        self.limiter = limiter
        limiter.hold(bytes: bytes.count, of: project)
    }

    deinit {
        self.limiter.release(bytes: self.bytes.count, of: self.project)
    }
}
