/// Has a session acknowledge each message it gets; part of the options of its subscription.
package struct Acknowledgement: Sendable, Equatable {
    /// What ``timeout`` may be, and what it is when nothing is said.
    package static let timeoutRange = 1...60
    package static let timeoutDefault = 30

    /// Seconds that a client has for a message before it is sent again.
    package let timeout: Int

    package init(timeout: Int = Self.timeoutDefault) {
        self.timeout = timeout
    }
}
