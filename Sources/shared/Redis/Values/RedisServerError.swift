/// An error reply of Redis.
package struct RedisServerError: Error, Sendable, Equatable {
    /// What the error means to a client, from the first word of its message.
    package enum Kind: Sendable, Equatable {
        /// The script is not in Redis' cache. It did not run.
        case noscript
        /// This Redis is a replica.
        case readonly
        /// Redis is reading its data from disk. The command did not run.
        case loading
        /// `maxmemory` is reached and nothing may be evicted. The command did not run.
        case oom
        /// The key lives in another node of the cluster.
        case moved
        /// The key holds another type.
        case wrongtype
        /// A script of another client has been running for too long. The command did not run.
        case busy
        /// A password is missing or wrong.
        case noauth
        /// This Redis is a replica whose master is away.
        case masterdown
        /// The cluster does not serve this key now.
        case clusterdown
        /// A command that waited ends because this Redis has become a replica.
        case unblocked
        /// Redis cannot save its data, and refuses writes for it. The command did not run.
        case misconf
        /// Fewer replicas are connected than writes need. The command did not run.
        case noreplicas
        case other
    }

    package let kind: Kind
    /// The text as Redis sent it.
    ///
    /// It may repeat arguments of the command.
    package let message: String

    package init(message: String) {
        self.kind = Kind(code: Self.code(of: message))
        self.message = message
    }

    /// Whether the connection it came on is of no more use: the server is not, or no longer, the one to ask.
    ///
    /// - Parameter isNode: Whether the client knows it for a node of a cluster.
    func endsConnection(ofNode isNode: Bool) -> Bool {
        switch self.kind {
        case .moved, .clusterdown: !isNode
        case .readonly, .loading, .masterdown, .unblocked, .noauth: true
        case .noscript, .oom, .wrongtype, .busy, .misconf, .noreplicas, .other: false
        }
    }

    /// The word in capitals that leads the message, such as `WRONGTYPE`.
    ///
    /// Redis 6.2 wraps what a command inside a script answered; 7 passes it on as it is:
    /// ```
    /// ERR Error running script (call to f_6b1b…): @user_script:1: WRONGTYPE Operation against a key …
    /// ERR Error running script (call to f_6b1b…): @user_script: 1: -OOM command not allowed …
    /// ```
    package static func code(of message: String) -> Substring {
        var rest = message[...]
        if rest.hasPrefix("ERR Error running script"), let script = rest.lastRange(of: "@user_script:") {
            rest = rest[script...].dropFirst("@user_script:".count)
            rest = rest.drop { $0 == " " || $0.isNumber || $0 == ":" || $0 == "-" }
        }
        return rest.prefix { $0 != " " }
    }
}

extension RedisServerError.Kind {
    fileprivate init(code: Substring) {
        self =
            switch code {
            case "NOSCRIPT": .noscript
            case "READONLY": .readonly
            case "LOADING": .loading
            case "OOM": .oom
            case "MOVED": .moved
            case "WRONGTYPE": .wrongtype
            case "BUSY": .busy
            case "NOAUTH", "WRONGPASS": .noauth
            case "MASTERDOWN": .masterdown
            case "CLUSTERDOWN": .clusterdown
            case "UNBLOCKED": .unblocked
            case "MISCONF": .misconf
            case "NOREPLICAS": .noreplicas
            default: .other
            }
    }
}

extension Substring {
    /// Where the last occurrence of a text begins.
    fileprivate func lastRange(of text: String) -> Index? {
        self.indices.last { self[$0...].hasPrefix(text) }
    }
}
