import Foundation
import Settings

/// The two documents that spell every setting, as the catalogue would have them.
enum SettingDocuments {
    static let page = "docs/configuration.md"
    static let example = "deploy/config/herald.example.yaml"

    private static let top = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static func url(_ path: String) -> URL { self.top.appendingPathComponent(path) }

    static func text(_ path: String) throws -> String { try String(contentsOf: self.url(path), encoding: .utf8) }

    // MARK: The page

    private static let pageHead = "| key in the file | flag | environment | default | allowed | read by | meaning |"

    /// The page with its table written anew.
    static func page(from old: String) -> String {
        var lines = old.components(separatedBy: "\n")
        guard let head = lines.firstIndex(of: self.pageHead) else { return old }
        let first = head + 2
        let rows = lines[first...].prefix { $0.hasPrefix("|") }
        lines.replaceSubrange(rows.indices, with: SettingCatalog.all.map(self.row))
        return lines.joined(separator: "\n")
    }

    private static func row(of setting: Setting) -> String {
        let processes = setting.processes.map { $0.rawValue.replacing("herald-", with: "") }.sorted()
        let cells = [
            "`\(setting.name)`",
            "`\(setting.flag)`",
            setting.environmentNames.map { "`\($0)`" }.joined(separator: " "),
            setting.default.map { "`\($0)`" } ?? (setting.isRequired ? "required" : "unset"),
            setting.allowed,
            processes.joined(separator: ", "),
            setting.meaning,
        ]
        return "| " + cells.joined(separator: " | ") + " |"
    }

    // MARK: The example file

    private static let exampleHead = """
        # Every setting of Herald with its default. Take the # away in front of what you change.
        #
        # Flags (herald-api --listen) and the environment (HERALD_API_LISTEN) win over this file;
        # docs/configuration.md has the whole table. scripts/settings writes this file from the code.
        # Keys may nest at their dots.
        """

    static var exampleText: String {
        let entries = SettingCatalog.all.filter { $0 != Setting.configFile }.map { setting in
            var allowed = "Allowed: \(setting.allowed)"
            if setting.isRequired { allowed += ". Required" }
            if let name = setting.environmentFile { allowed += ". Better in \(name)" }
            let words = self.wrapped(setting.meaning.replacing("`", with: "")) + self.wrapped(allowed)
            return words.map { "# \($0)\n" }.joined()
                + "#\(setting.name):" + (setting.default.map { " \($0)" } ?? "")
        }
        return ([self.exampleHead] + entries).joined(separator: "\n\n") + "\n"
    }

    /// Lines of at most 116 characters.
    private static func wrapped(_ text: String) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, line.count + 1 + word.count > 116 {
                lines.append(line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        return lines + [line]
    }
}
