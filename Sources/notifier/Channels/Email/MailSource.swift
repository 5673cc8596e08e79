/// The bytes of one mail, as libesmtp asks for them.
final class MailSource {
    let mail: OutgoingMail
    /// Whether all of it was handed out, so that the final dot follows.
    private(set) var isSent = false
    private let relay: RelayConnection
    private let control: SessionControl
    private var isHandedOut = false
    /// Keeps the bytes where they are while libesmtp reads them.
    private var pinned: UnsafeMutableBufferPointer<CChar>?

    init(_ mail: OutgoingMail, _ relay: RelayConnection, _ control: SessionControl) {
        self.mail = mail
        self.relay = relay
        self.control = control
    }

    deinit {
        self.pinned?.deallocate()
    }

    /// - Parameter count: nil: from the beginning.
    /// - Returns: All bytes at first, then nothing.
    func next(_ count: UnsafeMutablePointer<Int32>?) -> UnsafePointer<CChar>? {
        guard let count else {
            self.isHandedOut = false
            return nil
        }
        self.pinned?.deallocate()
        self.pinned = nil
        guard !self.isHandedOut else {
            self.isSent = true
            self.control.enter(.end)
            count.pointee = 0
            return nil
        }
        self.isHandedOut = true
        let bytes = self.relay.encoded(self.mail)
        let pinned = UnsafeMutableBufferPointer<CChar>.allocate(capacity: bytes.count)
        UnsafeMutableRawBufferPointer(pinned).copyBytes(from: bytes)
        self.pinned = pinned
        count.pointee = Int32(bytes.count)
        return UnsafePointer(pinned.baseAddress)
    }
}
