import Foundation

/// The frames that docs/websocket.md shows: `→` is sent, `←` is answered.
package enum DocumentedFrames {
    package static var page: String {
        get throws {
            let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent()
            return try String(contentsOf: top.appendingPathComponent("docs/websocket.md"), encoding: .utf8)
        }
    }

    /// The blocks of code in a language, in their order.
    package static func blocks(of language: String) throws -> [String] {
        try self.page.components(separatedBy: "```").enumerated().filter { index, block in
            index % 2 == 1 && block.hasPrefix(language + "\n")
        }.map { String($0.element.dropFirst(language.count + 1)) }
    }

    /// Whether a value is what the page shows, where `…` stands for any.
    package static func matches(_ value: Any?, _ shown: Any) -> Bool {
        if shown as? String == "…" { return value != nil }
        switch (value, shown) {
        case (let value as [String: Any], let shown as [String: Any]):
            return Set(value.keys) == Set(shown.keys) && shown.allSatisfy { self.matches(value[$0], $1) }
        case (let value as [Any], let shown as [Any]):
            return value.count == shown.count && zip(value, shown).allSatisfy { self.matches($0, $1) }
        default: return value as? NSObject == shown as? NSObject
        }
    }
}
