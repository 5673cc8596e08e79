import ArgumentParser
import Foundation

/// The option of every command that changes what cannot be undone.
package struct Consent: ParsableArguments {
    @Flag(help: "Do not ask.")
    package var yes = false

    package init() {}

    /// Asks on the terminal, unless `--yes` was given.
    ///
    /// - Throws: ``Failure`` when the user does not agree, or there is no terminal to ask on.
    func ask(_ question: String, on terminal: Terminal) throws(Failure) {
        if self.yes { return }
        guard isatty(STDIN_FILENO) == 1 else {
            throw Failure("standard input is no terminal to ask on: give --yes", .usage)
        }
        terminal.line("\(question) [y/N]")
        guard ["y", "yes"].contains((readLine() ?? "").lowercased()) else { throw Failure("nothing was changed") }
    }
}
