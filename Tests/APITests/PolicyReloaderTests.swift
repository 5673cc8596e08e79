import API
import Foundation
import Logging
import NIOConcurrencyHelpers
import Policy
import TestKit
import Testing

/// Files that change while a process runs.
struct PolicyReloaderTests {
    private let lines = NIOLockedValueBox<[String]>([])

    private var logger: Logger {
        let lines = self.lines
        return Logger(label: "policy") { _ in LineLog(lines: lines) }
    }

    private func errors() -> [String] { self.lines.withLockedValue { $0.filter { $0.hasPrefix("error") } } }

    @Test func `A change is taken once it stands still, a broken one never, and is reported once`() async throws {
        try await withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("policy.yaml")
            func write(_ text: String) throws { try Data(text.utf8).write(to: file, options: .atomic) }
            try write("queues:get: role:first\n")
            let source = PolicySource(file: file.path)
            let marks = source.marks()
            let holder = PolicyHolder(try source.read())
            let reloader = PolicyReloader(source, read: marks, into: holder, logger: self.logger)
            func text() -> String? { holder.current.entries["queues:get"]?.check.description }

            await reloader.look()
            #expect(text() == "role:first" && self.lines.withLockedValue { $0.isEmpty })
            try write("queues:get: role:second\n")
            await reloader.look()
            #expect(text() == "role:first", "it was seen once")
            await reloader.look()
            #expect(text() == "role:second")

            try write("queues:get: role:third and\n")
            for _ in 0..<5 { await reloader.look() }
            #expect(text() == "role:second")
            #expect(self.errors().count == 1 && self.errors()[0].contains("rule 'queues:get', column 15"))
            try FileManager.default.removeItem(at: file)
            for _ in 0..<5 { await reloader.look() }
            #expect(text() == "role:second")
            #expect(self.errors().count == 2 && self.errors()[1].contains("No such file"))

            try write("queues:get: role:fourth or rule:nothing\n")
            for _ in 0..<2 { await reloader.look() }
            #expect(text()?.hasPrefix("role:fourth") == true && self.errors().count == 2)
            #expect(self.lines.withLockedValue { $0.contains { $0.hasPrefix("warning") && $0.contains("nothing") } })
        }
    }

    @Test func `A signal has the files read at once`() async throws {
        try await withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("policy.yaml")
            try Data("queues:get: role:first\n".utf8).write(to: file)
            let source = PolicySource(file: file.path)
            let (marks, holder) = (source.marks(), PolicyHolder(try source.read()))
            let reloader = PolicyReloader(source, read: marks, into: holder, logger: self.logger)
            try Data("queues:get: role:second\n".utf8).write(to: file, options: .atomic)
            await reloader.reload()
            #expect(holder.current.entries["queues:get"]?.check.description == "role:second")
            for _ in 0..<3 { await reloader.look() }
            #expect(self.lines.withLockedValue { $0.count } == 1, "it was read once")
            let without = PolicyReloader(
                PolicySource(), read: PolicySource().marks(), into: PolicyHolder(), logger: self.logger)
            await without.reload()
            #expect(self.lines.withLockedValue { $0.last?.contains("no files") } == true)
        }
    }
}
