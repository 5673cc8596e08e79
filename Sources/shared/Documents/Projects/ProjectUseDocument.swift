package import Domain
import JSON
package import NIOCore

/// What callers read about the limits of a project.
package enum ProjectUseDocument {
    /// `{"project": "p", "limits": {"queues": {"limit": 100, "own": true, "used": 3}}}`.
    package static func document(_ use: ProjectUse) -> ByteBuffer {
        JSONWriter.object { Self.write(use, to: &$0) }
    }

    static func write(_ use: ProjectUse, to object: inout JSONObjectWriter) {
        object.member("project", use.project.text)
        object.object("limits") { limits in
            for limit in ProjectLimit.allCases {
                limits.object(named: limit.rawValue) { entry in
                    entry.member("limit", use.limits[limit])
                    entry.member("own", use.own.values[limit] != nil)
                    entry.member("used", use.used[limit])
                }
            }
        }
    }
}
