import NIOCore

/// What one connection holds of the bounds of its caller, and who that is.
struct CallerAccount {
    private let core: ListenerCore
    private var isFromProxy = false
    /// Whose connection it is: of a proxy with a header of the PROXY protocol, the caller that the header names.
    private var peer: SocketAddress?
    /// A header of the PROXY protocol may begin the connection.
    private(set) var awaitsProxyHeader = false
    /// The address whose connections include this one.
    private var countedAddress: PeerAddress?
    /// The address whose bytes include those of the request; nil for one that is not counted.
    private var caller: PeerAddress?
    private(set) var bytes = 0
    /// Of these, bytes that have arrived and are not read.
    private var inputBytes = 0
    /// Below this input is not counted: every connection may have so much.
    private static let inputBytesMin = 8 * 1024

    init(_ core: ListenerCore) {
        self.core = core
    }

    /// - Returns: Whether the peer may have this connection.
    mutating func begin(_ peer: SocketAddress?) -> Bool {
        self.peer = peer
        self.isFromProxy = peer.map(self.core.isProxy) ?? false
        self.awaitsProxyHeader = self.isFromProxy
        return self.isFromProxy || self.count(peer)
    }

    private mutating func count(_ peer: SocketAddress?) -> Bool {
        guard self.core.ledger.countsAddresses, let address = peer.flatMap({ PeerAddress($0) }) else { return true }
        self.caller = address
        guard self.core.ledger.beginConnection(of: address) else { return false }
        self.countedAddress = address
        return true
    }

    /// Takes the header of a proxy off the front of what has arrived.
    ///
    /// - Returns: Whether what follows is a request.
    mutating func readProxyHeader(_ input: inout ByteBuffer) throws(HTTPRequestFault) -> Bool {
        guard self.awaitsProxyHeader, input.readableBytes > 0 else { return true }
        switch ProxyHeader.take(&input) {
        case .incomplete: return false
        case .malformed: throw .proxyHeader
        case .absent: self.awaitsProxyHeader = false
        case .present(let peer):
            self.awaitsProxyHeader = false
            // Such a proxy passes the bytes of its callers on, their X-Forwarded-For too.
            self.isFromProxy = false
            self.peer = peer ?? self.peer
            guard self.count(peer) else { throw .overloaded }
        }
        return true
    }

    /// The bytes from here on are those of a request, which a proxy may have for any of its callers.
    mutating func begin(_ head: HTTPRequestHead) {
        // Before the caller is another one.
        _ = self.hold(input: 0)
        guard self.isFromProxy, self.core.ledger.countsAddresses else { return }
        self.caller = ForwardedFor.caller(head, isProxy: self.core.isProxy).flatMap { PeerAddress($0) }
    }

    /// The address a request comes from: of a proxy that names none, its own.
    func address(of head: HTTPRequestHead) -> SocketAddress? {
        guard self.isFromProxy else { return self.peer }
        return ForwardedFor.caller(head, isProxy: self.core.isProxy) ?? self.peer
    }

    /// See ``CallerLedger/take(_:for:isDue:)``.
    mutating func take(_ count: Int, isDue: Bool = false) -> CallerLedger.Taking {
        let taking = self.core.ledger.take(count, for: self.caller, isDue: isDue)
        if taking == .taken { self.bytes += count }
        return taking
    }

    /// Counts the bytes that have arrived and are not read, as many as there are now.
    ///
    /// - Returns: Whether there is space for them.
    mutating func hold(input count: Int) -> Bool {
        let wanted = count < Self.inputBytesMin ? 0 : count
        let more = wanted - self.inputBytes
        if more < 0 {
            self.core.ledger.giveBack(-more, of: self.caller)
            self.bytes += more
        } else if more > 0 {
            guard self.take(more) == .taken else { return false }
        }
        self.inputBytes = wanted
        return true
    }

    /// Gives back all bytes but those of input.
    mutating func giveBack() {
        let held = self.bytes - self.inputBytes
        guard held > 0 else { return }
        self.core.ledger.giveBack(held, of: self.caller)
        self.bytes = self.inputBytes
    }

    mutating func end() {
        _ = self.hold(input: 0)
        self.giveBack()
        if let address = self.countedAddress { self.core.ledger.endConnection(of: address) }
        self.countedAddress = nil
    }

    /// Ends but for the connection, which counts until it closes.
    mutating func handOver(until closed: EventLoopFuture<Void>) {
        guard let address = self.countedAddress else { return }
        self.countedAddress = nil
        let ledger = self.core.ledger
        closed.whenComplete { _ in ledger.endConnection(of: address) }
    }
}
