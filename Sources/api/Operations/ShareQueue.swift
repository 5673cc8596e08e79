import Documents
import Domain
import Signing

extension Operations {
    /// Makes credentials for parts of one queue, which need not be there.
    ///
    /// The store is not asked: nothing is kept.
    ///
    /// - Parameters:
    ///   - document: The request's body.
    ///   - key: The newest key of pre-signed URLs; nil when none is configured.
    func shareQueue(
        _ queue: QueueAddress, document: [UInt8], key: SignedURLKey?, now: Timestamp
    ) throws(Refusal) -> ShareRequest.Share {
        guard !document.isEmpty else { throw .bodyInvalid("The body has to be a JSON object.") }
        let body = try ShareBody(document: document)
        return try ShareRequest.sign(
            parts: body.parts.map(\.rawValue), methods: body.methods, expires: body.expires, of: queue, key: key,
            now: now)
    }
}
