import Foundation
package import Logging
import Metrics
package import Policy
import Runtime
package import Settings

/// Reads the files of the policy again when they have changed, or at once.
///
/// What cannot be used changes nothing: the rules from before stay, and the log says why, once for each change.
package actor PolicyReloader: Reloadable {
    private let source: PolicySource
    private let holder: PolicyHolder
    private let logger: Logger
    private var changes: FileChanges
    private let successes = Metric.policyReloads.counter("success")
    private let failures = Metric.policyReloads.counter("failure")
    private let readAt = Metric.policyRead.gauge()

    /// - Parameter marks: Of the files, from before the policy of the holder was read from them.
    package init(_ source: PolicySource, read marks: FileMarks, into holder: PolicyHolder, logger: Logger) {
        self.source = source
        self.holder = holder
        self.logger = logger
        self.changes = FileChanges(read: marks)
        self.readAt.set(Date().timeIntervalSince1970)
        Self.warn(of: holder.current.undefined, logger)
    }

    /// Reads the files if they have changed, and no longer change.
    package func look() {
        let marks = self.source.marks()
        if self.changes.look(marks) { self.read(marks) }
    }

    /// Reads the files as they are.
    package func reload() {
        guard !self.source.isEmpty else {
            self.logger.notice("There are no files of the policy to read again")
            return
        }
        self.read(self.source.marks())
    }

    /// - Parameter marks: From before reading.
    private func read(_ marks: FileMarks) {
        defer { self.changes.wasRead(marks) }
        do throws(PolicyInvalid) {
            let policy = try self.source.read()
            self.holder.replace(with: policy)
            self.successes.increment()
            self.readAt.set(Date().timeIntervalSince1970)
            let rules = policy.entries.values.count { $0.origin != .code }
            self.logger.notice("The policy was read again", metadata: ["policy.rules": "\(rules)"])
            Self.warn(of: policy.undefined, self.logger)
        } catch {
            self.failures.increment()
            self.logger.error(
                "The policy cannot be used: the rules from before stay", metadata: [LogKey.error: "\(error)"])
        }
    }

    /// They deny, or with a `not` before them admit, whatever they were meant to be.
    private static func warn(of undefined: [String], _ logger: Logger) {
        guard let first = undefined.first else { return }
        logger.warning(
            "The policy refers to rules that are not there",
            metadata: ["first": "\(first)", "count": "\(undefined.count)"])
    }
}
