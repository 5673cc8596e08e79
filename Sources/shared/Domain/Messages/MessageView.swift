/// A message as callers see it: with its body as it was posted, whether or not it is encrypted in the store.
package struct MessageView: Sendable {
    package let stored: StoredMessage
    /// The JSON value, byte for byte as it was posted.
    package let body: ArraySlice<UInt8>
    /// The recorded checksum as callers compare it; nil when none was recorded.
    package let checksum: String?

    package init(_ stored: StoredMessage, body: ArraySlice<UInt8>, checksum: String?) {
        self.stored = stored
        self.body = body
        self.checksum = checksum
    }
}
