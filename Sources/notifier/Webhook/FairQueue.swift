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

    /// The first of whoever was served longest ago.
    package mutating func popFirst() -> Element? {
        guard let owner = self.turns.popFirst(), let element = self.queues[owner]?.popFirst() else { return nil }
        if self.queues[owner]?.isEmpty == true { self.queues[owner] = nil } else { self.turns.append(owner) }
        return element
    }
}
