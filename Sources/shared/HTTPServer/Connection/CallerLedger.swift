import NIOConcurrencyHelpers
import Synchronization

/// Counts what callers hold of a process: bytes of bodies and answers in flight, and connections and bytes of one address.
final class CallerLedger: Sendable {
    private struct Account {
        var connections = 0
        var bytes = 0
    }

    private let bytesMax: Int
    private let addressBytesMax: Int
    private let addressConnectionsMax: Int
    private let bytes = Atomic<Int>(0)
    private let accounts = NIOLockedValueBox<[PeerAddress: Account]>([:])

    init(_ limits: HTTPLimits) {
        self.bytesMax = limits.bytesInFlightMax
        self.addressBytesMax = limits.addressBytesInFlightMax
        self.addressConnectionsMax = limits.addressConnectionsMax
    }

    /// Whether anything is counted by address.
    var countsAddresses: Bool { self.addressBytesMax > 0 || self.addressConnectionsMax > 0 }

    /// Whether as many bytes are in flight as may be.
    var isFull: Bool { self.bytes.load(ordering: .relaxed) >= self.bytesMax }

    /// What became of a request for bytes.
    enum Taking {
        case taken
        /// The process has as many in flight as it may have.
        case processFull
        /// The address has as many as it may have, or so many at once are more than there ever can be.
        case refused
    }

    /// - Returns: False when the address has as many connections as it may have, and this one is not counted.
    func beginConnection(of address: PeerAddress) -> Bool {
        guard self.addressConnectionsMax > 0 else { return true }
        return self.accounts.withLockedValue { accounts in
            var account = accounts[address] ?? Account()
            guard account.connections < self.addressConnectionsMax else { return false }
            account.connections += 1
            accounts[address] = account
            return true
        }
    }

    func endConnection(of address: PeerAddress) {
        guard self.addressConnectionsMax > 0 else { return }
        self.accounts.withLockedValue { Self.change(&$0, address) { $0.connections -= 1 } }
    }

    /// - Parameter address: nil for one that is not counted.
    /// Nothing is taken unless all of it is.
    ///
    /// - Parameter isDue: It is taken also where there is no space: what is answered has been done, and its answer counts.
    func take(_ count: Int, for address: PeerAddress?, isDue: Bool = false) -> Taking {
        guard isDue || count <= self.bytesMax else { return .refused }
        let before = self.bytes.wrappingAdd(count, ordering: .relaxed).oldValue
        guard isDue || before + count <= self.bytesMax else {
            self.bytes.wrappingSubtract(count, ordering: .relaxed)
            return .processFull
        }
        guard self.addressBytesMax > 0, let address else { return .taken }
        let hasSpace = self.accounts.withLockedValue { accounts in
            var account = accounts[address] ?? Account()
            guard isDue || account.bytes + count <= self.addressBytesMax else { return false }
            account.bytes += count
            accounts[address] = account
            return true
        }
        if !hasSpace { self.bytes.wrappingSubtract(count, ordering: .relaxed) }
        return hasSpace ? .taken : .refused
    }

    func giveBack(_ count: Int, of address: PeerAddress?) {
        self.bytes.wrappingSubtract(count, ordering: .relaxed)
        guard self.addressBytesMax > 0, let address else { return }
        self.accounts.withLockedValue { Self.change(&$0, address) { $0.bytes -= count } }
    }

    /// An empty account is removed, for addresses come and go.
    private static func change(
        _ accounts: inout [PeerAddress: Account], _ address: PeerAddress, _ body: (inout Account) -> Void
    ) {
        guard var account = accounts[address] else { return }
        body(&account)
        accounts[address] = account.connections == 0 && account.bytes == 0 ? nil : account
    }
}
