import Domain
import NIOCore
import Store
import Wire

extension Operations {
    /// Puts messages at the end of a queue, all or none, and makes the queue if it is not there.
    ///
    /// When it returns, messages and the event for their subscribers are kept by one atomic step.
    ///
    /// - Parameter body: The request's body; message bodies are passed on as slices of it.
    /// - Returns: Their ids, in the order of the request.
    func postMessages(_ body: ByteBuffer, to queue: QueueAddress, by client: ClientID) async throws -> [MessageID] {
        let drafts = try self.drafts(of: body)
        return try await self.store.messages.post(
            drafts, to: queue, by: client, requestBytes: body.readableBytes,
            defaults: PostDefaults(ttl: self.limits.messageTTLDefault))
    }

    private func drafts(of body: ByteBuffer) throws(Refusal) -> [MessageDraft] {
        let ttls = Int64(Limits.ttlMin)...Int64(self.limits.messageTTLMax)
        let delays = 0...Int64(self.limits.messageDelayMax)
        let messages = try PostBody(body.readableBytesUInt8Span).messages
        var drafts: [MessageDraft] = []
        drafts.reserveCapacity(messages.count)
        for message in messages {
            if let ttl = message.ttl, !ttls.contains(ttl) {
                throw .requestInvalid(
                    "The ttl of a message has to lie between \(ttls.lowerBound) and \(ttls.upperBound) seconds.")
            }
            if let delay = message.delay, !delays.contains(delay) {
                throw .requestInvalid(
                    "The delay of a message has to lie between \(delays.lowerBound) and \(delays.upperBound) seconds.")
            }
            let start = body.readerIndex + message.body.lowerBound
            guard let slice = body.getSlice(at: start, length: message.body.count) else {
                preconditionFailure("a message's body lies outside of the request's")
            }
            drafts.append(
                MessageDraft(ttl: message.ttl.map { Int($0) }, delay: message.delay.map { Int($0) }, body: slice))
        }
        return drafts
    }
}
