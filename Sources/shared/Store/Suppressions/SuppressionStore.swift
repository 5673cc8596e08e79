package import Domain
import Redis

/// The mail addresses that projects send nothing to; all of them in the control store.
package struct SuppressionStore: Sendable {
    let runner: ScriptRunner

    /// Suppresses an address, or changes why it is; it keeps its place in the list.
    ///
    /// With ``Suppression/countMax`` addresses of the project, the oldest is removed.
    ///
    /// - Parameters:
    ///   - address: In lower case.
    ///   - detail: On one line; what is beyond ``Suppression/detailBytesMax`` is left out.
    /// - Returns: Whether it was not suppressed before.
    @discardableResult
    package func add(
        _ address: String, of project: ProjectID, _ reason: Suppression.Reason, detail: String
    ) async throws(StoreError) -> Bool {
        var call = self.runner.call(
            Scripts.suppressionAdd, keys: Self.keys(of: project) + [KeySpace.bounceDays(of: project, to: address)])
        call.append(address)
        call.append(reason.rawValue)
        call.append(String(decoding: detail.utf8.prefix(Suppression.detailBytesMax), as: UTF8.self))
        call.append(Suppression.countMax)
        return try await self.runner.write(call).int == 1
    }

    /// Writes down that mail to an address came back for now; after ``add(_:of:_:detail:)`` the count begins anew.
    ///
    /// - Parameter address: In lower case.
    /// - Returns: On how many days of the last ``Suppression/bounceDaysCounted`` mail to it came back, today included.
    package func countBounce(of address: String, of project: ProjectID) async throws(StoreError) -> Int {
        var call = self.runner.call(Scripts.bounceCount, keys: [KeySpace.bounceDays(of: project, to: address)])
        call.append(Suppression.bounceDaysCounted)
        guard let days = try await self.runner.run(call).int else {
            throw .corrupt("bounce_count.lua answered no number")
        }
        return days
    }

    /// - Returns: Whether it was suppressed.
    package func remove(_ address: String, of project: ProjectID) async throws(StoreError) -> Bool {
        var call = self.runner.call(Scripts.suppressionRemove, keys: Self.keys(of: project))
        call.append(address)
        return try await self.runner.write(call).int == 1
    }

    /// nil when the address is not suppressed.
    package func get(_ address: String, of project: ProjectID) async throws(StoreError) -> Suppression? {
        var command = RedisCommand("HGET", arguments: 2)
        command.append(KeySpace.suppressions(of: project))
        command.append(address)
        guard let record = try await self.runner.send(command).bytes else { return nil }
        return try Suppression(address: address, record: record)
    }

    /// Those of the addresses that are suppressed.
    ///
    /// It takes one command for each project, and for every 1,000 of its addresses, all at once.
    package func suppressed(
        among addresses: Set<SuppressibleAddress>
    ) async throws(StoreError) -> Set<SuppressibleAddress> {
        var asked: [ArraySlice<SuppressibleAddress>] = []
        for ofProject in Dictionary(grouping: addresses, by: \.project).values {
            for start in stride(from: 0, to: ofProject.count, by: Self.lookUpMax) {
                asked.append(ofProject[start..<min(start + Self.lookUpMax, ofProject.count)])
            }
        }
        let replies = try await self.runner.sendAll(
            asked.map { addresses in
                var command = RedisCommand("ZMSCORE", arguments: 1 + addresses.count)
                command.append(KeySpace.suppressionOrder(of: addresses[addresses.startIndex].project))
                for address in addresses { command.append(address.address) }
                return command
            })
        var suppressed: Set<SuppressibleAddress> = []
        for (addresses, reply) in zip(asked, replies) {
            guard let scores = reply.array, scores.count == addresses.count else {
                throw .corrupt("the order of suppressions")
            }
            for (address, score) in zip(addresses, scores) where !score.isNull { suppressed.insert(address) }
        }
        return suppressed
    }

    /// Addresses of one command.
    private static let lookUpMax = 1_000

    /// Suppressed addresses, oldest first, behind a place of the list.
    ///
    /// - Parameter after: nil: from the start.
    package func list(
        of project: ProjectID, after: SuppressionMarker?, limit: Int
    ) async throws(StoreError) -> [(suppression: Suppression, marker: SuppressionMarker)] {
        var call = self.runner.call(Scripts.suppressionList, keys: Self.keys(of: project))
        call.append(String(after?.order ?? 0))
        call.append(limit)
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.suppressionList)
        var page: [(Suppression, SuppressionMarker)] = []
        while !reply.isAtEnd {
            let address = try reply.text()
            guard let order = Int64(try reply.text()) else { throw reply.unexpected("place of a suppression") }
            page.append((try Suppression(address: address, record: try reply.bytes()), SuppressionMarker(order: order)))
        }
        return page
    }

    private static func keys(of project: ProjectID) -> [RedisKey] {
        [KeySpace.suppressions(of: project), KeySpace.suppressionOrder(of: project)]
    }
}

extension Suppression {
    /// Reads `<reason> <since, ms> <detail>`.
    fileprivate init(address: String, record: [UInt8]) throws(StoreError) {
        let parts = record.split(separator: UInt8(ascii: " "), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let reason = Reason(rawValue: String(decoding: parts[0], as: UTF8.self)),
            let since = Int64(String(decoding: parts[1], as: UTF8.self))
        else { throw .corrupt("the record of a suppression") }
        self.init(
            address: address, reason: reason, since: Timestamp(milliseconds: since),
            detail: String(decoding: parts[2], as: UTF8.self))
    }
}
