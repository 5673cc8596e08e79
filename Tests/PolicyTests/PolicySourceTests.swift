import Foundation
import Policy
import Settings
import TestKit
import Testing

/// Files, folders, and when they are read again.
struct PolicySourceTests {
    private func write(_ text: String, _ path: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    @Test func `The files of a folder come after the file, in the byte order of their names`() async throws {
        try await withTemporaryFolder { folder in
            let (file, directory) = ("\(folder.path)/policy.yaml", "\(folder.path)/policy.d")
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
            try self.write("queues:get: role:file\nqueues:create: role:file\n", file)
            try self.write("queues:get: role:a\nqueues:delete: role:a\n", "\(directory)/a.yaml")
            try self.write(#"{"queues:delete": "role:Z"}"#, "\(directory)/Z.json")
            try self.write("queues:stats: role:b\n", "\(directory)/b.yml")
            // Neither what editors leave behind nor hidden files.
            try self.write("queues:purge: '!'\n", "\(directory)/.hidden.yaml")
            try self.write("queues:purge: '!'\n", "\(directory)/b.yaml~")
            for source in [
                PolicySource(file: file, directory: directory), PolicySource(file: file, directory: directory + "/"),
            ] {
                let entries = try source.read().entries
                #expect(entries["queues:create"]?.origin == .file(file))
                #expect(entries["queues:get"]?.check.description == "role:a")
                #expect(entries["queues:delete"]?.check.description == "role:a", "capitals come first")
                #expect(entries["queues:stats"]?.origin == .file("\(directory)/b.yml"))
                #expect(entries["queues:purge"]?.origin == .code)
            }
            #expect(try PolicySource(directory: directory).read().entries["queues:create"]?.origin == .code)
            #expect(try PolicySource().read().entries.count == PolicyCatalog.rules.count)
            let nowhere = "\(folder.path)/nowhere"
            let invalid = #expect(throws: PolicyInvalid.self) { try PolicySource(directory: nowhere).read() }
            #expect(invalid.map { "\($0)" } == "\(nowhere): is no folder that can be read")
            for number in 0...PolicyLimits.filesMax { try self.write("", "\(directory)/\(number).yaml") }
            #expect(throws: PolicyInvalid.self) { try PolicySource(directory: directory).read() }
        }
    }

    @Test func `Marks tell a changed file by time, size and place, and what comes into a folder or leaves it`()
        async throws
    {
        try await withTemporaryFolder { folder in
            let (file, directory) = ("\(folder.path)/policy.yaml", "\(folder.path)/policy.d")
            let source = PolicySource(file: file, directory: directory)
            var marks = [source.marks()]
            func expectChange(_ what: String) {
                let now = source.marks()
                #expect(now != marks.last, "\(what)")
                #expect(now == source.marks(), "\(what)")
                marks.append(now)
            }
            try self.write("", file)
            expectChange("a file that is there")
            try self.write("# 1\n", file)
            expectChange("another size")
            func setTime(_ seconds: Int) throws {
                try FileManager.default.setAttributes(
                    [.modificationDate: Date(timeIntervalSince1970: TimeInterval(seconds))], ofItemAtPath: file)
            }
            try setTime(1000)
            expectChange("another time")
            // Of the same size and time, in the place of the first.
            try self.write("# 2\n", file + ".new")
            #expect(rename(file + ".new", file) == 0)
            try setTime(1000)
            expectChange("another file")
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
            expectChange("a folder that is there")
            try self.write("", "\(directory)/a.yaml")
            expectChange("a file in the folder")
            try FileManager.default.removeItem(atPath: "\(directory)/a.yaml")
            expectChange("a file that left the folder")
        }
    }

    @Test func `A change is read once it stands still, and what was read is not read again`() async throws {
        try await withTemporaryFolder { folder in
            let file = "\(folder.path)/policy.yaml"
            let source = PolicySource(file: file)
            func marks(_ text: String) throws -> FileMarks {
                try self.write(text, file)
                return source.marks()
            }
            let (first, second, third) = (try marks("#"), try marks("##"), try marks("###"))
            var changes = FileChanges(read: first)
            func looks(_ marks: FileMarks...) -> [Bool] { marks.map { changes.look($0) } }
            #expect(looks(first, first) == [false, false])
            // Read when it no longer changes, and until it was read.
            #expect(looks(second, third, third, third) == [false, false, true, true])
            changes.wasRead(third)
            // There and back again is no change.
            #expect(looks(third, first, third, third) == [false, false, false, false])
        }
    }
}
