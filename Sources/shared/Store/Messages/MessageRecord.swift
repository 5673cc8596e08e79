import Domain

/// The bytes a message is kept as; `post.lua` writes them.
///
/// ```
/// u32 ttl, s | u8 flags | 8 bytes mark of the client | [u32 delay, s: flag 1] | body        big endian
/// ```
struct MessageRecord {
    let ttl: Int
    let delay: Int?
    let body: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) throws(StoreError) {
        guard bytes.count >= 13 else { throw .corrupt("a message record of \(bytes.count) bytes") }
        self.ttl = Self.number(bytes[0..<4])
        guard bytes[4] & 1 == 1 else {
            self.delay = nil
            self.body = bytes[13...]
            return
        }
        guard bytes.count >= 17 else { throw .corrupt("a message record of \(bytes.count) bytes") }
        self.delay = Self.number(bytes[13..<17])
        self.body = bytes[17...]
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.reduce(0) { $0 << 8 | Int($1) }
    }
}
