import Settings

/// What callers may do: the rules of the code, and those of files over them.
///
/// Made of rules that were all checked, so that a decision has no errors: there are no circles, and no decision
/// takes more than ``PolicyLimits/costMax`` checks.
package struct Policy: Sendable {
    /// Where the check string of a rule comes from.
    package enum Origin: Sendable, Equatable {
        case code
        case file(String)
    }

    package struct Entry: Sendable {
        package let check: PolicyCheck
        package let origin: Origin
    }

    /// The rule that stands for those that are referred to and not there.
    package static let defaultRule = "default"

    /// Without any file.
    package static let builtIn: Policy = {
        do throws(PolicyInvalid) { return try Policy([]) } catch {
            preconditionFailure("the rules of the code: \(error)")
        }
    }()

    package let entries: [String: Entry]

    /// - Parameter files: What comes later wins.
    package init(_ files: [PolicyFile]) throws(PolicyInvalid) {
        var entries: [String: Entry] = [:]
        for rule in PolicyCatalog.rules {
            do throws(CheckInvalid) {
                entries[rule.name] = Entry(check: try PolicyCheck(text: rule.text), origin: .code)
            } catch {
                throw .malformed(path: "the rules of the code", rule: rule.name, error)
            }
        }
        for file in files {
            for rule in file.rules {
                entries[rule.name] = Entry(check: rule.check, origin: .file(file.path))
            }
        }
        try Self.refuseUnused(in: files, of: entries)
        var weights = PolicyWeights(entries)
        for name in entries.keys.sorted() { _ = try weights.weight(of: name) }
        self.entries = entries
    }

    /// The names of rules: those of the code in their order, then those of files alone.
    package var names: [String] {
        let known = PolicyCatalog.rules.map(\.name)
        return known + self.entries.keys.filter { PolicyCatalog.rule(named: $0) == nil }.sorted()
    }

    /// Names that are referred to and not there.
    package var undefined: [String] {
        Set(self.entries.values.flatMap(\.check.references)).filter { self.entries[$0] == nil }.sorted()
    }

    /// Whether a rule admits a caller to a target.
    package func admits(_ credentials: PolicyCredentials, to target: PolicyTarget, by rule: String) -> Bool {
        var evaluation = PolicyEvaluation(self, credentials, target)
        return evaluation.holds(rule: rule)
    }

    /// The same, with every rule that was looked at.
    package func decision(
        on credentials: PolicyCredentials, to target: PolicyTarget, by rule: String
    ) -> PolicyDecision {
        var evaluation = PolicyEvaluation(self, credentials, target, isRecorded: true)
        let isAdmitted = evaluation.holds(rule: rule)
        return PolicyDecision(isAdmitted: isAdmitted, steps: evaluation.steps)
    }

    /// The rule that a name leads to; nil: none, so that it denies.
    func resolved(_ name: String) -> (name: String, entry: Entry)? {
        if let entry = self.entries[name] { return (name, entry) }
        return self.entries[Self.defaultRule].map { (Self.defaultRule, $0) }
    }

    /// Refuses rules that nothing uses: most often their names are misspelled, and what they were to guard is open.
    ///
    /// What a rule refers to counts also when a later file replaces the rule.
    private static func refuseUnused(in files: [PolicyFile], of entries: [String: Entry]) throws(PolicyInvalid) {
        var used = Set(PolicyCatalog.rules.map(\.name)).union([Self.defaultRule])
        for entry in entries.values { used.formUnion(entry.check.references) }
        for file in files { for rule in file.rules { used.formUnion(rule.check.references) } }
        for file in files {
            for rule in file.rules where !used.contains(rule.name) {
                throw .unknownRule(
                    path: file.path, name: rule.name, suggestion: NearestName.of(rule.name, among: used.sorted()))
            }
        }
    }
}

/// What decisions by rules take at most, worked out once for each.
private struct PolicyWeights {
    struct Weight {
        /// Checks and operators.
        var cost: Int
        /// Rules in a row, this one included.
        var chain: Int
    }

    private let entries: [String: Policy.Entry]
    private var known: [String: Weight] = [:]
    /// The rules that are being looked at, each referred to by the one before.
    private var path: [String] = []

    init(_ entries: [String: Policy.Entry]) { self.entries = entries }

    /// - Parameter name: Of any rule; one that is not there costs nothing.
    mutating func weight(of name: String) throws(PolicyInvalid) -> Weight {
        let name = self.entries[name] == nil ? Policy.defaultRule : name
        guard let entry = self.entries[name] else { return Weight(cost: 0, chain: 0) }
        if let start = self.path.firstIndex(of: name) { throw .circle(Array(self.path[start...]) + [name]) }
        if let weight = self.known[name] { return weight }
        // As deep as this recursion goes: a longer path is a longer chain.
        guard self.path.count < PolicyLimits.chainMax else { throw Self.chained(self.path[0]) }
        self.path.append(name)
        defer { self.path.removeLast() }
        var weight = Weight(cost: entry.check.nodes, chain: 1)
        for reference in entry.check.references {
            let other = try self.weight(of: reference)
            weight.cost += other.cost
            weight.chain = max(weight.chain, other.chain + 1)
            guard weight.cost <= PolicyLimits.costMax else {
                throw .excessive(
                    rule: name,
                    limit: "\(PolicyLimits.costMax) checks and operators, those of the rules it refers to included")
            }
            guard weight.chain <= PolicyLimits.chainMax else { throw Self.chained(name) }
        }
        self.known[name] = weight
        return weight
    }

    private static func chained(_ name: String) -> PolicyInvalid {
        .excessive(rule: name, limit: "\(PolicyLimits.chainMax) rules that refer to each other in a row")
    }
}
