import Configuration

/// A value as it was written, and where.
struct SettingText: Sendable, Equatable {
    let text: String
    let source: SettingSource
}

extension Setting {
    /// Checks a value against the shape of its setting and gives it its type.
    func content(of given: SettingText) throws(SettingError) -> ConfigContent {
        let text = given.text
        switch self.shape {
        case .text:
            guard !text.isEmpty else { throw self.refusal(of: given) }
            return .string(text)
        case .boolean:
            guard let value = Bool(text) else { throw self.refusal(of: given) }
            return .bool(value)
        case .integer(let range):
            guard let number = Int(text), range.contains(number) else { throw self.refusal(of: given) }
            return .int(number)
        case .seconds(let range):
            guard let number = Double(text), number.isFinite,
                number >= Double(range.lowerBound), number <= Double(range.upperBound)
            else { throw self.refusal(of: given) }
            return .double(number)
        case .address:
            guard ListenAddress(text) != nil else { throw self.refusal(of: given) }
            return .string(text)
        case .oneOf(let words):
            guard words.contains(text) else { throw self.refusal(of: given) }
            return .string(text)
        case .list:
            return .stringArray(text.split { $0 == "," || $0.isWhitespace }.map(String.init))
        }
    }

    private func refusal(of given: SettingText) -> SettingError {
        .invalid(self, value: self.isSecret ? nil : given.text, source: given.source, allowed: self.allowed)
    }
}
