package import ArgumentParser
import Cryptography
import Domain
import Foundation
import Redis
package import Settings
import Startup
import Store

/// `herald key`: the API keys of a deployment (docs/identity.md).
package struct KeyCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Create, list, rotate and revoke API keys.",
        subcommands: [
            KeyCreateCommand.self, KeyListCommand.self, KeyRotateCommand.self, KeyRevokeCommand.self,
        ])

    package init() {}
}

/// `herald key create`: a key that is shown once.
package struct KeyCreateCommand: SettingCommand {
    package static let settings = ControlStore.settings
    package static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Create an API key, and show it once.",
        discussion: """
            Its holder sends it as `Authorization: Bearer hk_…`, or as `X-Auth-Token`. Redis has only a digest of it. \
            `herald key create --project shop --roles member --queues 'orders*' --allow post,list --expires 90d` \
            \(Counterpart.redis.rawValue)
            """)

    @Option(help: "The project its holder acts for.")
    package var project: String
    @Option(help: "Its roles, commas between.")
    package var roles = "member"
    @Option(help: "When it ends: a number and d, h or m, or never.")
    package var expires = "never"
    @Option(help: "The queues it is for, commas between; `*` at the end of one stands for anything. All, unless given.")
    package var queues: String?
    @Option(
        help: """
            What it is for, commas between: \(APIKeyVerb.allCases.map(\.rawValue).joined(separator: ", ")). \
            Everything its roles may do, unless given.
            """)
    package var allow: String?
    @Option(help: "A text by which people know it.")
    package var label = ""

    @OptionGroup package var flags: SettingFlags<KeyCreateCommand>
    @OptionGroup package var output: OutputOptions

    package init() {}

    package func run() async throws {
        let terminal = Terminal.standard()
        try await reporting {
            let key = try self.draft(at: .ofThisMachine())
            let token = APIKeyToken(key.id, random: SecureRandom.bytes(APIKeyToken.secretBytes))
            let keys = try await KeyAccess.open(self.flags.given)
            switch try await keys.create(key, secret: SHA256.digest(Array(token.secret.utf8))) {
            case .created: break
            case .exists: throw Failure("the id is taken: create it again")
            case .full:
                throw Failure(
                    "project '\(self.project)' has \(APIKey.countMax) keys already: revoke some", .refused)
            }
            let shown: [(String, OutputValue)] = [("key", .text(token.text))]
            guard case .object(let members) = KeyAccess.shown(key) else { return }
            for line in try self.output.output.lines(.object(shown + members)) { terminal.line(line) }
        }
    }

    private func draft(at now: Timestamp) throws -> APIKey {
        func list(_ text: String) -> [String] {
            text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        }
        let project: ProjectID
        do { project = try ProjectID(self.project) } catch {
            throw Failure("--project: '\(self.project)' is not allowed; allowed: 1 to 256 characters", .usage)
        }
        let roles = list(self.roles).map { $0.lowercased() }
        let isName = roles.allSatisfy { role in
            role.utf8.count <= 64 && role.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        }
        guard (1...APIKey.listMax).contains(roles.count), isName else {
            throw Failure("--roles: 1 to \(APIKey.listMax) names of at most 64 characters are allowed", .usage)
        }
        let queues = try list(self.queues ?? "").map { text in
            guard let pattern = QueuePattern(text) else {
                throw Failure("--queues: '\(text)' is not allowed; allowed: names of queues, `*` at their end", .usage)
            }
            return pattern
        }
        let verbs = try list(self.allow ?? "").map { text in
            guard let verb = APIKeyVerb(rawValue: text) else {
                let allowed = APIKeyVerb.allCases.map(\.rawValue).joined(separator: ", ")
                throw Failure("--allow: '\(text)' is not allowed; allowed: \(allowed)", .usage)
            }
            return verb
        }
        // An option that was given and names nothing would restrict nothing.
        guard self.queues == nil || !queues.isEmpty, self.allow == nil || !verbs.isEmpty,
            queues.count <= APIKey.listMax
        else { throw Failure("--queues and --allow name 1 to \(APIKey.listMax) each", .usage) }
        guard self.label.count <= APIKey.labelCharactersMax, !self.label.contains(where: \.isNewline) else {
            throw Failure("--label: at most \(APIKey.labelCharactersMax) characters on one line are allowed", .usage)
        }
        return APIKey(
            id: APIKeyID(random: SecureRandom.bytes(8)), project: project, roles: Set(roles),
            scope: APIKeyScope(queues: queues, verbs: Set(verbs)), label: self.label, created: now,
            expires: try KeyAccess.time(self.expires, "--expires").map { now.adding(seconds: $0) })
    }
}

/// `herald key list`: keys without their secrets.
package struct KeyListCommand: SettingCommand {
    package static let settings = ControlStore.settings
    package static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List API keys, without their secrets.",
        discussion:
            "USED is when a key was used last, some ten minutes ago at most or earlier. \(Counterpart.redis.rawValue)")

    @Option(help: "The project whose keys are listed; those of all, unless given.")
    package var project: String?

    @OptionGroup package var flags: SettingFlags<KeyListCommand>
    @OptionGroup package var output: OutputOptions

    package init() {}

    package func run() async throws {
        let terminal = Terminal.standard()
        try await reporting {
            let keys = try await KeyAccess.open(self.flags.given)
            let project = try self.project.map { try ProjectID($0) }
            var rows: [OutputValue] = []
            var place: String?
            repeat {
                let page = try await keys.list(of: project, after: place, limit: 100, at: .ofThisMachine())
                rows += page.keys.map(KeyAccess.shown)
                place = page.next
            } while place != nil
            let columns = ["id", "project", "roles", "queues", "allow", "expires", "used", "label"]
            for line in try self.output.output.lines(rows, columns: columns.map { OutputForm.Column($0) }) {
                terminal.line(line)
            }
        }
    }
}

/// `herald key rotate`: another secret, beside which the one before counts for a while.
package struct KeyRotateCommand: SettingCommand {
    package static let settings = ControlStore.settings
    package static let configuration = CommandConfiguration(
        commandName: "rotate", abstract: "Give an API key another secret, and show it once.",
        discussion: Counterpart.redis.rawValue)

    @Argument(help: "The id of the key: what stands between hk_ and the next underscore.")
    package var id: String
    @Option(help: "How long the secret before counts beside it: a number and d, h or m, up to 30d; 0m ends it at once.")
    package var overlap = "24h"

    @OptionGroup package var flags: SettingFlags<KeyRotateCommand>
    @OptionGroup package var output: OutputOptions

    package init() {}

    package func run() async throws {
        let terminal = Terminal.standard()
        try await reporting {
            let id = try KeyAccess.id(self.id)
            guard let overlap = try KeyAccess.time(self.overlap, "--overlap"), overlap <= KeyAccess.overlapMax else {
                throw Failure("--overlap: '\(self.overlap)' is not allowed; allowed: 0m to 30d", .usage)
            }
            let token = APIKeyToken(id, random: SecureRandom.bytes(APIKeyToken.secretBytes))
            let keys = try await KeyAccess.open(self.flags.given)
            let isThere = try await keys.rotate(
                id, secret: SHA256.digest(Array(token.secret.utf8)), overlap: .seconds(overlap))
            guard isThere else { throw KeyAccess.unknown(self.id) }
            for line in try self.output.output.lines(.object([("key", .text(token.text))])) { terminal.line(line) }
        }
    }
}

/// `herald key revoke`: no process admits the key any more within five seconds.
package struct KeyRevokeCommand: SettingCommand {
    package static let settings = ControlStore.settings
    package static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "End an API key, within five seconds at every process.",
        discussion: Counterpart.redis.rawValue)

    @Argument(help: "The id of the key: what stands between hk_ and the next underscore.")
    package var id: String

    @OptionGroup package var flags: SettingFlags<KeyRevokeCommand>
    @OptionGroup package var consent: Consent

    package init() {}

    package func run() async throws {
        let terminal = Terminal.standard()
        try await reporting {
            let id = try KeyAccess.id(self.id)
            try self.consent.ask("Revoke the key \(id.text)?", on: terminal)
            guard try await KeyAccess.open(self.flags.given).revoke(id) else { throw KeyAccess.unknown(self.id) }
            terminal.line("Revoked. No process admits it any more within five seconds.")
        }
    }
}

/// What the commands about keys share.
package enum KeyAccess {
    /// Seconds.
    static let overlapMax = 30 * 86_400
    /// A key may live for a century.
    private static let timeMax = 36_525 * 86_400

    static func open(_ flags: [Setting: String]) async throws -> APIKeyStore {
        APIKeyStore(
            on: try await ControlStore.kept(
                flags,
                unused: "no process has used this Redis yet: start the API, or give it api.keys.bootstrap.file"))
    }

    /// - Throws: ``Failure`` for a text that is no id.
    static func id(_ text: String) throws(Failure) -> APIKeyID {
        guard let id = APIKeyID(text) ?? APIKeyToken(text)?.id else { throw self.unknown(text) }
        return id
    }

    /// - Parameter text: As it was given; a secret in it is not shown.
    static func unknown(_ text: String) -> Failure {
        let parts = text.split(separator: "_", omittingEmptySubsequences: false)
        let shown = parts.count > 2 ? parts.prefix(2).joined(separator: "_") + "_…" : text
        return Failure("there is no key '\(shown.prefix(64))'", .notFound)
    }

    /// Seconds of `90d`, `12h` or `30m`; nil for `never`.
    static func time(_ text: String, _ option: String) throws(Failure) -> Int? {
        if text == "never" { return nil }
        let units = ["d": 86_400, "h": 3_600, "m": 60]
        guard let unit = units[String(text.suffix(1))], let count = Int(text.dropLast()), count >= 0,
            count <= self.timeMax / unit
        else { throw Failure("\(option): '\(text)' is not allowed; allowed: a number and d, h or m", .usage) }
        return count * unit
    }

    static func shown(_ key: APIKey) -> OutputValue {
        func list(_ texts: [String]) -> OutputValue { texts.isEmpty ? .null : .text(texts.joined(separator: ",")) }
        func time(_ time: Timestamp?) -> OutputValue {
            time.map { .text(Date(timeIntervalSince1970: Double($0.seconds)).formatted(.iso8601)) } ?? .null
        }
        return .object([
            ("id", .text(key.id.text)), ("project", .text(key.project.text)), ("roles", list(key.roles.sorted())),
            ("queues", list(key.scope.queues.map(\.text))), ("allow", list(key.scope.verbs.map(\.rawValue).sorted())),
            ("expires", time(key.expires)), ("created", time(key.created)), ("used", time(key.used)),
            ("label", .text(key.label)),
        ])
    }
}
