import Cryptography
import Domain

/// The query string of a request (docs/api.md, "Lists").
///
/// A parameter may come several times, or as a list with commas: all its values are kept, in order, and those that are
/// empty are not values.
struct Query: Sendable {
    struct Parameter: Sendable {
        let name: String
        /// At least one.
        var values: [String]
    }

    /// Bytes of a query string; the longest one a route can use stays far below.
    static let bytesMax = 16_384
    /// Different names in one query string.
    static let parametersMax = 128

    private(set) var parameters: [Parameter] = []

    /// - Throws: ``Refusal/requestInvalid(_:)`` for a query string beyond every use.
    init(_ text: Substring) throws(Refusal) {
        guard text.utf8.count <= Self.bytesMax else {
            throw .requestInvalid("The query string may have at most \(Self.bytesMax) bytes.")
        }
        // Cut at bytes: characters would have to be found first.
        for pair in text.utf8.split(separator: UInt8(ascii: "&")) {
            guard let equals = pair.firstIndex(of: UInt8(ascii: "=")) else { continue }  // no value: as if not there
            let name = Percent.decode(Substring(pair[..<equals]), isForm: true)
            let values = pair[pair.index(after: equals)...].split(separator: UInt8(ascii: ","))
                .map { Percent.decode(Substring($0), isForm: true) }
            guard !values.isEmpty else { continue }
            if let place = self.parameters.firstIndex(where: { $0.name == name }) {
                self.parameters[place].values += values
            } else {
                guard self.parameters.count < Self.parametersMax else {
                    throw .requestInvalid("The query string may have at most \(Self.parametersMax) parameters.")
                }
                self.parameters.append(Parameter(name: name, values: values))
            }
        }
    }

    /// The last value.
    func text(_ name: String) -> String? {
        self.parameters.first { $0.name == name }?.values.last
    }

    /// All values; a comma separates them also when it is encoded.
    func list(_ name: String) -> [String] {
        let values = self.parameters.first { $0.name == name }?.values ?? []
        return values.flatMap { $0.split(separator: ",").map(String.init) }
    }

    /// - Throws: ``Refusal/parameterMalformed(name:expected:)``.
    func integer(_ name: String) throws(Refusal) -> Int? {
        guard var text = self.text(name) else { return nil }
        // A plus sign arrives as a blank, unless the caller encoded it.
        if text.hasPrefix(" ") { text = "+" + text.dropFirst() }
        guard let number = Int(text) else { throw .parameterMalformed(name: name, expected: "an integer") }
        return number
    }

    /// - Throws: ``Refusal/parameterMalformed(name:expected:)``.
    func boolean(_ name: String) throws(Refusal) -> Bool? {
        guard let text = self.text(name) else { return nil }
        switch text {
        case "true", "True", "t", "yes", "y", "1", "on": return true
        case "false", "False", "f", "no", "n", "0", "off": return false
        default: throw .parameterMalformed(name: name, expected: "a boolean")
        }
    }
}
