import Foundation

/// What is wrong with a file, in a few words; Foundation's own descriptions hide the reason.
package enum FileFault {
    package static func words(readingPath path: String) -> String {
        access(path, R_OK) == 0 ? "unreadable" : self.words(errno: errno)
    }

    package static func words(errno: Int32) -> String { String(cString: strerror(errno)) }
}
