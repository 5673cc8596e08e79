import Foundation
import Mail
import Settings

/// Reads the folder of `email.templates`.
enum TextFolder {
    /// Files beside the known ones that are looked at to name the first unknown one.
    private static let filesMax = 100

    /// Files whose names begin with a full stop are skipped: mounted folders have such.
    ///
    /// - Throws: ``SettingError/unusable(_:value:reason:)`` when the folder or a file cannot be read, or is not what it should
    ///   be.
    static func read(_ path: String) throws(SettingError) -> TextCatalog {
        func refused(_ reason: String) -> SettingError {
            .unusable(Setting.emailTemplates, value: path, reason: reason)
        }
        guard let all = try? FileManager.default.contentsOfDirectory(atPath: path) else {
            throw refused("is no folder that can be read")
        }
        let names = all.filter { !$0.hasPrefix(".") }.sorted()
        guard names.count <= Self.filesMax else { throw refused("has more than \(Self.filesMax) files") }
        var files: [String: String] = [:]
        for name in names {
            guard TextCatalog.File(rawValue: name) != nil else {
                // What is not known is named without being read.
                files[name] = ""
                continue
            }
            guard let text = Self.text(of: URL(fileURLWithPath: path).appendingPathComponent(name)) else {
                throw refused(
                    "has the file '\(name)', which cannot be read, is not UTF-8, or has more than "
                        + "\(TextCatalog.fileBytesMax) bytes")
            }
            files[name] = text
        }
        do throws(TextCatalogInvalid) {
            return try TextCatalog(files: files)
        } catch {
            throw refused("cannot be used: \(error.reason)")
        }
    }

    private static func text(of file: URL) -> String? {
        guard let handle = try? FileHandle(forReadingFrom: file) else { return nil }
        guard let data = try? handle.read(upToCount: TextCatalog.fileBytesMax + 1) ?? Data(),
            data.count <= TextCatalog.fileBytesMax
        else { return nil }
        return String(data: data, encoding: .utf8)
    }
}
