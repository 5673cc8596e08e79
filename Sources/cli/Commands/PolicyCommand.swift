package import ArgumentParser
import Policy
import Settings

/// `herald policy`: what callers may do, as the files of an operator say it.
package struct PolicyCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Look at the policy: what callers may do.",
        subcommands: [PolicyListCommand.self, PolicyCheckCommand.self])

    package init() {}
}

/// The options that name files of the policy.
package struct PolicyFiles: ParsableArguments {
    @Option(help: "A file of rules, as api.policy.file names it; without it and a directory, the rules of the code.")
    package var file: String?

    @Option(help: "A folder of such files, as api.policy.directory names it.")
    package var directory: String?

    package init() {}

    /// - Throws: ``Failure``, with the status of a wrong configuration.
    func policy() throws(Failure) -> Policy {
        do throws(PolicyInvalid) {
            return try PolicySource(file: self.file, directory: self.directory).read()
        } catch {
            throw Failure("\(error)", .configuration)
        }
    }
}

/// `herald policy list`: every rule, where it comes from and what it guards.
package struct PolicyListCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List every rule: its check string, where it comes from, what it guards.",
        discussion: Counterpart.files.rawValue)

    @OptionGroup package var files: PolicyFiles
    @OptionGroup package var output: OutputOptions

    package init() {}

    package func run() async throws {
        let terminal = Terminal.standard()
        try await reporting {
            let policy = try self.files.policy()
            let rows = policy.names.map { name in
                let rule = PolicyCatalog.rule(named: name)
                return OutputValue.object([
                    ("rule", .text(name)), ("check", policy.check(of: name)), ("source", policy.source(of: name)),
                    ("guards", .list((rule?.guards ?? []).map { .text($0) })),
                ])
            }
            let columns = ["rule", "check", "source", "guards"].map { OutputForm.Column($0) }
            for line in try self.output.output.lines(rows, columns: columns) { terminal.line(line) }
        }
    }
}

/// `herald policy check`: whether a rule admits a caller, and why.
package struct PolicyCheckCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Say whether a rule admits a caller, and which rules decided it.",
        discussion: """
            The status is 0 when it does, \(CommandStatus.failed.rawValue) when it does not, and \
            \(CommandStatus.configuration.rawValue) when the files cannot be used. Rules that could not change the outcome are not \
            listed. \(Counterpart.files.rawValue)
            """)

    @Option(help: "The rule to ask: queues:create. herald policy list names them.")
    package var rule: String

    @Option(help: "Roles of the caller, commas between.")
    package var roles = ""

    @Option(help: "The project of the caller (project_id).")
    package var project: String?

    @Option(help: "The user id of the caller (user_id).")
    package var user: String?

    @Option(help: "The domain of the caller (domain_id).")
    package var domain: String?

    @Option(help: "The system scope of the caller (system_scope): all.")
    package var systemScope: String?

    @Option(help: "The Client-ID of the caller (client_id).")
    package var client: String?

    @Option(help: "The project of the request, %(project_id)s in check strings; without it, that of the caller.")
    package var targetProject: String?

    @OptionGroup package var files: PolicyFiles
    @OptionGroup package var output: OutputOptions

    package init() {}

    package func run() async throws {
        let terminal = Terminal.standard()
        var isAdmitted = false
        try await reporting {
            let policy = try self.files.policy()
            guard policy.names.contains(self.rule) else {
                let nearest = NearestName.of(self.rule, among: policy.names).map { "; did you mean '\($0)'?" } ?? ""
                throw Failure("there is no rule '\(self.rule)'\(nearest)", .usage)
            }
            let decision = policy.decision(
                on: self.credentials, to: PolicyTarget(projectID: self.targetProject ?? self.project), by: self.rule)
            isAdmitted = decision.isAdmitted
            for line in try self.lines(decision, of: policy) { terminal.line(line) }
        }
        guard isAdmitted else { throw ExitCode(CommandStatus.failed.rawValue) }
    }

    private var credentials: PolicyCredentials {
        PolicyCredentials(
            roles: Set(self.roles.split { $0 == "," || $0 == " " }.map { $0.lowercased() }), userID: self.user,
            projectID: self.project, systemScope: self.systemScope, domainID: self.domain, clientID: self.client)
    }

    private func lines(_ decision: PolicyDecision, of policy: Policy) throws(Failure) -> [String] {
        let outcome = decision.isAdmitted ? "allowed" : "denied"
        guard self.output.output == .table else {
            let steps = decision.steps.map { Self.document($0, policy) }
            return try self.output.output.lines(
                .object([("rule", .text(self.rule)), ("decision", .text(outcome)), ("steps", .list(steps))]))
        }
        let columns = ["rule", "holds", "source", "check"].map { OutputForm.Column($0) }
        return [outcome] + (try self.output.output.lines(decision.steps.map { Self.row($0, policy) }, columns: columns))
    }

    private static func document(_ step: PolicyDecision.Step, _ policy: Policy) -> OutputValue {
        .object([
            ("rule", .text(step.name)), ("answered_by", step.rule.map { .text($0) } ?? .null),
            ("holds", .boolean(step.holds)), ("depth", .number(String(step.depth))),
            ("source", policy.source(of: step.rule)), ("check", policy.check(of: step.rule)),
        ])
    }

    /// Indented below the rule that refers to it.
    private static func row(_ step: PolicyDecision.Step, _ policy: Policy) -> OutputValue {
        let name = step.rule == step.name ? step.name : "\(step.name) (\(step.rule ?? "not there"))"
        return .object([
            ("rule", .text(String(repeating: "  ", count: step.depth) + name)), ("holds", .boolean(step.holds)),
            ("source", policy.source(of: step.rule)), ("check", policy.check(of: step.rule)),
        ])
    }
}

extension Policy {
    /// The check string of a rule; null for one that is not there.
    fileprivate func check(of name: String?) -> OutputValue {
        name.flatMap { self.entries[$0] }.map { .text($0.check.description) } ?? .null
    }

    /// The file a rule comes from, or the word for what no file replaces; null for one that is not there.
    fileprivate func source(of name: String?) -> OutputValue {
        name.flatMap { self.entries[$0] }.map { entry in
            switch entry.origin {
            case .code: .text("default")
            case .file(let path): .text(path)
            }
        } ?? .null
    }
}
