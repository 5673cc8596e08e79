import Startup
import Testing

/// Beside what a process may serve.
struct AgreedValueTests {
    @Test func `A value agrees with itself alone`() {
        #expect(AgreedValue.text("true").agrees(with: "true"))
        #expect(!AgreedValue.text("true").agrees(with: "false"))
        #expect(AgreedValue.text("").kept.isEmpty && AgreedValue.text("").shown == "unset")
    }

    @Test(arguments: [
        // Own keys, the one that writes first; those that are kept; whether it may serve.
        (["a"], "a", true), (["a"], "b", false), ([], "none", true), ([], "a", false), (["a"], "none", false),
        // It reads all that others write, and they read what it writes.
        (["a", "b"], "a", true), (["b", "a"], "a", false), (["a", "b"], "a,b", true), (["b", "a"], "a,b", true),
        (["a"], "a,b", false), (["a", "c"], "a,b", false), (["c", "a", "b"], "a,b", false),
        (["a", "b", "c"], "a,b", true), (["a", "a"], "a", true),
    ])
    func `Of keys a process has all that are kept, and writes with one of them`(
        own: [String], kept: String, agrees: Bool
    ) {
        #expect(AgreedValue.keys(own).agrees(with: kept) == agrees)
    }

    @Test func `What is kept of keys does not depend on which one writes`() {
        #expect(AgreedValue.keys(["b", "a", "b"]).kept == "a,b")
        #expect(AgreedValue.keys([]).kept == "none")
        #expect(AgreedValue.keys(["b", "a"]).shown == "b,a")
    }
}
