import Domain
import Testing

struct ChosenQueuesTests {
    @Test func `A setting names one queue, or all whose names begin alike`() throws {
        let one = try #require(ChosenQueues("a/b/orders"))
        #expect(one.project.text == "a/b" && one.names.stem == "orders" && !one.names.isPrefix)
        let some = try #require(ChosenQueues("p/in-*"))
        #expect(some.project.text == "p" && some.names.stem == "in-" && some.names.isPrefix)
        let all = try #require(ChosenQueues("p/*"))
        #expect(all.names.stem.isEmpty && all.names.isPrefix)
    }

    @Test(arguments: [
        "", "orders", "/orders", "p/", "p/a*b", "p/a b", "p/**", "p/\(String(repeating: "x", count: 65))",
    ])
    func `What names no queue is refused`(text: String) {
        #expect(ChosenQueues(text) == nil)
    }
}
