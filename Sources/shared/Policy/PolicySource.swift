import Foundation
package import Settings

/// Where the rules of operators lie: a file, a folder of files, both, or neither.
package struct PolicySource: Sendable, Equatable {
    /// Endings of the names of files that are read.
    package static let endings = [".yaml", ".yml", ".json"]

    package let file: String?
    /// Its files come after ``file``, in the byte order of their names.
    package let directory: String?

    package init(file: String? = nil, directory: String? = nil) {
        self.file = file
        self.directory = directory
    }

    /// Whether there is anything to look at.
    package var isEmpty: Bool { self.file == nil && self.directory == nil }

    /// Reads everything.
    package func read() throws(PolicyInvalid) -> Policy {
        var files: [PolicyFile] = []
        for path in try self.paths() { files.append(try PolicyFile.read(path: path)) }
        return try Policy(files)
    }

    /// What is there now, without reading it.
    package func marks() -> FileMarks {
        // A folder that cannot be listed has no files; its own mark differs from that of an empty one.
        let paths = (try? self.paths()) ?? [self.file].compactMap(\.self)
        return FileMarks(of: [self.directory].compactMap(\.self) + paths)
    }

    /// The files, in the order in which they count.
    private func paths() throws(PolicyInvalid) -> [String] {
        var paths = [self.file].compactMap(\.self)
        guard let directory else { return paths }
        guard let all = try? FileManager.default.contentsOfDirectory(atPath: directory) else {
            throw .unreadable(path: directory, reason: "is no folder that can be read")
        }
        let names = all.filter { name in !name.hasPrefix(".") && Self.endings.contains { name.hasSuffix($0) } }
        guard names.count <= PolicyLimits.filesMax else {
            throw .unreadable(path: directory, reason: "has more than \(PolicyLimits.filesMax) files of rules")
        }
        let folder = directory.hasSuffix("/") ? directory : directory + "/"
        paths += names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map { folder + $0 }
        return paths
    }
}
