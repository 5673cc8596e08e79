import Domain
import Synchronization

/// The turn of one request of a project, see ``ProjectAdmission``.
///
/// A request that waits for something other than the store gives its turn up meanwhile.
package final class ProjectTurn: Sendable {
    private let admission: ProjectAdmission
    private let project: ProjectID
    private let isHeld = Atomic(true)

    /// It has begun.
    init(_ admission: ProjectAdmission, _ project: ProjectID) {
        self.admission = admission
        self.project = project
    }

    /// Gives it up; once more is harmless.
    package func leave() {
        if self.isHeld.exchange(false, ordering: .acquiringAndReleasing) { self.admission.leave(self.project) }
    }

    /// Waits until the request may go on.
    ///
    /// - Throws: ``TurnRefused`` when it waited for too long.
    func enter() async throws(TurnRefused) {
        try await self.admission.wait(self.project)
        self.isHeld.store(true, ordering: .releasing)
    }
}

/// A request has waited for its turn for too long.
package struct TurnRefused: Error {}
