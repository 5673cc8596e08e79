import Cryptography

extension WebhookSecret {
    /// Reads the form given to subscribers, `whsec_` and base64; nil for anything else.
    package init?(text: String) {
        let prefix = "whsec_"
        guard text.hasPrefix(prefix), let bytes = Base64.decode(String(text.dropFirst(prefix.count))),
            bytes.count == Self.bytesCount
        else { return nil }
        self.init(bytes: bytes)
    }
}
