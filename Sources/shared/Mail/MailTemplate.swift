package import JSON

/// A text with places for values of the message: `Disk {{ body.disk }} is full` (docs/email.md, "Templates").
///
/// It knows no conditions, loops or includes, so that what it costs is known when it is stored. A path names a member of
/// the notification (`body`, `queue_name`, `ttl`, `delay`, `Message_Type`) and leads on by members and by positions of
/// arrays, `body.hosts.0.name`. A string stands there as its text, anything else as its JSON; where a path leads nowhere
/// stands nothing.
package struct MailTemplate: Sendable, Hashable {
    private enum Part: Sendable, Hashable {
        case text(String)
        case value(path: [String])
    }

    /// Bytes of a template, as it is stored.
    package static let bytesMax = TemplateReader.bytesMax
    /// Places of a template.
    package static let placesMax = TemplateReader.placesMax
    /// Names in a path.
    package static let pathMax = 16
    /// Bytes of a value that are shown.
    package static let valueBytesMax = 65_536

    private static let roots: Set<String> = ["body", "queue_name", "ttl", "delay", "Message_Type"]

    private let parts: [Part]
    /// Bytes it takes in memory, about.
    package let byteCount: Int

    /// - Throws: ``MailTemplateInvalid``, which says what is wrong with it.
    package init(_ text: String) throws(MailTemplateInvalid) {
        var parts: [Part] = []
        for part in try Self.read(text) {
            switch part {
            case .text(let text): parts.append(.text(text))
            case .place(let inside): parts.append(.value(path: try Self.path(inside)))
            }
        }
        self.parts = parts
        self.byteCount = text.utf8.count + 64 * parts.count
    }

    private static func read(_ text: String) throws(MailTemplateInvalid) -> [TemplateReader.Part] {
        do throws(TemplateReader.Invalid) {
            return try TemplateReader.parts(of: text)
        } catch {
            switch error {
            case .tooLong: throw .tooLong
            case .unclosed: throw .unclosed
            case .tooManyPlaces: throw .tooManyPlaces
            }
        }
    }

    private static func path(_ path: String) throws(MailTemplateInvalid) -> [String] {
        guard !path.contains(" ") else { throw .path }
        let names = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard names.count <= Self.pathMax, names.allSatisfy({ !$0.isEmpty && !HeaderText.holdsControl($0) }),
            !path.contains("{"), !path.contains("}")
        else { throw .path }
        guard let root = names.first, Self.roots.contains(root) else { throw .root }
        return names
    }

    /// - Parameters:
    ///   - document: The notification.
    ///   - bytesMax: What would make it longer is left out.
    package func rendered(with document: JSONObject, bytesMax: Int) -> String {
        var output = BoundedText(bytesMax: bytesMax)
        var known: [[String]: String] = [:]
        for part in self.parts {
            switch part {
            case .text(let text): output.append(text)
            case .value(let path):
                let value = known[path] ?? Self.value(at: path[...], in: document)
                known[path] = value
                output.append(value)
            }
        }
        return output.text
    }

    private static func value(at path: ArraySlice<String>, in object: JSONObject) -> String {
        guard let name = path.first, let value = object.value(of: name) else { return "" }
        return self.value(at: path.dropFirst(), below: value, in: object)
    }

    private static func value(at path: ArraySlice<String>, below value: JSONValue, in object: JSONObject) -> String {
        guard let name = path.first else {
            guard value.kind != .null else { return "" }
            let text = object.text(value) ?? String(decoding: object.verbatim(value), as: UTF8.self)
            guard text.utf8.count > self.valueBytesMax else { return ReadableText.of(text) }
            return ReadableText.of(String(decoding: text.utf8.prefix(self.valueBytesMax), as: UTF8.self))
        }
        switch value.kind {
        case .object: return object.object(value).map { self.value(at: path, in: $0) } ?? ""
        case .array:
            guard let index = Int(name), let elements = object.elements(value), elements.indices.contains(index) else {
                return ""
            }
            return self.value(at: path.dropFirst(), below: elements[index], in: object)
        default: return ""
        }
    }
}

/// Why a text is not a template.
package enum MailTemplateInvalid: Error, Sendable, Equatable {
    case tooLong, unclosed, tooManyPlaces, path, root

    /// What is wrong and what is allowed, as the end of a sentence.
    package var reason: String {
        switch self {
        case .tooLong: "it has more than \(MailTemplate.bytesMax) bytes"
        case .unclosed: "a {{ is not closed by }}"
        case .tooManyPlaces: "it has more than \(MailTemplate.placesMax) places for values"
        case .path:
            "between {{ and }} stands a path such as body.disk.name, of at most \(MailTemplate.pathMax) names without blanks"
        case .root: "a path begins with body, queue_name, ttl, delay or Message_Type"
        }
    }
}
