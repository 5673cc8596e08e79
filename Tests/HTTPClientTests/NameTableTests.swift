import HTTPClient
import Testing

struct NameTableTests {
    private let noisy: String? = "noisy"
    private let quiet: String? = "quiet"

    private func table() -> NameTable { NameTable(freshMilliseconds: 5000, staleMilliseconds: 20_000) }

    /// Starts what may be started.
    private func start(_ table: inout NameTable, now: Int64 = 0) -> [String] {
        var names: [String] = []
        while let next = table.next(now: now) { names.append(next.name) }
        return names
    }

    @Test func `An owner takes half of what is free for the unproven, and the next begins at once`() {
        var table = self.table()
        for index in 0..<10_000 { #expect(table.want("n\(index)", for: self.noisy, now: 0) == .waiting) }
        #expect(self.start(&table).count == 12)
        for index in 0..<5 { #expect(table.want("q\(index)", for: self.quiet, now: 0) == .waiting) }
        #expect(self.start(&table) == ["q0", "q1", "q2", "q3", "q4"])
        #expect(table.runningCount == 17)
    }

    /// Projects that ask for nothing but names whose servers are silent.
    private func silent(_ count: Int, in table: inout NameTable, now: Int64) -> [String?] {
        let owners = (0..<count).map { String?("silent\($0)") }
        for (number, owner) in owners.enumerated() {
            for index in 0..<100 { _ = table.want("s\(number)-\(index)-\(now)", for: owner, now: now) }
        }
        return owners
    }

    @Test func `However many names of six owners are silent, another owner finds a thread at once`() {
        var table = self.table()
        _ = self.silent(6, in: &table, now: 0)
        #expect(self.start(&table).count <= NameTable.unprovenMax)
        #expect(table.want("q", for: self.quiet, now: 0) == .waiting)
        #expect(self.start(&table) == ["q"])
    }

    @Test func `Threads are kept from all owners that lately had a silent name, for a minute`() {
        var table = self.table()
        // More owners than there are threads, so that all threads are taken once.
        let owners = self.silent(40, in: &table, now: 0)
        var running: [(name: String, owner: String?)] = []
        while let next = table.next(now: 0) { running.append(next) }
        #expect(running.count == NameTable.runningMax)
        for (name, owner) in running { _ = table.finished(name, of: owner, .silent, now: 10_000) }
        // Those that were not served yet are new, and take one each of what is kept.
        var second: [(name: String, owner: String?)] = []
        while let next = table.next(now: 10_000) { second.append(next) }
        #expect(Set(second.map(\.owner)).isSuperset(of: Set(owners).subtracting(running.map(\.owner))))
        for (name, owner) in second { _ = table.finished(name, of: owner, .silent, now: 20_000) }
        _ = self.silent(40, in: &table, now: 20_000)
        #expect(self.start(&table, now: 20_000).count == NameTable.unprovenMax)
        for index in 0..<4 {
            let owner = String?("other\(index)")
            #expect(table.want("o\(index)", for: owner, now: 20_000) == .waiting)
        }
        #expect(self.start(&table, now: 20_000) == ["o0", "o1", "o2", "o3"])
    }

    @Test func `An owner whose names are answered may have half of all that is free`() {
        var table = self.table()
        _ = table.want("a", for: self.quiet, now: 0)
        _ = self.start(&table)
        _ = table.finished("a", of: self.quiet, .addresses(["192.0.2.1"]), now: 1)
        for index in 0..<100 { _ = table.want("q\(index)", for: self.quiet, now: 1) }
        #expect(self.start(&table, now: 1).count == 16)
        // After 2 s without an answer it is one like the others.
        _ = table.finished("q0", of: self.quiet, .missing, now: 2000)
        #expect(self.start(&table, now: 2000).count == 1)
        _ = table.finished("q1", of: self.quiet, .missing, now: 2001)
        #expect(self.start(&table, now: 2001).isEmpty)
    }

    @Test func `A name that is not answered is asked for again soon, and each time later`() {
        var table = self.table()
        var now: Int64 = 0
        for pause: Int64 in [2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000] {
            #expect(table.want("a", for: self.quiet, now: now) == .waiting)
            #expect(self.start(&table, now: now) == ["a"])
            #expect(table.finished("a", of: self.quiet, .silent, now: now) == .failed)
            #expect(table.want("a", for: self.quiet, now: now + pause - 1) == .failed)
            now += pause
        }
        _ = table.want("a", for: self.quiet, now: now)
        _ = self.start(&table, now: now)
        _ = table.finished("a", of: self.quiet, .addresses(["192.0.2.1"]), now: now)
        now += 20_000
        _ = table.want("a", for: self.quiet, now: now)
        _ = self.start(&table, now: now)
        #expect(table.finished("a", of: self.quiet, .silent, now: now) == .failed)
        #expect(table.want("a", for: self.quiet, now: now + 2000) == .waiting)
    }

    @Test func `A lookup that this process could not make takes no address away, and is made again soon`() {
        var table = self.table()
        _ = table.want("a", for: self.quiet, now: 0)
        _ = self.start(&table)
        _ = table.finished("a", of: self.quiet, .addresses(["192.0.2.1"]), now: 0)
        _ = table.want("a", for: self.quiet, now: 5000)
        _ = self.start(&table, now: 5000)
        #expect(table.finished("a", of: self.quiet, .unable, now: 5000) == .addresses(["192.0.2.1"]))
        for now: Int64 in [20_000, 22_000, 24_000, 26_000] {
            #expect(table.want("a", for: self.quiet, now: now) == .waiting)
            #expect(self.start(&table, now: now) == ["a"])
            #expect(table.finished("a", of: self.quiet, .unable, now: now) == .failed)
            #expect(table.want("a", for: self.quiet, now: now + 1999) == .failed)
        }
    }

    @Test func `A name that an owner waits for in a long line is looked up in the turn of another that wants it`() {
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
        for now: Int64 in [15_000, 16_999] {
            #expect(table.want("a", for: self.quiet, now: now) == .addresses(["192.0.2.1"]))
            #expect(self.start(&table, now: now).isEmpty, "asked again at once")
        }
        #expect(table.want("a", for: self.quiet, now: 17_000) == .addresses(["192.0.2.1"]))
        #expect(self.start(&table, now: 17_000) == ["a"])
        #expect(table.finished("a", of: self.quiet, .unable, now: 18_000) == .addresses(["192.0.2.1"]))
        #expect(table.want("a", for: self.quiet, now: 19_999) == .addresses(["192.0.2.1"]))
        #expect(self.start(&table, now: 19_999).isEmpty, "asked again at once")
        #expect(table.want("a", for: self.quiet, now: 20_000) == .waiting)
        #expect(self.start(&table, now: 20_000) == ["a"])
        #expect(table.finished("a", of: self.quiet, .silent, now: 30_000) == .failed)
        #expect(table.want("a", for: self.quiet, now: 31_999) == .failed)
        #expect(table.want("a", for: self.quiet, now: 32_000) == .waiting)
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

    @Test func `A name without a waiting caller is not looked up, and what is kept is bounded`() {
        var table = self.table()
        for round in 0..<20 {
            for index in 0..<5000 { _ = table.want("n\(round)-\(index)", for: self.noisy, now: Int64(round)) }
            if round == 0 { #expect(self.start(&table).count == 12) }
            for index in 0..<5000 { table.leave("n\(round)-\(index)", now: Int64(round)) }
        }
        #expect(table.sizes.turns <= 10_000 && table.sizes.names <= NameTable.namesMax + 5000)
        for index in 0..<12 { _ = table.finished("n0-\(index)", of: self.noisy, .silent, now: 20) }
        #expect(self.start(&table, now: 20).isEmpty)
    }
}
