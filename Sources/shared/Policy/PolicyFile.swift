import Foundation
import Settings
import Yams

/// The rules of one file, in YAML or JSON: names, and check strings or lists of them.
package struct PolicyFile: Sendable {
    package struct Rule: Sendable, Equatable {
        package let name: String
        package let check: PolicyCheck
    }

    package let path: String
    package let rules: [Rule]

    /// - Parameter path: Of a regular file; anything else could be read for ever.
    package static func read(path: String) throws(PolicyInvalid) -> PolicyFile {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw .unreadable(path: path, reason: "cannot be read (\(FileFault.words(errno: errno)))")
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .unreadable(path: path, reason: "is no file") }
        let data: Data
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? handle.close() }  // What was read counts.
            data = try handle.read(upToCount: PolicyLimits.fileBytesMax + 1) ?? Data()
        } catch {
            throw .unreadable(path: path, reason: "cannot be read (\(FileFault.words(readingPath: path)))")
        }
        guard data.count <= PolicyLimits.fileBytesMax else {
            throw .unreadable(path: path, reason: "has more than \(PolicyLimits.fileBytesMax) bytes")
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw .unreadable(path: path, reason: "is not UTF-8")
        }
        return try PolicyFile(text: text, path: path)
    }

    package init(text: String, path: String) throws(PolicyInvalid) {
        self.path = path
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            let line = "\(error)".split(separator: "\n").first.map(String.init) ?? "unknown"
            throw .unreadable(path: path, reason: "is neither YAML nor JSON (\(line))")
        }
        // An empty file, or one of comments only, has no rules.
        guard let root, root.scalar?.string.isEmpty != true else {
            self.rules = []
            return
        }
        guard case .mapping(let mapping) = root else {
            throw .unreadable(path: path, reason: "is no list of rules, `name: check string`")
        }
        guard mapping.count <= PolicyLimits.rulesMax else {
            throw .unreadable(path: path, reason: "has more than \(PolicyLimits.rulesMax) rules")
        }
        var rules: [Rule] = []
        for (key, value) in mapping {
            guard case .scalar(let scalar) = key, !scalar.string.isEmpty,
                scalar.string.utf8.count <= PolicyLimits.nameBytesMax
            else {
                throw .unreadable(
                    path: path, reason: "the name of a rule is no text of 1 to \(PolicyLimits.nameBytesMax) bytes")
            }
            rules.append(try RuleReader(path: path, name: scalar.string).rule(value))
        }
        self.rules = rules
    }
}

/// Reads the value of one rule.
private struct RuleReader {
    let path: String
    let name: String

    func rule(_ node: Node) throws(PolicyInvalid) -> PolicyFile.Rule {
        switch node {
        case .scalar(let scalar):
            return PolicyFile.Rule(name: self.name, check: try self.check(try self.text(of: scalar)))
        case .sequence(let sequence):
            return PolicyFile.Rule(name: self.name, check: try self.alternatives(sequence))
        case .mapping, .alias: throw self.mistyped("a check string, or a list of them")
        }
    }

    /// A list is one of its elements; an element that is a list is all of its checks.
    private func alternatives(_ sequence: Node.Sequence) throws(PolicyInvalid) -> PolicyCheck {
        guard sequence.count <= PolicyLimits.nodesMax else { throw self.tooLarge }
        var checks: [PolicyCheck] = []
        for node in sequence {
            switch node {
            case .scalar(let scalar): checks.append(try self.word(scalar))
            case .sequence(let inner): checks.append(try self.conjunction(inner))
            case .mapping, .alias: throw self.mistyped("a list of check strings, or of lists of them")
            }
        }
        guard checks.count > 1 else { return checks.first ?? .allow }
        let check = PolicyCheck.any(checks)
        guard check.nodes <= PolicyLimits.nodesMax else { throw self.tooLarge }
        return check
    }

    private func conjunction(_ sequence: Node.Sequence) throws(PolicyInvalid) -> PolicyCheck {
        guard sequence.count <= PolicyLimits.nodesMax else { throw self.tooLarge }
        var checks: [PolicyCheck] = []
        for node in sequence {
            guard case .scalar(let scalar) = node else { throw self.mistyped("check strings in the inner list") }
            checks.append(try self.word(scalar))
        }
        guard let first = checks.first else {
            throw self.mistyped("a check in the inner list; \"@\" allows and \"!\" denies")
        }
        return checks.count > 1 ? .all(checks) : first
    }

    private func word(_ scalar: Node.Scalar) throws(PolicyInvalid) -> PolicyCheck {
        let text = try self.text(of: scalar)
        do throws(CheckInvalid) {
            return try PolicyCheck(word: text)
        } catch {
            throw .malformed(path: self.path, rule: self.name, error)
        }
    }

    private func check(_ text: String) throws(PolicyInvalid) -> PolicyCheck {
        do throws(CheckInvalid) {
            return try PolicyCheck(text: text)
        } catch {
            throw .malformed(path: self.path, rule: self.name, error)
        }
    }

    /// An empty text allows, so it must not come from what YAML makes of a value that is missing, or of `!` without quotes.
    private func text(of scalar: Node.Scalar) throws(PolicyInvalid) -> String {
        let text = scalar.string
        guard !text.isEmpty || scalar.style == .doubleQuoted || scalar.style == .singleQuoted else {
            throw self.mistyped("a check string; in quotes, \"\" or \"@\" allows and \"!\" denies")
        }
        guard text.utf8.count <= PolicyLimits.textBytesMax else {
            throw self.mistyped("at most \(PolicyLimits.textBytesMax) bytes")
        }
        return text
    }

    private var tooLarge: PolicyInvalid {
        .excessive(rule: self.name, limit: "\(PolicyLimits.nodesMax) checks and operators")
    }

    private func mistyped(_ expected: String) -> PolicyInvalid {
        .mistyped(path: self.path, rule: self.name, expected: expected)
    }
}
