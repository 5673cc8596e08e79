import NIOCore

/// The requests that wait for the addresses of their names; a value of the transfer thread.
struct NameWaiters {
    /// A request and when it began to wait, ms.
    struct Waiter {
        let pending: PendingRequest
        let since: Int64
        fileprivate let number: Int
    }

    private var byName: [String: CircularBuffer<Waiter>] = [:]
    /// All wait equally long, so they give up in the order in which they came.
    private var deadlines = CircularBuffer<(at: Int64, name: String, number: Int)>()
    private var made = 0

    /// When the first gives up; it may be there no more.
    var nextDeadline: Int64? { self.deadlines.first?.at }

    mutating func append(_ pending: PendingRequest, name: String, since: Int64, until deadline: Int64) {
        self.made += 1
        self.byName[name, default: CircularBuffer(initialCapacity: 1)].append(
            Waiter(pending: pending, since: since, number: self.made))
        self.deadlines.append((deadline, name, self.made))
    }

    /// Takes those that wait for a name, first come first.
    mutating func take(_ name: String) -> CircularBuffer<Waiter> {
        self.byName.removeValue(forKey: name) ?? CircularBuffer()
    }

    /// Takes the next that has waited long enough.
    mutating func takeLate(now: Int64) -> (name: String, waiter: Waiter)? {
        while let first = self.deadlines.first, first.at <= now {
            self.deadlines.removeFirst()
            // Of one name the first to come is the first to give up.
            guard self.byName[first.name]?.first?.number == first.number,
                let waiter = self.byName[first.name]?.removeFirst()
            else { continue }
            if self.byName[first.name]?.isEmpty == true { self.byName[first.name] = nil }
            return (first.name, waiter)
        }
        return nil
    }

    mutating func takeAll() -> [(name: String, waiter: Waiter)] {
        defer { self = NameWaiters() }
        return self.byName.flatMap { name, waiters in waiters.map { (name, $0) } }
    }
}
