import Domain
import Signing
import Store

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
    ) throws(BodyUnreadable) -> [MessageView] {
        try messages.map { message throws(BodyUnreadable) in
            try self.view(of: message, in: queue, by: store)
        }
    }

    func view(
        of message: StoredMessage, in queue: QueueAddress, by store: Store
    ) throws(BodyUnreadable) -> MessageView {
        MessageView(
            message, body: try self.body(of: message, in: queue, by: store),
            checksum: message.checksum.map { BodyChecksum.text(ofDigest: $0) })
    }

    private func body(
        of message: StoredMessage, in queue: QueueAddress, by store: Store
    ) throws(BodyUnreadable) -> ArraySlice<UInt8> {
        message.isSealed ? try self.body(message.body, of: message.id, in: queue, by: store) : message.body
    }

    /// Opens a sealed body.
    func body(
        _ sealed: ArraySlice<UInt8>, of message: MessageID, in queue: QueueAddress, by store: Store
    ) throws(BodyUnreadable) -> ArraySlice<UInt8> {
        let opened: SealedBody.Opened
        do {
            opened = try SealedBody.open(sealed, of: queue.project, in: self.vault)
        } catch {
            throw BodyUnreadable(message: message, reason: error)
        }
        // Only a message that was moved here may have been sealed elsewhere, and it still has the id it was given there.
        guard opened.queue == queue || store.messages.isIssued(message, in: opened.queue) else {
            throw BodyUnreadable(message: message, reason: .forged)
        }
        return opened.body[...]
    }
}
