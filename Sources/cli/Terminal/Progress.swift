import Foundation

/// A line on standard error that tells how far a long command is, while a person watches.
///
/// It is replaced in place and removed at the end; where standard error is no terminal nothing is written.
struct Progress: Sendable {
    private let isShown: Bool
    private let output: StandardOutput

    init(isTerminal: Bool = isatty(STDERR_FILENO) == 1, output: StandardOutput = .shared) {
        self.isShown = isTerminal
        self.output = output
    }

    func show(_ text: String) {
        if self.isShown { self.output.errorText("\r\u{1B}[K\(text)") }
    }

    func end() {
        if self.isShown { self.output.errorText("\r\u{1B}[K") }
    }
}
