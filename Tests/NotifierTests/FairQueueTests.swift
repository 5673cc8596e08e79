import Notifier
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
}
