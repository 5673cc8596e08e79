package import Domain
import Redis

/// When confirmations are sent: at most one in ``pause`` seconds from one project to one address, of either kind, however many
/// queues and subscriptions request them; to a mail address also at most so many in a day from all projects together.
///
/// It lies in the control store, since the queues of a project lie in many shards and pools.
package struct ConfirmationSchedule: Sendable {
    /// Seconds between two confirmations from one project to one address.
    package static let pause = 60
    /// Confirmations from one project that may wait for one address: those of a day.
    package static let waitingMax = 1440

    let runner: ScriptRunner

    /// Reserves the next time at which a subscription may send one; it is now unless another was sent lately, or waits.
    ///
    /// While that time is to come, the same subscription is given it again for the same kind.
    ///
    /// - Parameter dailyMax: Most confirmations to the address in any 24 hours, those of other projects included; nil: no limit.
    /// - Throws: ``StoreError/overloaded`` when ``waitingMax`` confirmations from the project wait for the address, or those of
    ///   seven days from all projects.
    package func reserve(
        _ kind: NotificationKind, from project: ProjectID, to address: String, for subscription: SubscriptionID,
        dailyMax: Int? = nil
    ) async throws(StoreError) -> Timestamp {
        var call = self.runner.call(
            Scripts.confirmationSchedule,
            keys: [KeySpace.confirmations(from: project, to: address), KeySpace.dailyConfirmations(to: address)])
        call.append("\(kind.rawValue)|\(subscription.text)")
        call.append(Self.pause * 1000)
        call.append(Self.waitingMax)
        call.append(dailyMax ?? 0)
        call.append(project.text)
        guard let at = try await self.runner.run(call).int64 else {
            throw .corrupt("confirmation_schedule.lua answered no number")
        }
        guard at >= 0 else { throw .overloaded }
        return Timestamp(milliseconds: at)
    }
}
