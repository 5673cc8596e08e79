package import NIOCore

/// Makes connections to one Redis: where it is, how bytes get there, and the login that the handshake uses.
///
/// The one place that connects. ``FixedAddress`` and ``SentinelSource`` say where to; TLS is another ``Transport``.
package struct RedisConnector: Sendable {
    let addresses: any AddressSource
    let transport: any Transport
    let login: RedisLogin

    /// A server at a fixed address.
    package init(to endpoint: RedisEndpoint, transport: any Transport = SocketTransport()) {
        self.init(login: endpoint.login, addresses: FixedAddress(endpoint.address), transport: transport)
    }

    /// - Parameter addresses: Says where the Redis is.
    package init(
        login: RedisLogin, addresses: any AddressSource, transport: any Transport = SocketTransport()
    ) {
        self.login = login
        self.addresses = addresses
        self.transport = transport
    }

    /// The same login and transport, to somewhere else.
    func leading(to addresses: any AddressSource) -> RedisConnector {
        RedisConnector(login: self.login, addresses: addresses, transport: self.transport)
    }

    /// Asks for the address, and connects.
    ///
    /// - Parameters:
    ///   - loss: How the connection before ended.
    ///   - timeout: For each of the two.
    ///   - found: Given the address as soon as it is known, on `eventLoop`.
    ///   - configure: Adds the handlers of the connection.
    func connect(
        after loss: ConnectionLoss?, within timeout: TimeAmount = RedisLimits.connectTimeout,
        on eventLoop: any EventLoop, found: @escaping @Sendable (RedisEndpoint.Address) -> Void = { _ in },
        configure: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        let address = eventLoop.makePromise(of: RedisEndpoint.Address.self)
        let timer = eventLoop.scheduleTask(in: timeout) { address.fail(AddressTimeout()) }
        self.addresses.address(after: loss, on: eventLoop).hop(to: eventLoop).whenComplete { result in
            timer.cancel()
            // One that failed already stays so.
            address.completeWith(result)
        }
        return address.futureResult.flatMap { address in
            found(address)
            return self.transport.connect(to: address, within: timeout, on: eventLoop, configure: configure)
        }
    }

    /// Learns whether a server accepts connections, before anything is built on it.
    ///
    /// A port without a listener is reported at once.
    ///
    /// - Throws: The reason, as the system gives it.
    package func probe(within timeout: TimeAmount, on eventLoop: any EventLoop) async throws {
        let channel = try await self.connect(after: nil, within: timeout, on: eventLoop) { _ in }.get()
        // The server may have closed it by now, which is as good.
        try? await channel.close().get()
    }
}

/// The source of addresses did not answer in time.
struct AddressTimeout: Error {}
