import Foundation

/// Where a command writes: coloured for people, plain for pipes.
package struct Terminal: Sendable {
    package enum Style: String, Sendable {
        case bold = "1"
        case dim = "2"
        case red = "31"
        case green = "32"
        case cyan = "36"
    }

    private let isColoured: Bool
    /// Takes one line, without its line feed.
    private let write: @Sendable (String) -> Void

    package init(isColoured: Bool, write: @escaping @Sendable (String) -> Void) {
        self.isColoured = isColoured
        self.write = write
    }

    /// Standard output as it is: colours on a terminal, unless `NO_COLOR` (no-color.org) or a dumb terminal forbids them.
    package static func standard(
        environment: [String: String] = ProcessInfo.processInfo.environment, isTerminal: Bool = isatty(1) == 1
    ) -> Terminal {
        Terminal(isColoured: self.wantsColour(environment: environment, isTerminal: isTerminal)) { text in
            StandardOutput.shared.line(text)
        }
    }

    package static func wantsColour(environment: [String: String], isTerminal: Bool) -> Bool {
        isTerminal && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }

    package func line(_ text: String = "") {
        self.write(text)
    }

    package func styled(_ text: String, _ style: Style) -> String {
        self.isColoured ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }
}
