package import Logging
package import NIOCore
internal import ServiceLifecycle
internal import Synchronization
package import TLS

/// A connection of one reader that blocks inside Redis, as `BZPOPMIN` and `XREAD BLOCK` do.
///
/// It connects with the first read and reconnects by itself until it is shut down. A read sent meanwhile waits for the
/// connection, up to its own deadline, so a loop around ``send(_:blockingFor:)`` neither spins nor ends in an outage:
/// it sees an error about once per block time, and carries on.
package final class RedisBlockingConnection: Service, Sendable {
    private let connection: RedisConnection
    private let addresses: any AddressSource
    private let tickets = Atomic<UInt64>(1)

    /// - Parameter eventLoopGroup: Must outlive the connection.
    package init(connector: RedisConnector, eventLoopGroup: any EventLoopGroup, logger: Logger) {
        let connection = RedisConnection(
            RedisConnection.Settings(connector: connector, inFlightMax: 1, waitMax: nil, probes: false),
            watch: ServerWatch(), eventLoop: eventLoopGroup.next(), logger: logger)
        self.connection = connection
        self.addresses = connector.addresses
        // Nothing else makes it leave a master of before that still answers: it does not ask what its server is.
        self.addresses.follow { [weak connection] address in connection?.leave(unlessAt: address) }
    }

    /// A further connection of a client, to the server that has the keys of a slot.
    package convenience init(of client: RedisClient, in slot: KeySlot, logger: Logger) {
        self.init(connector: client.connector(for: .slot(slot)), eventLoopGroup: client.eventLoopGroup, logger: logger)
    }

    /// A connection to the Redis of a URL.
    ///
    /// - Parameter tls: What it is encrypted with where the URL says so; nil: the authorities of the system are believed.
    package convenience init(
        url: RedisURL, tls: TLSContextHolder? = nil, eventLoopGroup: any EventLoopGroup, logger: Logger
    ) {
        self.init(
            connector: RedisConnector(to: url, tls: tls, eventLoopGroup: eventLoopGroup, logger: logger),
            eventLoopGroup: eventLoopGroup, logger: logger)
    }

    /// Sends one command and waits for its reply.
    ///
    /// One at a time: a second one fails with ``RedisError/NotSent/tooManyInFlight``. Cancelling the task ends the read
    /// at once and closes the connection; what Redis popped in that instant is lost.
    ///
    /// - Parameters:
    ///   - command: Its own block time is at most `block`.
    ///   - block: More than zero. The deadline is ``RedisLimits/blockingMargin`` after it.
    /// - Returns: ``RedisValue/null`` when the block time ended with nothing.
    package func send(_ command: RedisCommand, blockingFor block: Duration) async throws(RedisError) -> RedisValue {
        precondition(block > .zero, "a read that blocks without end cannot have a deadline")
        let deadline = NIODeadline.now() + TimeAmount(block + RedisLimits.blockingMargin)
        let ticket = self.tickets.wrappingAdd(1, ordering: .relaxed).oldValue
        let reply = await withTaskCancellationHandler {
            await withUnsafeContinuation { (task: UnsafeContinuation<Request.Reply, Never>) in
                let caller = Request.Caller.task(task)
                let request = Request(
                    command: command.encoded, deadline: deadline, ticket: ticket, caller: caller)
                if case .refused(let reason) = self.connection.post(request) {
                    caller.resume(returning: .failure(.notSent(reason)))
                }
                // Cancelled before there was anything to cancel: the handler below has already run, for nothing.
                if Task.isCancelled { self.connection.cancel(ticket: ticket) }
            }
        } onCancel: {
            self.connection.cancel(ticket: ticket)
        }
        return try reply.get()
    }

    /// Stays connected until graceful shutdown or cancellation.
    ///
    /// Needed only where ``shutDown()`` is not called.
    package func run() async throws {
        self.connection.start()
        // Throws when cancelled, which ends the connection the same way.
        try? await gracefulShutdown()
        await self.shutDown()
    }

    /// Ends the connection, and a read that waits in it.
    package func shutDown() async {
        await self.connection.shutDown()
        await self.addresses.end()
    }
}
