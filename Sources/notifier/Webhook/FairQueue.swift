import NIOCore

/// First in, first out for each owner, and the owners take turns: ten thousand of one do not delay the one of another.
package struct FairQueue<Owner: Hashable, Element> {
    private var queues: [Owner: CircularBuffer<Element>] = [:]
    /// Each owner of something, once, the one whose turn it is first.
    private var turns = CircularBuffer<Owner>()

    package init() {}

    package var isEmpty: Bool { self.turns.isEmpty }

    package mutating func append(_ element: Element, of owner: Owner) {
        if self.queues[owner] == nil { self.turns.append(owner) }
        self.queues[owner, default: CircularBuffer(initialCapacity: 1)].append(element)
    }

    /// Takes out what is not wanted any more.
    package mutating func removeAll(where isGone: (Owner, Element) -> Bool) {
        for owner in self.turns { self.queues[owner]?.removeAll { isGone(owner, $0) } }
        self.queues = self.queues.filter { !$0.value.isEmpty }
        let left = self.queues
        self.turns.removeAll { left[$0] == nil }
    }

    /// The first of the owner that was served longest ago.
    package mutating func popFirst() -> Element? {
        self.popFirst { _ in true }?.element
    }

    /// The first of the owner that was served longest ago, of those that may be served.
    package mutating func popFirst(where isServed: (Owner) -> Bool) -> (owner: Owner, element: Element)? {
        guard let index = self.turns.firstIndex(where: isServed) else { return nil }
        let owner = index == self.turns.startIndex ? self.turns.removeFirst() : self.turns.remove(at: index)
        guard let element = self.queues[owner]?.popFirst() else { return nil }
        if self.queues[owner]?.isEmpty == true { self.queues[owner] = nil } else { self.turns.append(owner) }
        return (owner, element)
    }
}

extension FairQueue: Sendable where Owner: Sendable, Element: Sendable {}
