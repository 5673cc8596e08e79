import Domain
import Signing
import Store

/// A message with its body as it was posted, whether or not it is sealed at rest.
struct PlainMessage: Sendable {
    let stored: StoredMessage
    let body: ArraySlice<UInt8>
}

/// A body at rest does not open: its key is not configured any more, or somebody changed it.
///
/// Nothing of the request is answered then. A message left out, or its cipher text shown, would look like a message.
struct BodyUnreadable: Error, Equatable {
    let message: MessageID
    let reason: VaultError
}

extension Operations {
    /// Opens what is sealed.
    ///
    /// - Parameter store: Where the messages were read.
    func opened(
        _ messages: [StoredMessage], of queue: QueueAddress, by store: Store
    ) throws(BodyUnreadable) -> [PlainMessage] {
        try messages.map { message throws(BodyUnreadable) in
            PlainMessage(stored: message, body: try self.body(of: message, in: queue, by: store))
        }
    }

    func body(
        of message: StoredMessage, in queue: QueueAddress, by store: Store
    ) throws(BodyUnreadable) -> ArraySlice<UInt8> {
        guard message.isSealed else { return message.body }
        let opened: SealedBody.Opened
        do {
            opened = try SealedBody.open(message.body, of: queue.project, in: self.vault)
        } catch {
            throw BodyUnreadable(message: message.id, reason: error)
        }
        // Only a message that was moved here may have been sealed elsewhere, and it still has the id it was given there.
        guard opened.queue == queue || store.messages.isIssued(message.id, in: opened.queue) else {
            throw BodyUnreadable(message: message.id, reason: .forged)
        }
        return opened.body[...]
    }
}
