package import ArgumentParser

/// A command that takes settings.
package protocol SettingCommand: AsyncParsableCommand {
    /// Those it has flags for.
    static var settings: [Setting] { get }

    /// What the command line gives.
    var flags: SettingFlags<Self> { get }
}

/// A command that is one of Herald's processes: it has a flag for each of its settings.
package protocol ProcessCommand: SettingCommand {
    static var process: ProcessKind { get }
}

extension ProcessCommand {
    package static var settings: [Setting] { SettingCatalog.settings(of: self.process) }
}

/// The flags of a command, one for each of its settings in ``SettingCatalog``, as its `@OptionGroup`.
///
/// ArgumentParser finds the options of a type by reflection and hands over their values by decoding. Both are answered
/// here from the catalogue, so that the parser's help, its suggestions and its errors hold for settings too.
package struct SettingFlags<Command: SettingCommand>: ParsableArguments, CustomReflectable {
    /// What was given, as it was spelled.
    package let given: [Setting: String]

    package init() { self.given = [:] }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: OptionKey.self)
        var given: [Setting: String] = [:]
        for setting in Command.settings {
            let option = try values.decode(Option<String?>.self, forKey: OptionKey(stringValue: setting.name))
            given[setting] = option.wrappedValue
        }
        self.given = given
    }

    package var customMirror: Mirror {
        Mirror(
            self,
            children: Command.settings.map { setting in
                (label: setting.name, value: setting.option as Any)
            })
    }
}

private struct OptionKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

extension Setting {
    /// The option of a command line, with its help.
    fileprivate var option: Option<String?> {
        var help = self.meaning.replacing("`", with: "")
        if self.isSecret {
            help += " Others can see a command line: prefer \(self.environmentNames.joined(separator: " or "))."
        }
        help += " Allowed: \(self.allowed)."
        if let value = self.default { help += " Default: \(value)." }
        return Option(
            name: .customLong(String(self.flag.dropFirst(2))), help: ArgumentHelp(help, valueName: self.shape.valueName)
        )
    }
}

extension Setting.Shape {
    /// What stands for the value in the help.
    fileprivate var valueName: String {
        switch self {
        case .text: "text"
        case .boolean: "false|true"
        case .integer: "number"
        case .seconds: "seconds"
        case .address: "host:port"
        case .oneOf(let words): words.count <= 3 ? words.joined(separator: "|") : "word"
        case .list: "list"
        }
    }
}
