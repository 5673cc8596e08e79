package import NIOCore

/// How much of an answer its peer has taken, and when it last took some.
package struct AnswerProgress: Sendable {
    /// Bytes of the answer, or of the parts of it since all before were taken.
    package private(set) var bytes: Int
    package private(set) var taken = 0
    private var takenAt: NIODeadline

    package init(of bytes: Int, at now: NIODeadline) {
        self.bytes = bytes
        self.takenAt = now
    }

    /// Another part is written behind one that is not taken yet.
    package mutating func add(_ bytes: Int) { self.bytes += bytes }

    /// - Parameter unwritten: Bytes that the kernel has not taken yet.
    package mutating func noted(unwritten: Int, at now: NIODeadline) {
        let taken = self.bytes - unwritten
        guard taken != self.taken else { return }
        self.taken = taken
        self.takenAt = now
    }

    /// How long the peer has taken nothing.
    package func stalledTime(at now: NIODeadline) -> TimeAmount { now - self.takenAt }
}
