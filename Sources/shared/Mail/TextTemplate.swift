/// A text of a mail or a page with places for names: `Confirm the subscription to {{ queue }}`.
///
/// `{0}`, `{1}` and `{2}` stand for queue, project and link (notifications contract, 5.3). A brace that begins neither form
/// is text, so that style sheets can be written as they are.
package struct TextTemplate: Sendable, Equatable {
    /// What can stand in a place.
    package enum Place: String, Sendable, CaseIterable {
        /// The name of the queue.
        case queue
        /// The project the queue is of.
        case project
        /// Where the reader answers.
        case link
        /// The address the mail goes to, or a page is about.
        case address
        // Of a page alone.
        case language, title, text
        /// The buttons; HTML, which is not escaped.
        case content
        /// What the style sheet has to name to be applied.
        case nonce
    }

    /// How values are written.
    package enum Form: Sendable {
        case plain
        /// Values are escaped, ``Place/content`` excepted.
        case html
    }

    private enum Part: Sendable, Equatable {
        case text(String)
        case place(Place)
    }

    /// Bytes of a template.
    package static let bytesMax = TemplateReader.bytesMax
    /// Places of a template.
    package static let placesMax = TemplateReader.placesMax

    private static let numbered: [Place] = [.queue, .project, .link]

    private let parts: [Part]

    /// - Parameter allowed: The places it may have.
    /// - Throws: ``TextTemplateInvalid``.
    package init(_ text: String, places allowed: Set<Place>) throws(TextTemplateInvalid) {
        var parts: [Part] = []
        for part in try Self.read(text) {
            switch part {
            case .text(let text): parts.append(.text(text))
            case .place(let name):
                guard let place = Self.named(name), allowed.contains(place) else { throw .unknownPlace(name) }
                parts.append(.place(place))
            }
        }
        self.parts = parts
    }

    private static func read(_ text: String) throws(TextTemplateInvalid) -> [TemplateReader.Part] {
        do throws(TemplateReader.Invalid) {
            return try TemplateReader.parts(of: text, takesNumbers: true)
        } catch {
            switch error {
            case .tooLong: throw .tooLong
            case .unclosed: throw .unclosed
            case .tooManyPlaces: throw .tooManyPlaces
            }
        }
    }

    private static func named(_ name: String) -> Place? {
        if let number = Int(name) { return Self.numbered.indices.contains(number) ? Self.numbered[number] : nil }
        return Place(rawValue: name)
    }

    /// The text with values in its places; a place without a value stays empty.
    package func rendered(_ values: [Place: String], as form: Form = .plain) -> String {
        var text = ""
        for part in self.parts {
            switch part {
            case .text(let more): text += more
            case .place(let place):
                let value = values[place] ?? ""
                text += form == .html && place != .content ? HTMLText.escaped(value) : value
            }
        }
        return text
    }
}

/// Why a text is not a template.
package enum TextTemplateInvalid: Error, Sendable, Equatable {
    case tooLong, unclosed, tooManyPlaces
    case unknownPlace(String)

    /// What is wrong, as the end of a sentence that names the text.
    package var reason: String {
        switch self {
        case .tooLong: "has more than \(TextTemplate.bytesMax) bytes"
        case .unclosed: "has a {{ that no }} closes"
        case .tooManyPlaces: "has more than \(TextTemplate.placesMax) places"
        case .unknownPlace(let name): "has the place '\(name.prefix(64))', which is not known there"
        }
    }
}
