import Glibc

/// What tells a changed file from an unchanged one: time, size and place of each.
package struct FileMarks: Sendable, Equatable {
    struct Mark: Sendable, Equatable {
        let path: String
        /// All zero for what is not there.
        let modified: [Int]
        let size: Int
        let inode: UInt64
        let device: UInt64

        init(path: String) {
            self.path = path
            var status = stat()
            let isThere = stat(path, &status) == 0
            self.modified = isThere ? [Int(status.st_mtim.tv_sec), Int(status.st_mtim.tv_nsec)] : [0, 0]
            self.size = isThere ? Int(status.st_size) : 0
            self.inode = isThere ? UInt64(status.st_ino) : 0
            self.device = isThere ? UInt64(status.st_dev) : 0
        }
    }

    let marks: [Mark]

    package init(of paths: [String]) { self.marks = paths.map { Mark(path: $0) } }
}

/// Says when files have to be read again, by what each look at them shows.
///
/// ```
///              the same as last time               the same as when read
///   changed ───────────────────────────► to read ◄─╌╌╌ not again: a broken file is reported once
///      ▲ another look, and they differ again
/// ```
///
/// A change is read once it has stood still from one look to the next: half a file can be a valid one.
package struct FileChanges: Sendable {
    private var read: FileMarks
    private var seen: FileMarks

    /// - Parameter marks: Of what was read.
    package init(read marks: FileMarks) { (self.read, self.seen) = (marks, marks) }

    /// Takes one look into account.
    ///
    /// - Returns: Whether to read the files, and then to say so with ``wasRead(_:)``.
    package mutating func look(_ marks: FileMarks) -> Bool {
        defer { self.seen = marks }
        return marks != self.read && marks == self.seen
    }

    /// - Parameter marks: From before reading, so that what changes meanwhile is a change.
    package mutating func wasRead(_ marks: FileMarks) { (self.read, self.seen) = (marks, marks) }
}
