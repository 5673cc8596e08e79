import Domain
import Redis

extension MessageStore {
    func follow(_ queue: QueueAddress, from start: FollowStart, limit: Int) async throws(StoreError) -> Followed {
        var call = self.call(Scripts.messageFollow, queue)
        switch start {
        case .end: for part in ["", ""] { call.append(part) }
        case .oldest: for part in ["-", ""] { call.append(part) }
        case .behind(let place):
            call.append(String(place.id.position.value))
            call.append(place.sequence.map(String.init) ?? "")
        }
        call.append(limit)
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.messageFollow)
        let now = try reply.timestamp()
        let isOther = try reply.int() == 1
        var passed = try Self.number(&reply)
        let end = Position(max(try Self.number(&reply), 1))
        let passedAtEnd = try Self.number(&reply)
        let numbers = try reply.text().split(separator: ",").map { Int64($0) ?? 0 }

        var steps: [FollowStep] = []
        var position: Position
        switch start {
        case .behind(let place): position = isOther ? Position(1) : place.id.position
        case .end, .oldest: position = Position(1)
        }
        func place() -> QueuePlace { QueuePlace(id: self.ids.id(at: position, of: queue), sequence: passed) }
        func gap(through last: Int64) {
            guard last > passed else { return }
            let range = passed + 1...last
            passed = last
            steps.append(FollowStep(event: .gap(range), place: place()))
        }
        if isOther { steps.append(FollowStep(event: .restart, place: place())) }
        for number in numbers {
            let (at, message) = try self.ids.placed(of: queue, in: &reply, now: now)
            position = Position(at.value - 1)
            gap(through: number - 1)
            position = at
            passed = max(passed, number)
            steps.append(
                FollowStep(event: .message(message, sequence: number > 0 ? number : nil), place: place()))
        }
        guard reply.isAtEnd else { throw reply.unexpected("number of messages") }
        position = end
        gap(through: passedAtEnd)
        return Followed(steps: steps, place: place())
    }

    private static func number(_ reply: inout ReplyReader) throws(StoreError) -> Int64 {
        guard let number = Int64(try reply.text()), (0..<ReplyReader.end).contains(number) else {
            throw reply.unexpected("number")
        }
        return number
    }
}
