/// Every text that subscribers read, of mails and of pages: the built-in English ones, or those of a folder.
///
/// A folder may hold any of the files of ``File``; what it does not hold is built in.
package struct TextCatalog: Sendable {
    /// A file of the folder, by its name.
    package enum File: String, Sendable, CaseIterable {
        // The mail that asks a subscriber to confirm.
        case confirmationSubject = "confirmation.subject.txt"
        case confirmationText = "confirmation.txt"
        case confirmationHTML = "confirmation.html"
        // The mail that offers the way back.
        case returnSubject = "return.subject.txt"
        case returnText = "return.txt"
        case returnHTML = "return.html"
        // The end of every mail with a message.
        case footerText = "footer.txt"
        case footerHTML = "footer.html"
        /// What all pages look like.
        case page = "page.html"
        /// The sentences of the pages, see ``Sentence``.
        case sentences = "pages.txt"
    }

    /// A sentence of a page, by its name in the file of sentences: `confirm.title: Confirm your subscription`.
    package enum Sentence: String, Sendable, CaseIterable {
        case language = "language"
        case confirmTitle = "confirm.title"
        case confirmText = "confirm.text"
        case confirmButton = "confirm.button"
        case confirmedTitle = "confirmed.title"
        case confirmedText = "confirmed.text"
        case leaveTitle = "leave.title"
        case leaveText = "leave.text"
        case leaveButton = "leave.button"
        case leftTitle = "left.title"
        case leftText = "left.text"
        case returnButton = "return.button"
        case endedTitle = "ended.title"
        case endedText = "ended.text"
        case expiredTitle = "expired.title"
        case expiredText = "expired.text"
        case outdatedTitle = "outdated.title"
        case outdatedText = "outdated.text"
        case wrongTitle = "wrong.title"
        case wrongText = "wrong.text"
        case incompleteTitle = "incomplete.title"
        case incompleteText = "incomplete.text"
        case laterTitle = "later.title"
        case laterText = "later.text"
    }

    /// Files of a folder that are looked at, and bytes of one.
    package static let fileBytesMax = TextTemplate.bytesMax

    private var files: [File: TextTemplate]
    private var sentences: [Sentence: TextTemplate]

    /// The built-in texts.
    package static let builtIn: TextCatalog = {
        do throws(TextCatalogInvalid) {
            return try TextCatalog(files: [:])
        } catch {
            preconditionFailure("a built-in text is no template: \(error.reason)")
        }
    }()

    /// - Parameter files: The texts of a folder, by the names of its files.
    /// - Throws: ``TextCatalogInvalid`` for a file that has another name than those of ``File``, or is no template.
    package init(files: [String: String]) throws(TextCatalogInvalid) {
        for name in files.keys.sorted() where File(rawValue: name) == nil { throw .unknownFile(name) }
        self.files = [:]
        self.sentences = [:]
        for file in File.allCases where file != .sentences {
            let text = files[file.rawValue] ?? BuiltInTexts.text(of: file)
            self.files[file] = try Self.template(text, file.places, in: file.rawValue)
        }
        try self.read(BuiltInTexts.sentences)
        if let own = files[File.sentences.rawValue] { try self.read(own) }
    }

    /// Reads lines of `name: text`; empty ones and those that begin with `#` are skipped.
    private mutating func read(_ text: String) throws(TextCatalogInvalid) {
        let file = File.sentences.rawValue
        guard text.utf8.count <= Self.fileBytesMax else { throw .template(file, .tooLong) }
        for line in text.split(whereSeparator: \.isNewline) {
            let line = line.drop { $0 == " " }
            guard !line.isEmpty, !line.hasPrefix("#") else { continue }
            let name = line.prefix { $0 != ":" }
            guard name.endIndex < line.endIndex, let sentence = Sentence(rawValue: String(name)) else {
                throw .unknownSentence(String(name))
            }
            let words = String(line[name.endIndex...].dropFirst().drop { $0 == " " })
            self.sentences[sentence] = try Self.template(words, Sentence.places, in: "\(file), \(name)")
        }
    }

    private static func template(
        _ text: String, _ places: Set<TextTemplate.Place>, in name: String
    ) throws(TextCatalogInvalid) -> TextTemplate {
        do throws(TextTemplateInvalid) {
            return try TextTemplate(text, places: places)
        } catch {
            throw .template(name, error)
        }
    }

    /// A text with values in its places.
    ///
    /// - Parameter file: Not the file of sentences.
    package func text(_ file: File, _ values: [TextTemplate.Place: String]) -> String {
        guard let template = self.files[file] else { preconditionFailure("\(file.rawValue) is no template") }
        return template.rendered(values, as: file.rawValue.hasSuffix(".html") ? .html : .plain)
    }

    /// A sentence with values in its places; plain text.
    package func sentence(_ sentence: Sentence, _ values: [TextTemplate.Place: String] = [:]) -> String {
        guard let template = self.sentences[sentence] else {
            preconditionFailure("the sentence \(sentence.rawValue) is not built in")
        }
        return template.rendered(values)
    }
}

extension TextCatalog.File {
    fileprivate var places: Set<TextTemplate.Place> {
        switch self {
        case .page: [.language, .title, .text, .content, .nonce]
        case .confirmationSubject, .returnSubject: [.queue, .project, .address]
        case .confirmationText, .confirmationHTML, .returnText, .returnHTML: [.queue, .project, .link, .address]
        case .footerText, .footerHTML: [.queue, .link, .address]
        case .sentences: []
        }
    }
}

extension TextCatalog.Sentence {
    fileprivate static let places: Set<TextTemplate.Place> = [.queue, .project, .address]
}

/// Why the texts of a folder cannot be used.
package enum TextCatalogInvalid: Error, Sendable, Equatable {
    case unknownFile(String)
    case unknownSentence(String)
    case template(String, TextTemplateInvalid)

    /// What is wrong and what is allowed, in one line.
    package var reason: String {
        switch self {
        case .unknownFile(let name):
            "the file '\(name)' is not known; allowed: "
                + TextCatalog.File.allCases.map(\.rawValue).joined(separator: ", ")
        case .unknownSentence(let name):
            "\(TextCatalog.File.sentences.rawValue) has the name '\(name.prefix(64))', which is not known; allowed: "
                + TextCatalog.Sentence.allCases.map(\.rawValue).joined(separator: ", ")
        case .template(let name, let error): "\(name) \(error.reason)"
        }
    }
}
