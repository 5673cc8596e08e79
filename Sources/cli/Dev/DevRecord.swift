import Foundation

/// Who runs in a folder, for `herald demo` and for the next `herald dev` there.
package struct DevRecord: Codable, Sendable, Equatable {
    package var pid: Int32
    /// The REST API, `http://127.0.0.1:8888`.
    package var url: String
    /// The processes of the deployment by their names.
    package var children: [String: Int32]

    package init(pid: Int32, url: String, children: [String: Int32]) {
        self.pid = pid
        self.url = url
        self.children = children
    }

    /// The deployment that runs in a folder; nil when none does, or only its record was left.
    package static func running(in folder: DevFolder) -> DevRecord? {
        guard let record = self.read(folder.record), Spawn.isAlive(record.pid) else { return nil }
        return record
    }

    package func write(to folder: DevFolder) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            try encoder.encode(self).write(to: folder.record, options: .atomic)
        } catch {
            throw Failure("\(folder.record.path) cannot be written: \(error.localizedDescription)")
        }
    }

    package static func remove(from folder: DevFolder) {
        // Gone is what we want; it may be gone already.
        try? FileManager.default.removeItem(at: folder.record)
    }

    /// Ends what an earlier deployment left behind when it was killed, so that its Redis does not hold our files.
    ///
    /// Call it with the folder's lock held, or when the process that took it is gone. An id may have been given to another process since: only one whose command is
    /// the recorded name and which mentions this folder is ended.
    package static func endLeftOvers(in folder: DevFolder) async {
        guard let record = self.read(folder.record) else { return }
        let left = record.children.filter { name, id in self.isOurs(id, name: name, folder: folder) }
        for id in left.values { kill(id, SIGTERM) }
        for (name, id) in left {
            for _ in 0..<100 where self.isOurs(id, name: name, folder: folder) {
                // Never cancelled; a shorter pause would do no harm either.
                try? await Task.sleep(for: .milliseconds(50))
            }
            if self.isOurs(id, name: name, folder: folder) { kill(id, SIGKILL) }
        }
        self.remove(from: folder)
    }

    private static func read(_ file: URL) -> DevRecord? {
        // No record, or a torn one, is no deployment.
        guard let data = FileManager.default.contents(atPath: file.path) else { return nil }
        return try? JSONDecoder().decode(DevRecord.self, from: data)
    }

    private static func isOurs(_ id: Int32, name: String, folder: DevFolder) -> Bool {
        guard id > 1, let command = FileManager.default.contents(atPath: "/proc/\(id)/cmdline") else { return false }
        let text = String(decoding: command, as: UTF8.self)
        let environment = FileManager.default.contents(atPath: "/proc/\(id)/environ").map {
            String(decoding: $0, as: UTF8.self)
        }
        return text.contains(name) && (text.contains(folder.url.path) || environment?.contains(folder.url.path) == true)
    }
}
