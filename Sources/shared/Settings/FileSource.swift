import Foundation
import Yams

/// Settings given in a YAML file, nested (`redis: {url: …}`) or flat (`redis.url: …`), both in one file if you like.
enum FileSource {
    /// More than any settings file needs; a wrong path may lead to something huge.
    static let bytesMax = 1 << 20

    static func read(path: String) throws(SettingError) -> [Setting: SettingText] {
        let text: String
        do {
            let data = try Data(contentsOf: URL(fileURLWithPath: path))
            guard data.count <= self.bytesMax, let decoded = String(data: data, encoding: .utf8) else {
                throw SettingError.unreadable(path: path, reason: "this is no settings file (too large, or not UTF-8)")
            }
            text = decoded
        } catch let error as SettingError {
            throw error
        } catch {
            throw .unreadable(
                path: path, reason: "the settings file cannot be read (\(FileFault.words(readingPath: path)))")
        }
        return try self.parse(text, path: path)
    }

    static func parse(_ text: String, path: String) throws(SettingError) -> [Setting: SettingText] {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            let line = "\(error)".split(separator: "\n").first.map(String.init) ?? "unknown"
            throw .unreadable(path: path, reason: "this is not YAML (\(line))")
        }
        var found: [Setting: SettingText] = [:]
        // An empty file, or one of comments only, sets nothing.
        guard let root, root.scalar?.string.isEmpty != true else { return found }
        try self.collect(root, under: [], path: path, into: &found)
        return found
    }

    private static func collect(
        _ node: Node, under words: [String], path: String, into found: inout [Setting: SettingText]
    ) throws(SettingError) {
        switch node {
        case .mapping(let mapping):
            for (key, value) in mapping {
                guard let word = key.string else {
                    throw .unreadable(path: path, reason: "a key under '\(words.joined(separator: "."))' is not a word")
                }
                try self.collect(value, under: words + [word], path: path, into: &found)
            }
        case .scalar(let scalar):
            try self.put(scalar.string, isNull: node.null != nil, at: words, path: path, into: &found)
        case .sequence(let sequence):
            var items: [String] = []
            for item in sequence {
                guard let text = item.scalar?.string else {
                    throw .unreadable(
                        path: path, reason: "'\(words.joined(separator: "."))' must be a list of plain values")
                }
                items.append(text)
            }
            try self.put(items.joined(separator: ","), isNull: false, at: words, path: path, into: &found)
        case .alias:
            throw .unreadable(path: path, reason: "'\(words.joined(separator: "."))' is an alias; write the value")
        }
    }

    private static func put(
        _ text: String, isNull: Bool, at words: [String], path: String, into found: inout [Setting: SettingText]
    ) throws(SettingError) {
        let name = words.joined(separator: ".")
        guard let setting = SettingCatalog.setting(named: name) else {
            guard !words.isEmpty else { throw .unreadable(path: path, reason: "this is not a list of settings") }
            throw .unknown(
                name: name, source: .file(path),
                suggestion: NearestName.of(name, among: SettingCatalog.all.map(\.name)))
        }
        guard setting != Setting.configFile else {
            throw .unusable(setting, value: nil, reason: "cannot be set in the file it names (\(path))")
        }
        guard found[setting] == nil else {
            throw .ambiguous(setting, "one line of \(path)", "another")
        }
        // A key without a value, as in the example file, leaves the setting alone.
        guard !isNull else { return }
        found[setting] = SettingText(text: text, source: .file(path))
    }
}
