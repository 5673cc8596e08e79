package import Domain
import JSON
package import NIOCore

/// The answer to a health check.
package enum HealthDocument {
    /// With pools its members are their names, behind one of its own.
    package static func health(_ health: ServiceHealth) -> ByteBuffer {
        JSONWriter.object(capacity: 1024) { object in
            switch health {
            case .store(let report): Self.write(report, to: &object)
            case .pools(let reports):
                object.member("catalog_reachable", true)
                for (pool, report) in reports {
                    object.object(named: pool.text) { Self.write(report, to: &$0) }
                }
            }
        }
    }

    private static func write(_ report: HealthReport, to object: inout JSONObjectWriter) {
        object.member("storage_reachable", report.isReachable)
        object.object("operation_status") { status in
            for step in report.steps {
                status.object(named: step.name) { object in
                    object.member("succeeded", step.reference == nil)
                    object.member("seconds", (step.seconds * 1e6).rounded() / 1e6)
                    object.member("ref", step.reference)
                }
            }
        }
    }
}
