import Synchronization

/// The bytes that connections have waiting for their clients, and arriving in part: all of the process together.
final class SessionBytes: Sendable {
    private let bytesMax: Int
    private let bytes = Atomic(0)

    init(bytesMax: Int) {
        self.bytesMax = bytesMax
    }

    var count: Int { self.bytes.load(ordering: .relaxed) }

    /// Nothing is taken unless all of it is.
    func take(_ count: Int) -> Bool {
        guard self.bytes.wrappingAdd(count, ordering: .relaxed).newValue <= self.bytesMax else {
            self.giveBack(count)
            return false
        }
        return true
    }

    func giveBack(_ count: Int) { self.change(by: -count) }

    /// Counts what is there, whatever the bound.
    func change(by count: Int) { self.bytes.wrappingAdd(count, ordering: .relaxed) }
}
