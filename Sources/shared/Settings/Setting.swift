/// The processes that read settings.
package enum ProcessKind: String, Sendable, CaseIterable {
    case api = "herald-api"
    case notifier = "herald-notifier"
}

/// One thing that can be set, and all that an operator must know about it.
///
/// The settings are the entries of ``SettingCatalog``; `Setting.shards` is the entry `shards` there. Two settings are equal
/// when their names are.
@dynamicMemberLookup
package struct Setting: Sendable {
    /// As it is spelled in the file: words from general to special, dots between.
    package let name: String
    /// Long flag with its dashes, `--redis-url`.
    ///
    /// Two processes may use one flag for a setting of their own each.
    package let flag: String
    /// What holds when nothing is given, spelled as one would give it.
    ///
    /// Nil: nothing holds.
    package let `default`: String?
    package let shape: Shape
    package let processes: Set<ProcessKind>
    /// Its value is never printed, and `…_FILE` in the environment may name a file that holds it.
    package let isSecret: Bool
    /// The processes do not start without it.
    package let isRequired: Bool
    /// The allowed values in words.
    package let allowed: String
    package let meaning: String

    /// What a value looks like.
    ///
    /// Everything here is checked before the first socket opens.
    package enum Shape: Sendable, Equatable {
        case text
        case boolean
        case integer(ClosedRange<Int>)
        /// Whole or decimal seconds.
        case seconds(ClosedRange<Int>)
        case address
        case oneOf([String])
        /// Texts with commas or blanks between.
        case list
    }

    /// - Parameter flag: Nil: the name with dashes for its dots.
    init(
        _ name: String, flag: String? = nil, default: String? = nil, shape: Shape,
        processes: Set<ProcessKind> = Set(ProcessKind.allCases), isSecret: Bool = false, isRequired: Bool = false,
        allowed: String? = nil, meaning: String
    ) {
        self.name = name
        self.flag = flag ?? "--" + name.replacing(".", with: "-")
        self.default = `default`
        self.shape = shape
        self.processes = processes
        self.isSecret = isSecret
        self.isRequired = isRequired
        self.allowed = allowed ?? shape.words
        self.meaning = meaning
    }

    /// The entry of the catalogue with this name in the code.
    package static subscript(dynamicMember entry: KeyPath<SettingCatalog, Setting>) -> Setting {
        SettingCatalog.shared[keyPath: entry]
    }

    /// `HERALD_` and the name in capitals, underscores for dots.
    package var environment: String { "HERALD_" + self.name.uppercased().replacing(".", with: "_") }

    /// The variable that names a file holding the value; secrets only.
    package var environmentFile: String? { self.isSecret ? self.environment + "_FILE" : nil }

    package var environmentNames: [String] { [self.environment] + (self.environmentFile.map { [$0] } ?? []) }
}

extension Setting: CustomStringConvertible {
    package var description: String { self.name }
}

extension Setting: Hashable {
    package static func == (one: Setting, other: Setting) -> Bool { one.name == other.name }
    package func hash(into hasher: inout Hasher) { hasher.combine(self.name) }
}

extension Setting.Shape {
    /// The allowed values in words, for shapes that say it all.
    var words: String {
        switch self {
        case .text: "any text"
        case .boolean: "false, true"
        case .integer(let range): "a whole number, \(range.lowerBound) to \(range.upperBound)"
        case .seconds(let range): "seconds, \(range.lowerBound) to \(range.upperBound)"
        case .address: "host:port, [IPv6]:port; port 0 lets the kernel choose"
        case .oneOf(let words): words.joined(separator: ", ")
        case .list: "texts, commas between"
        }
    }
}
