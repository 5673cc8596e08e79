/// How messages to one subscriber are collected into one: until so long after the first of them, or until there are so many.
package struct Digest: Sendable, Equatable {
    /// What ``seconds`` may be, up to a day.
    package static let secondsRange = 1...86_400
    /// What ``messages`` may be.
    package static let messagesRange = 2...100

    /// From the first message on.
    package let seconds: Int
    package let messages: Int

    package init(seconds: Int, messages: Int) {
        self.seconds = seconds
        self.messages = messages
    }
}
