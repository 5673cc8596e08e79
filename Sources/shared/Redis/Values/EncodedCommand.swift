internal import NIOCore

/// A command as it goes on the wire: an argument vector, never a format string.
///
/// ```
/// *<argumentCount>\r\n   written when it is sent
/// prefix                 what many commands share: EVALSHA and the hash of its script
/// arguments              $<length>\r\n<bytes>\r\n each
/// ```
struct EncodedCommand: Sendable {
    var prefix = ByteBuffer()
    var arguments = ByteBuffer()
    var argumentCount: Int32 = 0
    var route = RedisRoute.anyNode

    /// Close to what the command takes on the wire; the bound of bytes in flight counts these.
    var bytes: Int { self.prefix.readableBytes + self.arguments.readableBytes }

    mutating func append(_ bytes: some Collection<UInt8>) {
        self.arguments.writeLength(bytes.count, mark: UInt8(ascii: "$"))
        self.arguments.writeBytes(bytes)
        self.endArgument()
    }

    mutating func append(_ key: RedisKey) {
        self.route.add(key.slot)
        self.append(key.text)
    }

    mutating func append(_ text: String) {
        self.arguments.writeLength(text.utf8.count, mark: UInt8(ascii: "$"))
        self.arguments.writeString(text)
        self.endArgument()
    }

    mutating func append(_ buffer: ByteBuffer) {
        self.arguments.writeLength(buffer.readableBytes, mark: UInt8(ascii: "$"))
        self.arguments.writeImmutableBuffer(buffer)
        self.endArgument()
    }

    mutating func append(_ number: Int64) {
        let digits = DecimalDigits(number)
        self.arguments.writeLength(digits.count, mark: UInt8(ascii: "$"))
        digits.write(to: &self.arguments)
        self.endArgument()
    }

    private mutating func endArgument() {
        self.arguments.writeInteger(carriageReturnLineFeed)
        self.argumentCount += 1
    }

    /// Writes the line that tells how many arguments follow.
    func writeHeader(to out: inout ByteBuffer) {
        out.writeLength(Int(self.argumentCount), mark: UInt8(ascii: "*"))
    }
}

private let carriageReturnLineFeed: UInt16 = 0x0D0A

extension ByteBuffer {
    /// Most lengths have one digit or two, and this runs for every argument of every command.
    fileprivate mutating func writeLength(_ length: Int, mark: UInt8) {
        let zero = UInt8(ascii: "0")
        if length < 10 {
            self.writeMultipleIntegers(mark, zero + UInt8(truncatingIfNeeded: length), carriageReturnLineFeed)
        } else if length < 100 {
            let (tens, ones) = UInt8(truncatingIfNeeded: length).quotientAndRemainder(dividingBy: 10)
            self.writeMultipleIntegers(mark, zero + tens, zero + ones, carriageReturnLineFeed)
        } else {
            self.writeInteger(mark)
            DecimalDigits(Int64(length)).write(to: &self)
            self.writeInteger(carriageReturnLineFeed)
        }
    }
}

/// The digits of a number, without the heap.
private struct DecimalDigits {
    /// `Int64.min` has 19 digits and a sign.
    private static let digitsMax = 20
    private var storage: InlineArray<20, UInt8> = .init(repeating: 0)
    private(set) var count = 0

    init(_ number: Int64) {
        var rest = number.magnitude
        repeat {
            self.prepend(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        if number < 0 { self.prepend(UInt8(ascii: "-")) }
    }

    private mutating func prepend(_ byte: UInt8) {
        self.count += 1
        self.storage[Self.digitsMax - self.count] = byte
    }

    func write(to buffer: inout ByteBuffer) {
        self.storage.span.extracting(last: self.count).withUnsafeBytes { digits in _ = buffer.writeBytes(digits) }
    }
}
