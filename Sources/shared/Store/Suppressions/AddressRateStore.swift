package import Domain
import Redis

/// How many deliveries the addresses of projects had in the last hour; all of it in the control store.
package struct AddressRateStore: Sendable {
    let runner: ScriptRunner

    /// Reserves deliveries to addresses, each of which gets at most so many of its project in any hour.
    ///
    /// A delivery that was reserved in the last hour is again, and counts once.
    ///
    /// - Parameter hourlyMax: At least 1.
    /// - Returns: For each that is not reserved, how long until one more may be.
    package func reserve(
        _ deliveries: [(address: SuppressibleAddress, id: DeliveryID)], hourlyMax: Int
    ) async throws(StoreError) -> [DeliveryID: Duration] {
        var calls: [ScriptCall] = []
        let batches = stride(from: 0, to: deliveries.count, by: Self.batchMax).map {
            deliveries[$0..<min($0 + Self.batchMax, deliveries.count)]
        }
        for batch in batches {
            var call = self.runner.call(
                Scripts.addressReserve,
                keys: batch.map { KeySpace.addressTimes(of: $0.address.project, to: $0.address.address) })
            call.append(hourlyMax)
            for delivery in batch { call.append(delivery.id.text) }
            calls.append(call)
        }
        var waits: [DeliveryID: Duration] = [:]
        for (batch, reply) in zip(batches, try await self.runner.runAll(calls)) {
            guard let answers = reply.array, answers.count == batch.count else {
                throw .corrupt("address_reserve.lua answered no list of its deliveries")
            }
            for (delivery, answer) in zip(batch, answers) {
                guard let wait = answer.int64 else { throw .corrupt("address_reserve.lua answered no number") }
                if wait > 0 { waits[delivery.id] = .milliseconds(wait) }
            }
        }
        return waits
    }

    /// Deliveries of one call.
    private static let batchMax = 100
}
