internal import NIOCore

extension RedisConnection {
    /// What a connection leads to, and what it asks of the server there.
    struct Settings: Sendable {
        var connector: RedisConnector
        var inFlightMax: Int
        /// See ``RedisLimits/connectionWaitMax``; nil waits as long as the command's own deadline.
        var waitMax: TimeAmount?
        /// A replica is refused, and left when a master has become one.
        var mustBeMaster = true
        /// Whether the server serves some slots of a cluster: then that a slot is another's says nothing against it.
        var isNode = false
        /// Whether the server is asked every ``RedisLimits/probeInterval``; not where a blocking read may occupy it.
        var probes = true
        /// What is listened to; such a connection takes no commands of callers.
        var subscription: ChannelSubscription?
        /// What it leads to, in the log.
        var peer: StaticString = "Redis"
    }
}

extension RedisConnection.Settings {
    /// What a new server has to say about itself; nil: it may be a replica.
    private var role: Handshake.Proof? {
        guard self.mustBeMaster else { return nil }
        return self.connector.addresses.provesMasters ? .always : .unlessUnknown
    }

    /// - Parameter identity: Of the expected store, if any.
    func handshake(for identity: RedisIdentity?) -> Handshake {
        Handshake(as: self.connector.login, role: self.role, identity: identity)
    }

    /// What a server in use is asked from time to time; nothing where there is nothing to find out.
    func probe(for identity: RedisIdentity?) -> [(step: Handshake.Step, command: EncodedCommand)] {
        // A connection that listens may send hardly anything else.
        guard self.subscription == nil else { return [(.ping, RedisCommand("PING", arguments: 0).encoded)] }
        return Handshake.probe(role: self.role == nil ? nil : .unlessUnknown, identity: identity)
    }
}

/// Redis did not answer in time.
struct DeadlineMissed: Error {}

/// The user of Redis may not listen to its channels (`&herald:*` of an ACL).
struct ChannelsRefused: Error {
    let code: String
}
