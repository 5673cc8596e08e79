/// Says by the definition of the language what matches, without regard to time.
enum SlowFilter {
    static func matches(_ policy: FilterTree, _ body: FilterTree) -> Bool {
        guard case .object = body else { return false }
        return Self.holds(policy, in: body)
    }

    private static func holds(_ keys: FilterTree, in object: FilterTree) -> Bool {
        guard case .object(let keys) = keys else { return false }
        return keys.allSatisfy { key, asked in
            if key == "$or", case .array(let alternatives) = asked, Self.areAlternatives(alternatives) {
                return alternatives.contains { Self.holds($0, in: object) }
            }
            let values = object[key]?.elements ?? []
            switch asked {
            case .array(let conditions):
                let scalars = values.filter { if case .object = $0 { false } else { true } }
                return conditions.contains { condition in
                    if condition["exists"] == .boolean(false) { return scalars.isEmpty }
                    return scalars.contains { Self.holds(condition, for: $0) }
                }
            default:
                let objects = values.filter { if case .object = $0 { true } else { false } }
                return (objects.isEmpty ? [.object([])] : objects).contains { Self.holds(asked, in: $0) }
            }
        }
    }

    private static func areAlternatives(_ alternatives: [FilterTree]) -> Bool {
        let keywords = [
            "anything-but", "cidr", "equals-ignore-case", "exists", "numeric", "prefix", "suffix", "wildcard",
        ]
        return alternatives.count >= 2
            && alternatives.allSatisfy { alternative in
                guard case .object(let members) = alternative else { return false }
                return members.allSatisfy { !keywords.contains($0.name) }
            }
    }

    private static func holds(_ condition: FilterTree, for value: FilterTree) -> Bool {
        guard case .object(let members) = condition, let (name, asked) = members.first else {
            return condition == value
        }
        let text: String? = if case .text(let text) = value { text } else { nil }
        switch (name, asked) {
        case ("exists", _): return value != .null && value != .text("")
        case ("prefix", .text(let prefix)): return text.map { Array($0.utf8).starts(with: prefix.utf8) } ?? false
        case ("suffix", .text(let suffix)):
            return text.map { Array($0.utf8.reversed()).starts(with: suffix.utf8.reversed()) } ?? false
        case ("equals-ignore-case", .text(let other)):
            return text.map { $0.lowercased() == other.lowercased() } ?? false
        case ("wildcard", .text(let pattern)):
            return text.map { Self.fits(Array(pattern.utf8)[...], Array($0.utf8)[...]) } ?? false
        case ("numeric", .array(let pairs)):
            guard case .number(let number) = value else { return false }
            return stride(from: 0, to: pairs.count, by: 2).allSatisfy { index in
                guard case .text(let relation) = pairs[index], case .number(let bound) = pairs[index + 1] else {
                    return false
                }
                return switch relation {
                case "=": number == bound
                case "<": number < bound
                case "<=": number <= bound
                case ">": number > bound
                default: number >= bound
                }
            }
        case ("anything-but", .array(let excluded)): return !excluded.contains(value)
        case ("anything-but", .object): return !Self.holds(asked, for: value)
        case ("anything-but", _): return asked != value
        default: return false
        }
    }

    /// Patterns without escapes.
    private static func fits(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        if first == UInt8(ascii: "*") {
            return (text.startIndex...text.endIndex).contains { Self.fits(pattern.dropFirst(), text[$0...]) }
        }
        return text.first == first && Self.fits(pattern.dropFirst(), text.dropFirst())
    }
}
