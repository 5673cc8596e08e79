import Domain
import Notifier
import Testing

struct NameTableTests {
    private let noisy = try? ProjectID("noisy")
    private let quiet = try? ProjectID("quiet")

    private func table() -> NameTable { NameTable(freshMilliseconds: 5000, staleMilliseconds: 20_000) }

    /// Starts what may be started.
    private func start(_ table: inout NameTable, now: Int64 = 0) -> [String] {
        var names: [String] = []
        while let next = table.next(now: now) { names.append(next.name) }
        return names
    }

    @Test func `A project takes half of what is free, and the next finds room at once`() {
        var table = self.table()
        for index in 0..<10_000 { #expect(table.want("n\(index)", for: self.noisy, now: 0) == .waiting) }
        #expect(self.start(&table).count == 16)
        for index in 0..<5 { #expect(table.want("q\(index)", for: self.quiet, now: 0) == .waiting) }
        #expect(self.start(&table) == ["q0", "q1", "q2", "q3", "q4"])
        #expect(table.runningCount == 21)
    }

    @Test func `A name that a project waits for in a long line is looked up in the turn of another that wants it`() {
        var table = self.table()
        for index in 0..<1000 { _ = table.want("n\(index)", for: self.noisy, now: 0) }
        _ = self.start(&table)
        #expect(table.want("n999", for: self.quiet, now: 0) == .waiting)
        #expect(self.start(&table) == ["n999"])
    }

    @Test func `A name is looked up once for all that wait for it`() {
        var table = self.table()
        for _ in 0..<100 { #expect(table.want("a", for: self.noisy, now: 0) == .waiting) }
        #expect(table.want("a", for: self.quiet, now: 0) == .waiting)
        #expect(self.start(&table) == ["a"])
        #expect(table.finished("a", of: self.noisy, .addresses(["192.0.2.1"]), now: 1) == .addresses(["192.0.2.1"]))
        #expect(self.start(&table, now: 1).isEmpty && table.runningCount == 0)
        #expect(table.want("a", for: self.quiet, now: 5000) == .addresses(["192.0.2.1"]))
        #expect(self.start(&table, now: 5000).isEmpty)
    }

    @Test func `Old addresses are used while they are looked up again, and until they are too old`() {
        var table = self.table()
        _ = table.want("a", for: self.quiet, now: 0)
        _ = self.start(&table)
        _ = table.finished("a", of: self.quiet, .addresses(["192.0.2.1"]), now: 0)
        for _ in 0..<3 { #expect(table.want("a", for: self.quiet, now: 5000) == .addresses(["192.0.2.1"])) }
        #expect(self.start(&table, now: 5000) == ["a"])
        #expect(table.finished("a", of: self.quiet, .silent, now: 15_000) == .addresses(["192.0.2.1"]))
        #expect(table.want("a", for: self.quiet, now: 19_999) == .addresses(["192.0.2.1"]))
        #expect(table.want("a", for: self.quiet, now: 20_000) == .waiting)
        #expect(self.start(&table, now: 20_000) == ["a"])
        #expect(table.finished("a", of: self.quiet, .silent, now: 30_000) == .failed)
        #expect(table.want("a", for: self.quiet, now: 59_999) == .failed)
        #expect(table.want("a", for: self.quiet, now: 60_000) == .waiting)
    }

    @Test func `A name that is gone is gone at once, and asked for again soon`() {
        var table = self.table()
        _ = table.want("a", for: self.quiet, now: 0)
        _ = self.start(&table)
        _ = table.finished("a", of: self.quiet, .addresses(["192.0.2.1"]), now: 0)
        _ = table.want("a", for: self.quiet, now: 6000)
        _ = self.start(&table, now: 6000)
        #expect(table.finished("a", of: self.quiet, .missing, now: 6000) == .failed)
        #expect(table.want("a", for: self.quiet, now: 7999) == .failed)
        #expect(table.want("a", for: self.quiet, now: 8000) == .waiting)
    }

    @Test func `What nobody waits for any more is not looked up, and what is kept is bounded`() {
        var table = self.table()
        for round in 0..<20 {
            for index in 0..<5000 { _ = table.want("n\(round)-\(index)", for: self.noisy, now: Int64(round)) }
            if round == 0 { #expect(self.start(&table).count == 16) }
            for index in 0..<5000 { table.leave("n\(round)-\(index)", now: Int64(round)) }
        }
        #expect(table.sizes.turns <= 10_000 && table.sizes.names <= NameTable.namesMax + 5000)
        for index in 0..<16 { _ = table.finished("n0-\(index)", of: self.noisy, .silent, now: 20) }
        #expect(self.start(&table, now: 20).isEmpty)
    }
}
