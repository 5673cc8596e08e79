package import NIOCore
package import TLS

/// TCP with TLS: the server has to show a certificate for the host that is connected to.
///
/// Unix sockets stay in the clear.
package struct TLSTransport: Transport {
    private let contexts: TLSContextHolder

    /// - Parameter contexts: Which authorities are believed, and the certificate for a server that asks for one.
    package init(_ contexts: TLSContextHolder) {
        self.contexts = contexts
    }

    package func connect(
        to address: RedisEndpoint.Address, within timeout: TimeAmount, on eventLoop: any EventLoop,
        configure: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        guard case .tcp(let host, _) = address else {
            return SocketTransport().connect(to: address, within: timeout, on: eventLoop, configure: configure)
        }
        let established = eventLoop.makePromise(of: Void.self)
        let timer = eventLoop.scheduleTask(in: timeout) { established.fail(TLSError.handshake("no answer in time")) }
        let contexts = self.contexts
        let connected = SocketTransport().connect(to: address, within: timeout, on: eventLoop) { channel in
            let handler = TLSHandler.client(contexts.current, to: host, established: established)
            try channel.pipeline.syncOperations.addHandler(handler)
        }
        connected.whenFailure { established.fail($0) }
        established.futureResult.whenComplete { _ in timer.cancel() }
        return connected.flatMap { channel in
            // What stands behind is there before the first reply, and hears of no handshake that failed.
            established.futureResult.flatMapThrowing {
                try configure(channel)
                return channel
            }.flatMapErrorThrowing { error in
                channel.close(promise: nil)
                throw error
            }
        }
    }
}

extension TLSContextHolder {
    /// That of connections whose authorities are those of the system, and which have no certificate.
    static let ofSystem = TLSContextHolder(.system)
}
