package import TLS

/// What a Sentinel answers when it is asked for a master: the address, and the other Sentinels that watch it.
///
/// Whatever is at the address of a Sentinel may answer anything, so all of it is bounded.
package struct SentinelAnswer: Sendable, Equatable {
    package let master: RedisEndpoint.Address
    /// At most ``RedisLimits/sentinelsMax``.
    package let sentinels: [RedisEndpoint.Address]

    package init(master: RedisEndpoint.Address, sentinels: [RedisEndpoint.Address] = []) {
        self.master = master
        self.sentinels = sentinels
    }

    /// - Parameters:
    ///   - master: The reply to `SENTINEL get-master-addr-by-name`: host and port, or nothing.
    ///   - name: What was asked for.
    ///   - sentinels: The reply to `SENTINEL sentinels`: of each an array of names and values. A user may lack the right to ask.
    package init(master: RedisValue, of name: String, sentinels: RedisValue) throws(SentinelFailure) {
        switch master {
        case .null: throw .unknownMaster(name)
        case .error(let error): throw .refused(code: String(RedisServerError.code(of: error.message)))
        case .array(let parts) where parts.count == 2:
            guard let address = RedisEndpoint.Address(host: parts[0].text, port: parts[1].text) else {
                throw .unreadable
            }
            self.master = address
        default: throw .unreadable
        }
        self.sentinels = (sentinels.array ?? []).prefix(RedisLimits.sentinelsMax).compactMap { sentinel in
            let fields = sentinel.array ?? []
            func value(of name: String) -> String? {
                let index = stride(from: 0, to: fields.count - 1, by: 2).first { fields[$0].text == name }
                return index.flatMap { fields[$0 + 1].text }
            }
            return RedisEndpoint.Address(host: value(of: "ip"), port: value(of: "port"))
        }
    }
}

/// What a Sentinel publishes in `+switch-master`: `<name> <old host> <old port> <new host> <new port>`.
package struct MasterSwitch: Sendable, Equatable {
    static let channel = RedisKey("+switch-master")

    package let old: RedisEndpoint.Address
    package let new: RedisEndpoint.Address

    package init(from old: RedisEndpoint.Address, to new: RedisEndpoint.Address) {
        self.old = old
        self.new = new
    }

    /// - Returns: nil: it is about another master, or unreadable.
    package init?(_ message: String, of master: String) {
        guard message.hasPrefix(master + " ") else { return nil }
        // A name may hold blanks, hosts and ports do not.
        let parts = message.dropFirst(master.count + 1).split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 4,
            let old = RedisEndpoint.Address(host: String(parts[0]), port: String(parts[1])),
            let new = RedisEndpoint.Address(host: String(parts[2]), port: String(parts[3]))
        else { return nil }
        self.init(from: old, to: new)
    }
}

extension RedisEndpoint.Address {
    /// A TCP address as a Sentinel writes it; nil where it cannot be one.
    fileprivate init?(host: String?, port: String?) {
        guard let host, (1...RedisLimits.hostBytesMax).contains(host.utf8.count),
            host.utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
            let port = port.flatMap({ RedisURLGrammar.number($0[...]) }), (1...65535).contains(port)
        else { return nil }
        self = .tcp(host: host, port: port)
    }
}

/// Why Sentinels do not say where the master is.
package enum SentinelFailure: Error, Sendable, Equatable {
    /// None answers in time.
    case unreachable
    /// There is one, and no connection to it by TLS.
    case insecure(TLSError)
    /// What answers is no Sentinel.
    case unreadable
    /// A Sentinel wants another login, or its user may not ask.
    case refused(code: String)
    /// A Sentinel answers, and watches no master of this name.
    case unknownMaster(String)
    /// The client has ended.
    case shutDown

    /// What became of a connection to a Sentinel.
    init(ofConnection error: any Error) {
        self = (error as? TLSError).map(Self.insecure) ?? .unreachable
    }

    /// Whether an operator learns more from it than from what another Sentinel answered.
    func tellsMore(than other: Self) -> Bool { self.rank > other.rank }

    private var rank: Int {
        switch self {
        case .shutDown, .unreachable: 0
        case .insecure: 1
        case .unreadable: 2
        case .refused: 3
        case .unknownMaster: 4
        }
    }
}

extension SentinelFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreachable: "no Sentinel answers"
        case .insecure(let error): "a Sentinel cannot be asked: \(error)"
        case .unreadable: "a Sentinel answers what none would: it may be another server"
        case .refused(let code): "a Sentinel refuses to be asked: \(code)"
        case .unknownMaster(let name): "no Sentinel knows a master of the name \(name)"
        case .shutDown: "the client has ended"
        }
    }
}
