import Documents
import Domain
import JSON
import NIOCore
import Placement
import Signing
import Store

extension Operations {
    /// Puts messages at the end of a queue, all or none, and makes the queue if it is not there.
    ///
    /// When it returns, messages and the event for their subscribers are kept by one atomic step. What a queue wants
    /// encrypted is sealed before it leaves this process.
    ///
    /// - Parameter body: The request's body; message bodies are passed on as slices of it.
    /// - Returns: Their ids, in the order of the request.
    func postMessages(_ body: ByteBuffer, to queue: QueueAddress, by client: ClientID) async throws -> [MessageID] {
        let drafts = try self.drafts(of: body)
        return try await self.stores.making(queue) { place in
            try await self.post(drafts, to: queue, by: client, requestBytes: body.readableBytes, on: place.store)
        }
    }

    private func post(
        _ drafts: [MessageDraft], to queue: QueueAddress, by client: ClientID, requestBytes: Int, on store: Store
    ) async throws -> [MessageID] {
        var encrypts: Bool
        if let known = self.sealing[queue] {
            encrypts = known
        } else {
            encrypts = try await store.queues.encryptsMessages(queue)
        }
        for _ in 0..<Self.sealingsMax {
            do {
                let ids = try await store.messages.post(
                    encrypts ? drafts.map { self.sealed($0, for: queue) } : drafts, to: queue, by: client,
                    requestBytes: requestBytes, defaults: PostDefaults(ttl: self.limits.messageTTLDefault),
                    expectsSealing: encrypts)
                self.sealing[queue] = encrypts
                return ids
            } catch let changed as SealingDiffers {
                encrypts = changed.encryptsMessages
                self.sealing[queue] = encrypts
            }
        }
        throw StoreError.contended
    }

    /// Posts that were refused because the queue changed its mind meanwhile, and are made again.
    private static let sealingsMax = 32

    private func sealed(_ draft: MessageDraft, for queue: QueueAddress) -> MessageDraft {
        var draft = draft
        draft.body = ByteBuffer(
            bytes: SealedBody.seal(draft.body.readableBytesUInt8Span, for: queue, in: self.vault))
        draft.isSealed = true
        return draft
    }

    private func drafts(of body: ByteBuffer) throws(Refusal) -> [MessageDraft] {
        let ttls = Int64(Limits.ttlMin)...Int64(self.limits.messageTTLMax)
        let delays = 0...Int64(self.limits.messageDelayMax)
        let messages = try PostBody(body.readableBytesUInt8Span, countMax: self.limits.postMessagesMax).messages
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
                MessageDraft(
                    ttl: message.ttl.map { Int($0) }, delay: message.delay.map { Int($0) }, body: slice,
                    checksum: try self.checksum(of: slice)))
        }
        return drafts
    }

    private func checksum(of body: ByteBuffer) throws(Refusal) -> [UInt8]? {
        guard let checksum = self.modes.checksum else { return nil }
        do throws(JSONInvalid) {
            return try CanonicalJSON.text(of: body.readableBytesUInt8Span).map(checksum.digest)
        } catch {
            throw .unparsable(error)
        }
    }
}
