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
        let deadline = NIODeadline.now() + timeout
        // A name may have several addresses, each with a channel that is tried: the handshake is that of the one that was chosen.
        return SocketTransport().connect(to: address, within: timeout, on: eventLoop, configure: { _ in })
            .flatMap { channel in self.secure(channel, to: host, by: deadline, configure: configure) }
    }

    /// Has an open channel speak TLS, before its server can have said anything.
    private func secure(
        _ channel: any Channel, to host: String, by deadline: NIODeadline,
        configure: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        let established = channel.eventLoop.makePromise(of: Void.self)
        let timer = channel.eventLoop.scheduleTask(deadline: deadline) {
            established.fail(TLSError.handshake("no answer in time"))
        }
        established.futureResult.whenComplete { _ in timer.cancel() }
        // What stands behind is there before the first reply, and hears of no handshake that failed.
        let configured: EventLoopFuture<any Channel> = established.futureResult.flatMapThrowing {
            try configure(channel)
            return channel
        }.flatMapErrorThrowing { error in
            channel.close(promise: nil)
            throw error
        }
        do {
            let handler = TLSHandler.client(self.contexts.current, to: host, established: established)
            try channel.pipeline.syncOperations.addHandler(handler)
            // Of an end before it was added the handler does not hear.
            if !channel.isActive { established.fail(TLSError.truncated) }
        } catch {
            established.fail(error)
        }
        return configured
    }
}

extension TLSContextHolder {
    /// That of connections whose authorities are those of the system, and which have no certificate.
    static let ofSystem = TLSContextHolder(.system)
}
