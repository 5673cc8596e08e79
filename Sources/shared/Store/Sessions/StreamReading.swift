import Redis

/// Reads a stream whose entries are removed once they are read.
enum StreamReading {
    typealias Entry = (id: String, fields: [String: [UInt8]])

    /// Waits until there are entries.
    ///
    /// A reader removes what it has read: it keeps no place, which a Redis with an earlier clock would make wrong.
    ///
    /// - Returns: The oldest, at most `limit`; empty when none came in time.
    static func read(
        on connection: RedisBlockingConnection, _ key: RedisKey, limit: Int, for time: Duration
    ) async throws(StoreError) -> [Entry] {
        var command = RedisCommand("XREAD", arguments: 7)
        command.append("COUNT")
        command.append(limit)
        command.append("BLOCK")
        // Redis takes 0 as "for ever", which no caller means.
        command.append(max(1, Int64(time / .milliseconds(1))))
        command.append("STREAMS")
        command.append(key)
        command.append("0")
        let reply: RedisValue
        do { reply = try await connection.send(command, blockingFor: time) } catch { throw StoreError(error) }
        if reply.isNull { return [] }
        var streams = try ReplyReader(reply, of: "XREAD")
        var stream = try streams.reader()
        _ = try stream.bytes()
        var rows = try stream.reader()
        var entries: [Entry] = []
        while !rows.isAtEnd {
            var row = try rows.reader()
            let id = try row.text()
            var values = try row.reader()
            var fields: [String: [UInt8]] = [:]
            while !values.isAtEnd { fields[try values.text()] = try values.bytes() }
            entries.append((id, fields))
        }
        return entries
    }
}
