import Foundation
import Policy
import TestKit
import Testing

/// Rules of files over those of the code.
struct PolicyTests {
    private func policy(_ files: String...) throws -> Policy {
        try Policy(files.enumerated().map { try PolicyFile(text: $1, path: "file\($0)") })
    }

    /// What is wrong with the files; nil: nothing.
    private func complaint(_ files: String...) -> String? {
        do {
            _ = try Policy(files.enumerated().map { try PolicyFile(text: $1, path: "file\($0)") })
            return nil
        } catch {
            return "\(error)"
        }
    }

    private func admits(_ policy: Policy, _ rule: String, roles: Set<String> = [], project: String? = "p") -> Bool {
        policy.admits(
            PolicyCredentials(roles: roles, projectID: project), to: PolicyTarget(projectID: "p"), by: rule)
    }

    @Test func `Without a file everything is open but what is for administrators`() {
        let policy = Policy.builtIn
        for rule in PolicyCatalog.rules where !rule.guards.isEmpty {
            #expect(self.admits(policy, rule.name) == (rule.text == ""))
            #expect(self.admits(policy, rule.name, roles: ["admin"]))
        }
        #expect(self.admits(policy, "admin_or_owner") && !self.admits(policy, "admin_or_owner", project: "other"))
        #expect(self.admits(policy, "admin_or_owner", roles: ["admin"], project: "other"))
        #expect(policy.undefined.isEmpty)
    }

    @Test func `A rule of a file counts instead of the code's, and that of a later file instead of an earlier one's`()
        throws
    {
        let policy = try self.policy(
            "queues:create: role:member\nqueues:get: '!'\n", "queues:create: role:boss\n# nothing more\n")
        #expect(self.admits(policy, "queues:create", roles: ["boss"]))
        #expect(!self.admits(policy, "queues:create", roles: ["member"]))
        #expect(!self.admits(policy, "queues:get", roles: ["admin"]))
        #expect(self.admits(policy, "queues:delete"))
        #expect(policy.entries["queues:create"]?.origin == .file("file1"))
        #expect(policy.entries["queues:get"]?.origin == .file("file0"))
        #expect(policy.entries["queues:delete"]?.origin == .code)
    }

    @Test func `A rule decides is_admin`() throws {
        let policy = try self.policy(
            "context_is_admin: role:boss\nqueues:create: is_admin:True\nqueues:get: is_admin:False\n")
        #expect(self.admits(policy, "queues:create", roles: ["boss"]))
        #expect(!self.admits(policy, "queues:create", roles: ["admin"]))
        #expect(self.admits(policy, "queues:get", roles: ["admin"]))
        #expect(
            self.complaint("context_is_admin: is_admin:True\n")?.contains("context_is_admin > context_is_admin") == true
        )
    }

    @Test func `A rule that is not there is the rule default, and denies without one`() throws {
        let without = try self.policy("queues:create: rule:nothing or role:a\nqueues:get: not rule:nothing\n")
        #expect(!self.admits(without, "queues:create") && self.admits(without, "queues:create", roles: ["a"]))
        #expect(self.admits(without, "queues:get"))
        #expect(without.undefined == ["nothing"])
        let with = try self.policy("queues:create: rule:nothing\n", "default: role:d\n")
        #expect(self.admits(with, "queues:create", roles: ["d"]) && !self.admits(with, "queues:create"))
        let decision = with.decision(
            on: PolicyCredentials(roles: ["d"]), to: PolicyTarget(projectID: nil), by: "queues:create")
        #expect(decision.steps.map(\.rule) == ["queues:create", "default"])
        #expect(decision.steps.map(\.name) == ["queues:create", "nothing"] && decision.steps.map(\.depth) == [0, 1])
    }

    @Test func `A rule that nothing uses is refused, with the name that was probably meant`() throws {
        #expect(
            self.complaint("queues:craete: '!'\n")
                == "file0: no route, action or other rule uses the rule 'queues:craete'; did you mean 'queues:create'?")
        #expect(self.complaint("subscriptions:get: '!'\n")?.contains("did you mean 'subscription:get'?") == true)
        #expect(self.complaint("xyz: '!'\n")?.hasSuffix("uses the rule 'xyz'") == true)
        #expect(self.complaint("ours: role:ours\nqueues:get: rule:ours\n") == nil)
        // What another file uses, or used before it was replaced, is used.
        #expect(self.complaint("ours: role:ours\nqueues:get: rule:ours\n", "queues:get: '@'\n") == nil)
        #expect(self.complaint("ours: role:ours\n", "queues:get: rule:ours\n") == nil)
    }

    @Test func `Rules in a circle are refused and named`() {
        #expect(
            self.complaint("queues:get: rule:a\na: role:x or rule:b\nb: not rule:a\n")
                == "rules refer to each other in a circle: a > b > a")
        #expect(self.complaint("queues:get: rule:queues:get\n")?.contains("queues:get > queues:get") == true)
        #expect(self.complaint("default: rule:nothing\n")?.contains("default > default") == true)
    }

    @Test func `What a decision may take is bounded when a file is read`() throws {
        func chain(_ count: Int) -> String {
            "queues:get: rule:r0\n" + (0..<count).map { "r\($0): rule:r\($0 + 1)\n" }.joined() + "r\(count): '@'\n"
        }
        // With the first and the last.
        #expect(self.complaint(chain(PolicyLimits.chainMax - 2)) == nil)
        #expect(self.complaint(chain(PolicyLimits.chainMax - 1))?.contains("in a row") == true)
        #expect(self.complaint(chain(900))?.contains("in a row") == true)
        // Each level doubles what the one below takes.
        func doubled(_ count: Int) -> String {
            "queues:get: rule:r0\n"
                + (0..<count).map { "r\($0): rule:r\($0 + 1) and rule:r\($0 + 1)\n" }.joined() + "r\(count): '@'\n"
        }
        #expect(self.complaint(doubled(10)) == nil)
        #expect(self.complaint(doubled(20))?.contains("checks and operators, those of the rules it refers to") == true)
    }
}
