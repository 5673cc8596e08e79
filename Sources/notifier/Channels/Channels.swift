package import Domain

/// The channels of one engine, one at most for each kind of destination.
package struct Channels: Sendable {
    private let all: [any Channel]

    package init(_ all: [any Channel]) {
        precondition(Set(all.map(\.destination)).count == all.count, "two channels have one destination")
        self.all = all
    }

    package var destinations: [Destination] { self.all.map(\.destination) }

    /// nil: nothing is delivered there.
    package subscript(destination: Destination) -> (any Channel)? {
        self.all.first { $0.destination == destination }
    }

    /// Gives each attempt to the channel that made its target.
    package func send(_ attempts: [Attempt]) {
        for channel in self.all {
            // Nearly always all of a batch are of one channel, which then gets it as it is.
            if attempts.allSatisfy({ $0.destination == channel.destination }) { return channel.send(attempts) }
            channel.send(attempts.filter { $0.destination == channel.destination })
        }
    }

    package func abortAll() {
        for channel in self.all { channel.abortAll() }
    }

    package func stop() {
        for channel in self.all { channel.stop() }
    }
}
