import Foundation
import Notifier
import Redis
import Settings
import Testing

/// The files under `deploy/` agree with the defaults of the settings they name.
struct DeployTests {
    private func text(_ path: String) throws -> String {
        let top = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return try String(contentsOf: top.appendingPathComponent("deploy/" + path), encoding: .utf8)
    }

    @Test func `The image is built of every folder that the package names, and holds its commands`() throws {
        let package = try self.text("../Package.swift")
        let folders = Set(package.matches(of: #/path: "([^\/"]+)/#).map { String($0.output.1) } + ["Tests"])
        let image = try self.text("Dockerfile")
        #expect(folders.count == 3)
        for folder in folders { #expect(image.contains("COPY \(folder) ./\(folder)\n")) }
        let commands = package.matches(of: #/executableTarget\(\s*name: "(herald[a-z-]*)"/#).map { $0.output.1 }
        #expect(commands.count == 3)
        let built = try #require(image.firstMatch(of: #/for product in ([^;]+);/#)?.output.1.split(separator: " "))
        #expect(Set(built) == Set(commands))
    }

    /// The numbers that stand behind a name in a file.
    private func numbers(_ name: String, in path: String) throws -> [Int] {
        try self.text(path).split(separator: "\n").compactMap { line in
            guard let found = line.firstRange(of: name) else { return nil }
            return Int(line[found.upperBound...].prefix { $0.isNumber })
        }
    }

    @Test func `The open files that are allowed to a notifier suffice for its default concurrency`() throws {
        let settings = try SettingReader(
            for: .notifier, flags: [Setting.masterKey: String(repeating: "0a", count: 32)], environment: [:])
        let shards = try settings.integer(Setting.shards)
        let attempts = try settings.integer(Setting.notifierConcurrency)
        let needed = AttemptFiles(try RedisURL("redis+cluster://h", as: .setting), shards: shards).needed(for: attempts)
        #expect(
            needed == AttemptFiles(try RedisURL("redis://h", as: .setting), shards: shards).needed(for: attempts)
                + shards,
            "over a cluster each shard is waited for by a connection of its own")
        let allowed =
            try self.numbers("LimitNOFILE=", in: "systemd/herald-notifier@.service")
            + self.numbers("nofile: ", in: "compose/compose.yaml")
        #expect(allowed.count == 2)
        for allowed in allowed { #expect(allowed >= needed) }
    }

    @Test func `What stops a process waits for its drain and its hard deadline`() throws {
        let settings = try SettingReader(
            for: .api, flags: [Setting.masterKey: String(repeating: "0a", count: 32)], environment: [:])
        let graces = try self.numbers("stop_grace_period: ", in: "compose/compose.yaml")
        for (unit, drain, grace) in [
            ("systemd/herald-api.service", Setting.apiDrain, graces.first),
            ("systemd/herald-notifier@.service", Setting.notifierDrain, graces.last),
        ] {
            let wanted = Int(try settings.seconds(drain) / .seconds(1)) + 5
            #expect(try self.numbers("TimeoutStopSec=", in: unit) == [wanted])
            #expect(grace == wanted)
        }
        #expect(graces.count == 2)
    }
}
