package import Documents
package import Domain
package import HTTPClient
package import Signing

/// Delivers notifications to one kind of destination, with limits and threads of its own.
///
/// The engine leases, plans, bounds what is in flight and writes results down. A channel reads once what it has to know of a
/// subscription, makes attempts, and reports how each ended in terms that hold for all channels. CONTRIBUTING.md lists what a
/// new one needs.
package protocol Channel: Sendable {
    /// What it delivers to; the label of its metrics.
    var destination: Destination { get }

    /// What attempts have to know of a subscriber; made once for each version of a subscription.
    ///
    /// An address that cannot be called has a target too: its attempts fail, and say why.
    ///
    /// - Parameters:
    ///   - address: As the caller wrote it.
    ///   - queue: The queue of the subscription.
    ///   - secrets: Sign what the subscriber is sent.
    ///   - keys: Sign it as well, or alone, where the options say so; nil: they do not, or the keys are not known now.
    func target(
        _ address: String, of subscription: SubscriptionID, in queue: QueueAddress, options: DeliveryOptions,
        secrets: WebhookSecrets, keys: WebhookSigningKeys?
    ) -> any ChannelTarget

    /// Starts attempts at targets of this channel, those of one project in this order; it never blocks.
    ///
    /// The completion of each is called once, also after ``stop()``.
    func send(_ attempts: [Attempt])

    /// The engine is about to stop, and starts nothing more: attempts that only wait for a client to say that it has a
    /// message are ended now.
    func drain()

    /// Ends the attempts under way: each completes as aborted, and its delivery is handed back.
    func abortAll()

    /// Ends what is under way, and the threads; attempts sent from now on are aborted at once.
    func stop()
}

extension Channel {
    package func drain() {}
}

/// What a channel knows of one subscriber; shared by all attempts of the subscription.
///
/// A class, so that an attempt refers to it without a copy.
package protocol ChannelTarget: AnyObject, Sendable {
    /// What a connection is made to, the same text for every subscriber behind it: the engine bounds the attempts in flight
    /// to each.
    var host: String { get }
    /// Bytes it takes in memory, about.
    var byteCount: Int { get }
    /// Whether its attempts carry bodies of their own, which ``ownBody(from:)`` makes, instead of the document of the message
    /// that all subscribers share.
    var hasOwnBodies: Bool { get }
    func ownBody(from document: PinnedBytes) -> PinnedBytes
    /// What the bodies of its attempts are made of.
    var content: DeliveryFormat.Content { get }
    /// What a project suppresses so that nothing is sent to it; nil: it cannot be suppressed.
    var suppressibleAddress: String? { get }
    /// Whether one attempt may carry several messages: its body is then the array of their documents.
    var collects: Bool { get }
}

extension ChannelTarget {
    package var content: DeliveryFormat.Content { .notification }
    package var suppressibleAddress: String? { nil }
    package var collects: Bool { false }
}

/// One attempt of one delivery, ready to be made.
package struct Attempt: Sendable {
    package let destination: Destination
    package let target: any ChannelTarget
    /// The same over all attempts of the delivery.
    package let delivery: DeliveryID
    /// nil when what is sent is no message that was posted.
    package let message: MessageID?
    package let kind: NotificationKind
    /// From 1.
    package let number: Int
    /// By Redis' clock.
    package let startedAt: Timestamp
    /// Attempts of one project do not delay those of another.
    package let project: ProjectID
    package let body: PinnedBytes
    /// Whether the body is an array of the documents of several messages.
    package let isCollected: Bool
    /// With the queue that it is sent from among the hops.
    package let provenance: Provenance
    /// Called once, on any thread: it is short and never blocks.
    package let completion: @Sendable (AttemptResult) -> Void
    /// Called at most once, before the completion: nothing is left to do but to wait for an answer, which may take long.
    ///
    /// The body is not needed any more.
    package let waits: @Sendable () -> Void

    package init(
        destination: Destination, target: any ChannelTarget, delivery: DeliveryID, message: MessageID?,
        kind: NotificationKind, number: Int, startedAt: Timestamp, project: ProjectID, body: PinnedBytes,
        isCollected: Bool = false, provenance: Provenance = .none.next, waits: @escaping @Sendable () -> Void = {},
        completion: @escaping @Sendable (AttemptResult) -> Void
    ) {
        self.destination = destination
        self.target = target
        self.delivery = delivery
        self.message = message
        self.kind = kind
        self.number = number
        self.startedAt = startedAt
        self.project = project
        self.body = body
        self.isCollected = isCollected
        self.provenance = provenance
        self.waits = waits
        self.completion = completion
    }

    /// The same without its body, to wait for an answer.
    package var sent: Attempt {
        Attempt(
            destination: self.destination, target: self.target, delivery: self.delivery, message: self.message,
            kind: self.kind, number: self.number, startedAt: self.startedAt, project: self.project,
            body: PinnedBytes([]), isCollected: self.isCollected, provenance: self.provenance, waits: self.waits,
            completion: self.completion)
    }
}

/// How one attempt ended.
package enum AttemptResult: Sendable, Equatable {
    case finished(Outcome, Exchange)
    /// What all attempts of the channel go through cannot be used, which says nothing about the subscriber: the delivery is
    /// handed back with its number, and nothing of the subscription begins for about so long. The outcome is that of the
    /// attempt; nil: none was made.
    case held(Outcome?, Exchange, for: Duration)
    /// None was made: the delivery is handed back with its number, and due again after about so long.
    case postponed(Duration)
    /// The notifier ended it; the subscriber may or may not have been reached.
    case aborted
}

/// The channels of one engine, one at most for each kind of destination.
package struct Channels: Sendable {
    private let all: [any Channel]

    package init(_ all: [any Channel]) {
        precondition(Set(all.map(\.destination)).count == all.count, "two channels have one destination")
        self.all = all
    }

    package var destinations: [Destination] { self.all.map(\.destination) }

    /// nil: nothing is delivered there.
    package subscript(destination: Destination) -> (any Channel)? {
        self.all.first { $0.destination == destination }
    }

    /// Gives each attempt to the channel that made its target.
    package func send(_ attempts: [Attempt]) {
        for channel in self.all {
            // Nearly always all of a batch are of one channel, which then gets it as it is.
            if attempts.allSatisfy({ $0.destination == channel.destination }) { return channel.send(attempts) }
            channel.send(attempts.filter { $0.destination == channel.destination })
        }
    }

    package func drain() {
        for channel in self.all { channel.drain() }
    }

    package func abortAll() {
        for channel in self.all { channel.abortAll() }
    }

    package func stop() {
        for channel in self.all { channel.stop() }
    }
}
