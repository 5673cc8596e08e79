import Domain
import HTTPClient
import NIOConcurrencyHelpers
import Signing
import Store

/// Bounds the bytes of bodies in flight, by project.
protocol BodyBudget: AnyObject, Sendable {
    /// Whether a project may have one body more in flight.
    func mayHold(_ project: ProjectID) -> Bool
    func hold(bytes: Int, of project: ProjectID)
    func release(bytes: Int, of project: ProjectID)
}

/// The body of attempts, counted for its project as long as one of them is in flight.
package final class AttemptBody: Sendable {
    let bytes: PinnedBytes
    let project: ProjectID
    private let budget: any BodyBudget

    init(_ bytes: PinnedBytes, of project: ProjectID, budget: any BodyBudget) {
        self.bytes = bytes
        self.project = project
        self.budget = budget
        budget.hold(bytes: bytes.count, of: project)
    }

    deinit {
        self.budget.release(bytes: self.bytes.count, of: self.project)
    }
}

/// What a body is made of.
struct BodyKey: Hashable, Sendable {
    let position: Position
    let content: DeliveryFormat.Content
}

/// The large bodies of one shard that are in flight, so that a message is in memory and counted once, however many calls its
/// leases come in.
///
/// Small ones are encoded anew for each call: finding them would cost more.
final class SharedBodies: Sendable {
    /// Bytes from which on a body is shared between calls.
    private static let bytesMin = 4096

    private struct Entry {
        weak var body: AttemptBody?
        let queue: QueueAddress
        let kind: NotificationKind
        let ttl: Int
        let stored: Int

        func fits(_ lease: Lease) -> Bool {
            self.queue == lease.queue && self.kind == lease.kind && self.ttl == lease.ttl
                && self.stored == lease.body.count
        }
    }

    private struct State {
        var entries: [BodyKey: Entry] = [:]
        /// Entries beyond which those without a body are removed.
        var sweepAt = 64

        mutating func insert(_ entry: Entry, at key: BodyKey) {
            self.entries[key] = entry
            guard self.entries.count > self.sweepAt else { return }
            self.entries = self.entries.filter { $0.value.body != nil }
            self.sweepAt = max(64, 2 * self.entries.count)
        }
    }

    private let state = NIOLockedValueBox(State())

    /// The body of a message, encoded when none of it is in flight.
    ///
    /// - Parameter encode: nil when it may not be.
    func body(of lease: Lease, as content: DeliveryFormat.Content, encode: () throws(VaultError) -> AttemptBody?)
        throws(VaultError) -> AttemptBody?
    {
        guard lease.body.count >= Self.bytesMin else { return try encode() }
        let key = BodyKey(position: lease.position, content: content)
        let known = self.state.withLockedValue { $0.entries[key] }
        if let known, known.fits(lease), let body = known.body { return body }
        guard let body = try encode() else { return nil }
        let entry = Entry(
            body: body, queue: lease.queue, kind: lease.kind, ttl: lease.ttl, stored: lease.body.count)
        self.state.withLockedValue { $0.insert(entry, at: key) }
        return body
    }
}
