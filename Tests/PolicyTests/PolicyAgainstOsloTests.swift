import Foundation
import Policy
import TestKit
import Testing

/// Ours beside PyPI's `oslo.policy`, which deployments write their files for, over policies made up at random.
struct PolicyAgainstOsloTests {
    private struct Question: Encodable {
        let rules: String
        let rule: String
        let roles: [String]
        let values: [String: String]
        let target: String
    }

    /// Of each line, one question: the outcome of that program, which decides `is_admin` as services do, by `context_is_admin`.
    private static let program = """
        import json, sys
        from oslo_config import cfg
        from oslo_policy import policy
        conf = cfg.ConfigOpts()
        conf([], project="herald")
        names = ["user_id", "project_id", "system_scope", "domain_id", "client_id"]
        with open(sys.argv[1]) as lines, open(sys.argv[2], "w") as out:
            for line in lines:
                question = json.loads(line)
                rules = policy.Rules.from_dict(json.loads(question["rules"]), default_rule="default")
                enforcer = policy.Enforcer(conf, rules=rules, default_rule="default", use_conf=False)
                credentials = {name: question["values"].get(name) for name in names}
                credentials.update(roles=question["roles"], is_admin=False)
                target = {"project_id": question["target"]}
                credentials["is_admin"] = enforcer.enforce("context_is_admin", target, dict(credentials))
                out.write(f"{enforcer.enforce(question['rule'], target, dict(credentials))}\\n")
        """

    @Test func `A policy decides as oslo-policy does`() async throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        var questions: [Question] = []
        var ours: [Bool] = []
        for _ in 0..<500 {
            let model = PolicyModel.random(&random)
            let rules = model.file(&random)
            let policy = try Policy([PolicyFile(text: rules, path: "random")])
            for _ in 0..<3 {
                let caller = PolicyModel.caller(&random)
                let rule = random.pick(model.rules.keys.sorted() + PolicyModel.undefined)
                questions.append(
                    Question(
                        rules: rules, rule: rule, roles: caller.roles, values: caller.values, target: caller.target))
                ours.append(
                    policy.admits(caller.credentials, to: PolicyTarget(projectID: caller.target), by: rule))
            }
        }
        // Both outcomes are there, or nothing is shown.
        #expect(ours.count { $0 } > 100 && ours.count { !$0 } > 100)
        let theirs = try await self.python(questions)
        try #require(theirs.count == ours.count, "seed \(seed)")
        for (question, (our, their)) in zip(questions, zip(ours, theirs)) {
            #expect(their == (our ? "True" : "False"), "seed \(seed): \(question)")
        }
    }

    /// Values are JSON, outcomes those for a caller with the roles `a` and `b` and the user `u` (docs/policy.md).
    @Test func `What we refuse is a rule that oslo-policy takes, and that denies or admits everyone`() async throws {
        let rows: [(value: String, outcome: String)] = [
            (#""role:a and""#, "False"), (#""  ""#, "False"), ("null", "True"), (#""nothing:x""#, "False"),
            (#""not nothing:x""#, "True"), (#""user_id:'u'""#, "False"), (#""not user_id:'u'""#, "True"),
            (#""not user_id:%(queue)s""#, "True"), ("[[]]", "False"), (#"["role:a and role:b"]"#, "False"),
            (#""(role:a)and role:b""#, "False"), (#""role:a)""#, "False"), (#""'a b':c""#, "False"),
        ]
        let outcomes = try await self.python(
            rows.map { row in
                Question(
                    rules: #"{"context_is_admin": "!", "queues:get": \#(row.value)}"#, rule: "queues:get",
                    roles: ["a", "b"],
                    values: ["user_id": "u"], target: "p")
            })
        try #require(outcomes.count == rows.count)
        for (row, outcome) in zip(rows, outcomes) {
            #expect(outcome == row.outcome, "\(row.value)")
            let invalid = #expect(throws: PolicyInvalid.self) {
                try PolicyFile(text: "{\"queues:get\": \(row.value)}", path: "f")
            }
            #expect(invalid.map { "\($0)".contains("rule 'queues:get'") } == true, "\(row.value)")
        }
    }

    private func python(_ questions: [Question]) async throws -> [String] {
        try await withTemporaryFolder { folder in
            let (input, output) = (folder.appendingPathComponent("in"), folder.appendingPathComponent("out"))
            let lines = try questions.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) + "\n" }
            try Data(lines.joined().utf8).write(to: input)
            let run = try await Python.run { _ in ["-c", Self.program, input.path, output.path] }
            #expect(run.exit == .status(0), "\(run.output)")
            return String(decoding: try Data(contentsOf: output), as: UTF8.self).split(separator: "\n").map(String.init)
        }
    }
}
