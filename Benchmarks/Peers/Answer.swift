import NIOCore
import NIOHTTP1

extension ChannelHandlerContext {
    /// Answers the request of a server pipeline.
    func answer(_ body: String?, _ status: HTTPResponseStatus = .ok) {
        var headers = HTTPHeaders()
        headers.add(name: "content-length", value: String(body?.utf8.count ?? 0))
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
        self.write(NIOAny(HTTPServerResponsePart.head(head)), promise: nil)
        if let body {
            self.write(NIOAny(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
        }
        self.writeAndFlush(NIOAny(HTTPServerResponsePart.end(nil)), promise: nil)
    }
}
