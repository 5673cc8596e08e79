import NIOCore

/// First in, first out for each owner, and the owners take turns: ten thousand of one do not delay the one of another.
package struct FairQueue<Owner: Hashable, Element> {
    /// What one owner has in it.
    fileprivate struct Line {
        var owner: Owner
        var elements: CircularBuffer<Element>
    }

    /// Elements that the buffer of an owner holds at first; an emptied buffer for more than the last is not kept.
    private static var capacities: ClosedRange<Int> { 8...256 }
    /// Lines that are kept for the next owners when all are empty.
    private static var sparesMax: Int { 64 }

    private var lines: [Line] = []
    /// Where in ``lines`` each owner of something is.
    private var places: [Owner: Int] = [:]
    /// Those of ``lines`` without an owner.
    private var spares: [Int] = []
    /// The places of the owners of something, each once, the one whose turn it is first.
    private var turns = CircularBuffer<Int>()

    package init() {}

    package var isEmpty: Bool { self.turns.isEmpty }

    package mutating func append(_ element: Element, of owner: Owner) {
        self.lines[self.place(of: owner)].elements.append(element)
    }

    package mutating func append(contentsOf elements: some Collection<Element>, of owner: Owner) {
        guard !elements.isEmpty else { return }
        self.lines[self.place(of: owner)].elements.append(contentsOf: elements)
    }

    /// Takes out what is not wanted any more.
    package mutating func removeAll(where isGone: (Owner, Element) -> Bool) {
        var left = CircularBuffer<Int>()
        for place in self.turns {
            let owner = self.lines[place].owner
            self.lines[place].elements.removeAll { isGone(owner, $0) }
            if self.lines[place].elements.isEmpty { self.leave(place) } else { left.append(place) }
        }
        self.turns = left
        self.dropSpares()
    }

    /// The first of the owner that was served longest ago.
    package mutating func popFirst() -> Element? {
        guard let place = self.turns.first else { return nil }
        return self.pop(at: self.turns.startIndex, place)
    }

    /// The first of the owner that was served longest ago, of those that may be served.
    package mutating func popFirst(where isServed: (Owner) -> Bool) -> (owner: Owner, element: Element)? {
        guard let turn = self.turns.firstIndex(where: { isServed(self.lines[$0].owner) }) else { return nil }
        let place = self.turns[turn]
        let owner = self.lines[place].owner
        return self.pop(at: turn, place).map { (owner, $0) }
    }

    private mutating func pop(at turn: CircularBuffer<Int>.Index, _ place: Int) -> Element? {
        let element = self.lines[place].elements.popFirst()
        let isEmptied = self.lines[place].elements.isEmpty
        // Alone, an owner keeps its turn.
        if isEmptied || self.turns.count > 1 {
            if turn == self.turns.startIndex { self.turns.removeFirst() } else { self.turns.remove(at: turn) }
            if isEmptied { self.leave(place) } else { self.turns.append(place) }
        }
        if isEmptied { self.dropSpares() }
        return element
    }

    private mutating func place(of owner: Owner) -> Int {
        if let place = self.places[owner] { return place }
        let place: Int
        if let spare = self.spares.popLast() {
            place = spare
            self.lines[place].owner = owner
        } else {
            place = self.lines.count
            self.lines.append(
                Line(owner: owner, elements: CircularBuffer(initialCapacity: Self.capacities.lowerBound)))
        }
        self.places[owner] = place
        self.turns.append(place)
        return place
    }

    private mutating func leave(_ place: Int) {
        self.places[self.lines[place].owner] = nil
        if self.lines[place].elements.capacity > Self.capacities.upperBound {
            self.lines[place].elements = CircularBuffer(initialCapacity: Self.capacities.lowerBound)
        }
        self.spares.append(place)
    }

    /// Forgets the lines when none has an owner and there were many.
    private mutating func dropSpares() {
        guard self.turns.isEmpty, self.lines.count > Self.sparesMax else { return }
        self = FairQueue()
    }
}

extension FairQueue: Sendable where Owner: Sendable, Element: Sendable {}
extension FairQueue.Line: Sendable where Owner: Sendable, Element: Sendable {}
