/// Says when files have to be read again, by what each look at them shows.
///
/// ```
///              the same as last time               the same as when read
///   changed ───────────────────────────► to read ◄─╌╌╌ not again: a broken file is reported once
///      ▲ another look, and they differ again
/// ```
///
/// A change is read once it has stood still from one look to the next: half a file can be a valid one with fewer rules.
package struct PolicyChanges: Sendable {
    private var read: PolicyMarks
    private var seen: PolicyMarks

    /// - Parameter marks: Of what was read.
    package init(read marks: PolicyMarks) { (self.read, self.seen) = (marks, marks) }

    /// Takes one look into account.
    ///
    /// - Returns: Whether to read the files, and then to say so with ``wasRead(_:)``.
    package mutating func look(_ marks: PolicyMarks) -> Bool {
        defer { self.seen = marks }
        return marks != self.read && marks == self.seen
    }

    /// - Parameter marks: From before reading, so that what changes meanwhile is a change.
    package mutating func wasRead(_ marks: PolicyMarks) { (self.read, self.seen) = (marks, marks) }
}
