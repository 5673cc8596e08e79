import Foundation

/// What went wrong with a file, in a few words; Foundation's own descriptions are many lines.
enum FileFault {
    static func words(_ error: any Error) -> String {
        let error = error as NSError
        if let underlying = error.userInfo[NSUnderlyingErrorKey] as? NSError, underlying.domain == NSPOSIXErrorDomain {
            return self.words(errno: Int32(underlying.code))
        }
        if error.domain == NSPOSIXErrorDomain {
            return self.words(errno: Int32(error.code))
        }
        return error.localizedDescription.split(separator: "\n").first.map(String.init) ?? "unreadable"
    }

    static func words(errno: Int32) -> String { String(cString: strerror(errno)) }
}
