/// Who we are to a server, and which of its databases is meant.
package struct RedisLogin: Sendable, Hashable {
    package var user: String?
    package var password: String?
    package var database: Int

    package init(user: String? = nil, password: String? = nil, database: Int = 0) {
        self.user = user
        self.password = password
        self.database = database
    }

    /// What stands before a host in a URL, with `***` for the password; empty without a login.
    var masked: String {
        let user = self.user.map { "\($0):" } ?? ""
        let shown = user + (self.password == nil ? "" : "***")
        return shown.isEmpty ? "" : shown + "@"
    }
}

extension RedisLogin: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// It never shows the password.
    package var description: String { "\(self.masked)/\(self.database)" }

    package var debugDescription: String { self.description }

    /// Shows nothing more than ``description``: `dump` walks past it otherwise.
    package var customMirror: Mirror { Mirror(self, children: ["login": self.description]) }
}
