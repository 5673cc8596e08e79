import Foundation
import Runtime
import Testing

/// The documents that spell every setting are held against the catalogue, both ways.
struct SettingCatalogTests {
    private static let top = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static func document(_ path: String) throws -> String {
        try String(contentsOf: self.top.appendingPathComponent(path), encoding: .utf8)
    }

    /// The row `docs/configuration.md` must have for a setting.
    private static func row(of setting: Setting) -> String {
        let processes = setting.processes.map { $0.rawValue.replacing("herald-", with: "") }.sorted()
        let cells = [
            "`\(setting.key.rawValue)`",
            "`\(setting.flag)`",
            setting.environmentNames.map { "`\($0)`" }.joined(separator: " "),
            setting.default.map { "`\($0)`" } ?? (setting.isRequired ? "required" : "unset"),
            setting.allowed,
            processes.joined(separator: ", "),
            setting.meaning,
        ]
        return "| " + cells.joined(separator: " | ") + " |"
    }

    @Test
    func `The documentation has a row for each setting, and none for others`() throws {
        let lines = try Self.document("docs/configuration.md").split(separator: "\n").map(String.init)
        let rows = lines.filter { $0.hasPrefix("| `") && $0.contains("`HERALD_") }
        let expected = SettingCatalog.all.map(Self.row)
        #expect(rows == expected, "docs/configuration.md must hold:\n\(expected.joined(separator: "\n"))")
    }

    @Test
    func `The documentation names no flag and no variable that does not exist`() throws {
        let text = try Self.document("docs/configuration.md")
        let flags = Set(text.matches(of: /--[a-z][a-z-]+/).map { String($0.output) })
        let variables = Set(text.matches(of: /HERALD_[A-Z_]+/).map { String($0.output) })
            .filter { $0 != "HERALD_TEST_" }
        #expect(flags.subtracting(SettingCatalog.all.map(\.flag)) == [])
        #expect(variables.subtracting(SettingCatalog.all.flatMap(\.environmentNames)) == [])
    }

    @Test
    func `The example file holds every setting with its default, commented out`() throws {
        let text = try Self.document("deploy/config/herald.example.yaml")
        let settings = text.split(separator: "\n").filter { $0.hasPrefix("#") && !$0.hasPrefix("# ") && $0 != "#" }
        let expected = SettingCatalog.all.filter { $0.key != .configFile }.map { setting in
            "#\(setting.key.rawValue):" + (setting.default.map { " \($0)" } ?? "")
        }
        #expect(
            settings.map(String.init) == expected,
            "deploy/config/herald.example.yaml must hold:\n\(expected.joined(separator: "\n"))")
    }

    @Test
    func `The example file is a settings file, as it is and with every line taken in`() throws {
        let path = Self.top.appendingPathComponent("deploy/config/herald.example.yaml").path
        let flags: [SettingKey: String] = [.configFile: path, .masterKey: "k"]
        #expect(try SettingReader(for: .api, flags: flags, environment: [:]).integer(.shards) == 16)

        let text = try String(contentsOfFile: path, encoding: .utf8)
        let taken = text.split(separator: "\n").map { $0.hasPrefix("#") && !$0.hasPrefix("# ") ? $0.dropFirst() : $0 }
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("herald-\(UUID().uuidString).yaml")
        try Data(taken.joined(separator: "\n").utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }  // A left-over in the temporary folder harms nobody.
        let settings = try SettingReader(
            for: .notifier, flags: [.configFile: file.path, .masterKey: "k"], environment: [:])
        for setting in SettingCatalog.all where setting.shape == .text && setting.key != .configFile {
            #expect(settings.text(setting.key) == (setting.key == .masterKey ? "k" : setting.default))
        }
    }

    @Test
    func `Keys, variables and the flags of one process are each used once`() {
        #expect(Set(SettingCatalog.all.map(\.environment)).count == SettingCatalog.all.count)
        for process in ProcessKind.allCases {
            let flags = SettingCatalog.settings(of: process).map(\.flag)
            #expect(Set(flags).count == flags.count)
        }
    }

    @Test(arguments: SettingCatalog.all)
    func `A default is a value that is allowed`(setting: Setting) throws {
        guard let value = setting.default else { return }
        let flags: [SettingKey: String] = [.masterKey: "k", setting.key: value]
        _ = try SettingReader(for: .api, flags: flags, environment: [:])
    }
}
