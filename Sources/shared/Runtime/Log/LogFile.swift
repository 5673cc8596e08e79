import Foundation
import Settings

/// A file that lines are appended to.
package enum LogFile {
    /// Why it cannot be opened, in a few words.
    package struct Unusable: Error, Sendable {
        package let reason: String
    }

    /// Opens a file, or makes it for its owner alone.
    ///
    /// It waits for nothing: a FIFO that no process reads is an error.
    ///
    /// - Returns: A descriptor in non-blocking mode, for a ``LineWriter``.
    package static func open(_ path: String) throws(Unusable) -> Int32 {
        let descriptor = Foundation.open(
            path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else { throw Unusable(reason: FileFault.words(errno: errno)) }
        return descriptor
    }
}
