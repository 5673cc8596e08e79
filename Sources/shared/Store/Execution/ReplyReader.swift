import Domain
import Redis

/// Reads the array a script answered, element by element.
///
/// Every mismatch is ``StoreError/corrupt(_:)``: the scripts and their readers are built together.
struct ReplyReader {
    private let script: String
    private var rest: ArraySlice<RedisValue>

    init(_ value: RedisValue, of script: RedisScript) throws(StoreError) {
        try self.init(value, of: script.name)
    }

    init(_ value: RedisValue, of script: String) throws(StoreError) {
        guard let array = value.array else { throw .corrupt("\(script) answered no array") }
        self.script = script
        self.rest = array[...]
    }

    var isAtEnd: Bool { self.rest.isEmpty }

    mutating func next() throws(StoreError) -> RedisValue {
        guard let value = self.rest.popFirst() else { throw .corrupt("\(self.script) answered too little") }
        return value
    }

    mutating func bytes() throws(StoreError) -> [UInt8] {
        guard let bytes = try self.next().bytes else { throw self.unexpected("text") }
        return bytes
    }

    mutating func text() throws(StoreError) -> String {
        guard let text = try self.next().text else { throw self.unexpected("text") }
        return text
    }

    mutating func int() throws(StoreError) -> Int {
        guard let number = try self.next().int else { throw self.unexpected("number") }
        return number
    }

    /// Times and positions are below it: scripts count in doubles, and no arithmetic with them overflows.
    static let end: Int64 = 1 << 53

    mutating func timestamp() throws(StoreError) -> Timestamp {
        guard let number = try self.next().int64, (-Self.end..<Self.end).contains(number) else {
            throw self.unexpected("time")
        }
        return Timestamp(milliseconds: number)
    }

    /// A time, or nil for a negative number.
    mutating func timestampIfAny() throws(StoreError) -> Timestamp? {
        let time = try self.timestamp()
        return time.milliseconds < 0 ? nil : time
    }

    mutating func position() throws(StoreError) -> Position {
        guard let number = try self.next().int64, (1..<Self.end).contains(number) else {
            throw self.unexpected("position")
        }
        return Position(number)
    }

    mutating func subscriptionID() throws(StoreError) -> SubscriptionID {
        guard let id = SubscriptionID(try self.text()) else { throw self.unexpected("subscription id") }
        return id
    }

    mutating func reader() throws(StoreError) -> ReplyReader {
        try ReplyReader(try self.next(), of: self.script)
    }

    func unexpected(_ wanted: String) -> StoreError {
        .corrupt("\(self.script) answered no \(wanted) where one belongs")
    }
}
