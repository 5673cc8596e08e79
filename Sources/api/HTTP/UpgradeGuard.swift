import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Reads nothing of a connection behind a request that asks for another protocol (RFC 9110, 7.8 and 9.3.6).
///
/// NIO's decoder takes what follows for bytes of that protocol: it parses none of it and keeps all of it. This server has no
/// other protocol, so it answers, says `Connection: close` and closes (``RESTResponder``); until then the bytes stay in the
/// kernel's buffers, and their sender waits.
final class UpgradeGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private var asksForUpgrade = false
    private var isOver = false

    /// Whether a request asks for another protocol on its connection: every one that the decoder takes for such is among them.
    static func asks(_ request: HTTPRequest) -> Bool {
        // `contains` would index all fields, for this one question.
        request.method == .connect || request.headerFields.contains { $0.name == .upgrade }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let request): self.asksForUpgrade = Self.asks(request)
        case .body: break
        case .end: self.isOver = self.asksForUpgrade
        }
        context.fireChannelRead(data)
    }

    func read(context: ChannelHandlerContext) {
        if !self.isOver { context.read() }
    }
}
