import Foundation
import Settings
import Testing

/// The documents that spell every setting are written from the catalogue (`scripts/settings`) and held against it.
struct SettingCatalogTests {
    /// `scripts/settings` sets it: the documents are written, not only compared.
    private static let writes = ProcessInfo.processInfo.environment["HERALD_TEST_WRITE_SETTINGS"] != nil

    @Test
    func `The page and the example file are what the catalogue gives`() throws {
        let page = try SettingDocuments.text(SettingDocuments.page)
        for (path, wanted) in [
            (SettingDocuments.page, SettingDocuments.page(from: page)),
            (SettingDocuments.example, SettingDocuments.exampleText),
        ] {
            if Self.writes { try Data(wanted.utf8).write(to: SettingDocuments.url(path)) }
            #expect(
                try SettingDocuments.text(path) == wanted, "\(path) is not up to date: run scripts/settings")
        }
        #expect(page.matches(of: /\n\| `[^\n]*`HERALD_/).count == SettingCatalog.all.count)
    }

    @Test
    func `The documentation names no flag and no variable that does not exist`() throws {
        let text = try SettingDocuments.text(SettingDocuments.page)
        let flags = Set(text.matches(of: /--[a-z][a-z-]+/).map { String($0.output) })
        let variables = Set(text.matches(of: /HERALD_[A-Z_]+/).map { String($0.output) })
            .filter { $0 != "HERALD_TEST_" }
        #expect(flags.subtracting(SettingCatalog.all.map(\.flag)) == [])
        #expect(variables.subtracting(SettingCatalog.all.flatMap(\.environmentNames)) == [])
    }

    @Test
    func `The example file is a settings file, as it is and with every line taken in`() throws {
        let path = SettingDocuments.url(SettingDocuments.example).path
        let flags: [Setting: String] = [Setting.configFile: path, Setting.masterKey: "k"]
        #expect(try SettingReader(for: .api, flags: flags, environment: [:]).integer(Setting.shards) == 16)

        let text = try String(contentsOfFile: path, encoding: .utf8)
        let taken = text.split(separator: "\n").map { $0.hasPrefix("#") && !$0.hasPrefix("# ") ? $0.dropFirst() : $0 }
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("herald-\(UUID().uuidString).yaml")
        try Data(taken.joined(separator: "\n").utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }  // A file left in the temporary folder does no harm.
        let settings = try SettingReader(
            for: .notifier, flags: [Setting.configFile: file.path, Setting.masterKey: "k"], environment: [:])
        for setting in SettingCatalog.all where setting.shape == .text && setting != Setting.configFile {
            #expect(settings.text(setting) == setting.default)
        }
    }

    @Test
    func `The catalogue lists its entries in the order they are written`() throws {
        let names = SettingCatalog.all.map(\.name)
        #expect(names.first == "redis.url" && names.last == "config.file")
        #expect(Set(names).count == names.count && names.contains("limits.claim.grace"))
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
        let flags: [Setting: String] = [Setting.masterKey: "k", setting: value]
        _ = try SettingReader(for: .api, flags: flags, environment: [:])
    }
}
