package import NIOCore
internal import Synchronization

/// Says which address a connection to Redis is made to.
///
/// It is asked before every attempt, and given why the last connection ended: a source with more than one address
/// (Sentinel, the nodes of a cluster) looks for the present one, and ``FixedAddress`` answers the same again.
package protocol AddressSource: Sendable {
    /// The address to connect to now.
    ///
    /// - Parameter loss: How the connection before ended; nil for the first.
    /// - Returns: On any loop. It counts as failed after ``RedisLimits/connectTimeout``.
    func address(after loss: ConnectionLoss?, on eventLoop: any EventLoop) -> EventLoopFuture<RedisEndpoint.Address>

    /// Whether a server is a master only if it says so: the source knows of it by hearsay.
    ///
    /// Elsewhere a server that does not answer `ROLE` to our user is taken for the one that an operator named.
    var provesMasters: Bool { get }

    /// Says from now on when the master has moved, and where to, until ``end()``.
    ///
    /// - Parameter moved: Called on an event loop, which it must not hold up.
    func follow(_ moved: @escaping @Sendable (RedisEndpoint.Address) -> Void)

    /// The client has ended.
    func end() async
}

/// Of a source that learns nothing by itself.
extension AddressSource {
    package var provesMasters: Bool { false }
    package func follow(_ moved: @escaping @Sendable (RedisEndpoint.Address) -> Void) {}
    package func end() async {}
}

/// Why a connection, or an attempt at one, ended.
package struct ConnectionLoss: Sendable, Equatable {
    package enum Reason: Sendable, Equatable {
        /// The server could not be reached, did not answer, or closed the connection.
        case unreachable
        /// The server is a replica, or has become one (`ROLE`, `READONLY`, `MASTERDOWN`, `UNBLOCKED`).
        case notMaster
        /// The server does not serve the slot of a command, at the moment or any more (`MOVED`, `CLUSTERDOWN`).
        case slotMoved
        /// The server answered that it cannot be used now: it loads its data, or refused the login.
        case refused
    }

    /// Where it led to; nil when no address was known.
    package let address: RedisEndpoint.Address?
    package let reason: Reason

    package init(address: RedisEndpoint.Address?, reason: Reason) {
        self.address = address
        self.reason = reason
    }
}

/// Some addresses that are as good as each other: after a loss the next one.
final class AlternatingAddresses: AddressSource {
    private let addresses: [RedisEndpoint.Address]
    private let place = Atomic<Int>(0)

    /// - Parameter addresses: At least one.
    init(_ addresses: [RedisEndpoint.Address]) {
        precondition(!addresses.isEmpty, "there is an address to go to")
        self.addresses = addresses
    }

    func address(after loss: ConnectionLoss?, on eventLoop: any EventLoop) -> EventLoopFuture<RedisEndpoint.Address> {
        if loss != nil { self.place.wrappingAdd(1, ordering: .relaxed) }
        let place = self.place.load(ordering: .relaxed)
        return eventLoop.makeSucceededFuture(self.addresses[Int(UInt(bitPattern: place) % UInt(self.addresses.count))])
    }
}

/// One address for ever; a host name is resolved at each attempt.
package struct FixedAddress: AddressSource {
    private let address: RedisEndpoint.Address

    package init(_ address: RedisEndpoint.Address) {
        self.address = address
    }

    package func address(
        after loss: ConnectionLoss?, on eventLoop: any EventLoop
    ) -> EventLoopFuture<RedisEndpoint.Address> {
        eventLoop.makeSucceededFuture(self.address)
    }
}
