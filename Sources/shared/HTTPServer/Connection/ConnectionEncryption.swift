import NIOCore
import TLS

/// What encrypts a connection, where its listener wants it so: from its begin, or from behind the header of a proxy.
struct ConnectionEncryption {
    private let tls: TLSContextHolder?
    private var begun: (handler: TLSHandler, at: NIODeadline)?

    /// - Parameter tls: nil: the connection is in the clear.
    init(_ tls: TLSContextHolder?) { self.tls = tls }

    /// Whether what arrives now would be read in the clear, and must not be.
    var isMissing: Bool { self.tls != nil && self.begun == nil }

    /// Puts its handler in front of that of the connection; nothing where the connection is in the clear.
    mutating func begin(
        before connection: HTTPConnection, in context: ChannelHandlerContext, at now: NIODeadline
    ) throws {
        guard let tls, self.begun == nil else { return }
        let handler = TLSHandler.server(tls.current, clearTextAnswer: AnswerWriter.clearTextAnswer)
        self.begun = (handler, now)
        try context.pipeline.syncOperations.addHandler(handler, position: .before(connection))
    }

    /// Whether the handshake has taken as long as a head may.
    func isOverdue(at now: NIODeadline, _ limits: HTTPLimits) -> Bool {
        guard let begun, !begun.handler.isEstablished else { return false }
        return now - begun.at > limits.headMax
    }

    /// Ends it so that the peer does not take the body for complete.
    func breakOff(in context: ChannelHandlerContext) {
        if self.begun != nil { context.triggerUserOutboundEvent(TLSHandler.Break(), promise: nil) }
    }
}
