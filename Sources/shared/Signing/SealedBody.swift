package import Domain

/// A sealed message body together with the queue it was sealed for.
///
/// ```
/// bytes in the name, u8 │ name of the queue │ what the vault sealed
/// ```
///
/// A body opens only under the key of its queue, and a message may leave its queue for another of the same project, its
/// dead-letter queue. The name is no secret: the store knows the message by it.
package enum SealedBody {
    /// Seals a body for a queue.
    package static func seal(_ body: Span<UInt8>, for queue: QueueAddress, in vault: Vault) -> [UInt8] {
        let name = Array(queue.name.text.utf8)
        return [UInt8(name.count)] + name + vault.seal(body, for: queue)
    }

    /// What an opened body was.
    package struct Opened: Sendable, Equatable {
        package let body: [UInt8]
        /// The queue it was sealed for.
        ///
        /// Who reads the body in another queue must know that the message was moved.
        package let queue: QueueAddress
    }

    /// Opens a body of any queue of a project.
    package static func open(
        _ sealed: ArraySlice<UInt8>, of project: ProjectID, in vault: Vault
    ) throws(VaultError) -> Opened {
        guard let count = sealed.first.map({ Int($0) }), sealed.count > count else { throw .truncated }
        let name = String(decoding: sealed.dropFirst().prefix(count), as: UTF8.self)
        // What is no name was not written by ``seal(_:for:in:)``.
        guard let name = try? QueueName(name) else { throw .forged }
        let queue = QueueAddress(project: project, name: name)
        let rest = Array(sealed.dropFirst(1 + count))
        return Opened(body: try vault.open(rest.span, of: queue), queue: queue)
    }
}
