import HTTPClient
import TestKit
import Testing

@Suite struct FairQueueTests {
    @Test func `The one of an owner comes next behind one of the thousands of another`() {
        var queue = FairQueue<String, Int>()
        for number in 0..<5_000 { queue.append(number, of: "loud") }
        #expect(queue.popFirst() == 0)
        queue.append(-1, of: "quiet")
        #expect(queue.popFirst() == 1)
        #expect(queue.popFirst() == -1)
        #expect(queue.popFirst() == 2)
    }

    @Test func `What one owner appends keeps its order, and nothing is lost`() {
        var queue = FairQueue<Int, Int>()
        for number in 0..<300 { queue.append(number, of: number % 7) }
        var last: [Int: Int] = [:]
        var count = 0
        while let number = queue.popFirst() {
            #expect(number > last[number % 7, default: -1])
            last[number % 7] = number
            count += 1
        }
        #expect(count == 300)
        #expect(queue.isEmpty)
    }

    /// The same by the rule alone: the owners in the order of their turns, each with what it has.
    private struct Model {
        var turns: [(owner: Int, elements: [Int])] = []

        mutating func append(_ elements: [Int], of owner: Int) {
            if let index = self.turns.firstIndex(where: { $0.owner == owner }) {
                self.turns[index].elements += elements
            } else if !elements.isEmpty {
                self.turns.append((owner, elements))
            }
        }

        mutating func popFirst(where isServed: (Int) -> Bool) -> (owner: Int, element: Int)? {
            guard let index = self.turns.firstIndex(where: { isServed($0.owner) }) else { return nil }
            var turn = self.turns.remove(at: index)
            let element = turn.elements.removeFirst()
            if !turn.elements.isEmpty { self.turns.append(turn) }
            return (turn.owner, element)
        }

        mutating func removeAll(where isGone: (Int, Int) -> Bool) {
            self.turns = self.turns.map { turn in (turn.owner, turn.elements.filter { !isGone(turn.owner, $0) }) }
                .filter { !$0.elements.isEmpty }
        }
    }

    @Test(arguments: [1, 3, 200])
    func `Whatever is appended, taken and removed, the turns are those of the rule`(owners: Int) {
        var random = SeededGenerator(seed: UInt64(owners))
        var (queue, model) = (FairQueue<Int, Int>(), Model())
        for step in 0..<20_000 {
            let owner = Int.random(in: 0..<owners, using: &random)
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<30:
                queue.append(step, of: owner)
                model.append([step], of: owner)
            case 30..<34:
                let run = Array(0..<Int.random(in: 0...40, using: &random))
                queue.append(contentsOf: run, of: owner)
                model.append(run, of: owner)
            case 34..<60:
                let (taken, expected) = (queue.popFirst { $0 >= owner }, model.popFirst { $0 >= owner })
                #expect(taken?.owner == expected?.owner && taken?.element == expected?.element)
            case 60:
                queue.removeAll { $0 == owner || $1 % 2 == 0 }
                model.removeAll { $0 == owner || $1 % 2 == 0 }
            case 61 where step % 5 == 0:
                while let expected = model.popFirst(where: { _ in true }) {
                    #expect(queue.popFirst() == expected.element)
                }
            default: #expect(queue.popFirst() == model.popFirst { _ in true }?.element)
            }
            #expect(queue.isEmpty == model.turns.isEmpty)
        }
    }
}
