import Cryptography
import Domain
import Redis
import Signing

/// Makes and checks the ids of messages, which are nowhere stored.
struct MessageIDs: Sendable {
    let tagger: MessageTagger

    func id(at position: Position, of queue: QueueAddress) -> MessageID {
        MessageID(position: position, tag: self.tagger.tag(queue: queue, position: position))
    }

    /// Whether this deployment made the id, for this queue.
    func isIssued(_ id: MessageID, in queue: QueueAddress) -> Bool {
        let tag = self.tagger.tag(queue: queue, position: id.position)
        return ConstantTime.equal(tag, Array(id.text.utf8.suffix(MessageID.tagCharacters)))
    }

    /// Eight bytes that stand for a client beside each message it posted.
    func mark(of client: ClientID) -> [UInt8] { self.tagger.clientMark(client) }

    /// An id as scripts take one: its position, empty when it was not made for this queue, and its text, by which a
    /// message that moved here is known.
    func append(_ id: MessageID, of queue: QueueAddress, to call: inout ScriptCall) {
        call.append(self.isIssued(id, in: queue) ? String(id.position.value) : "")
        call.append(id.text)
    }
}
