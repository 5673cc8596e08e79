import Foundation

extension Terminal {
    /// One step of the demonstration.
    func step(_ what: String, _ detail: String) {
        self.line("  \(what.padding(toLength: 20, withPad: " ", startingAt: 0)) \(detail)")
    }

    /// Something that was checked and holds.
    func good(_ what: String, _ detail: String) {
        self.line("  \(self.styled("✓", .green)) \(self.styled(what, .bold)): \(detail)")
    }
}

extension AsyncStream where Element: Sendable {
    /// The next element; nil when none comes in time, or the stream has ended.
    func next(within limit: Duration) async throws -> Element? {
        try await withThrowingTaskGroup(of: Element?.self) { group in
            group.addTask {
                for await element in self { return element }
                return nil
            }
            group.addTask {
                try await Task.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }
}
