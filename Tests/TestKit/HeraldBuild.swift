package import Foundation

/// Executables of Herald that a deployment under test runs.
package enum HeraldBuild: String, CaseIterable, Sendable {
    /// Of the sources that the tests are of.
    case own
    /// Of the version before, which stands beside this one during an upgrade: `scripts/previous` builds it.
    case previous

    package func executable(_ name: String) -> URL {
        switch self {
        case .own: Self.besideTests.appendingPathComponent(name)
        case .previous: URL(fileURLWithPath: Self.ofPrevious ?? "/").appendingPathComponent(name)
        }
    }

    package static var hasPrevious: Bool { Self.ofPrevious != nil }

    /// Where the build put the executables: beside the bundle that runs the tests.
    private static let besideTests: URL = {
        // The link of this very process: it cannot be missing.
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "/"
        return URL(fileURLWithPath: own).deletingLastPathComponent()
    }()

    /// The folder that `scripts/test` names; nil: there is none, or the version was not built.
    private static let ofPrevious = ProcessInfo.processInfo.environment["HERALD_TEST_PREVIOUS"].flatMap {
        $0.isEmpty ? nil : $0
    }
}
