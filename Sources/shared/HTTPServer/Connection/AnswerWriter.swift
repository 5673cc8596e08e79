import Glibc
import NIOCore

/// Turns an answer into the bytes of its head and body.
struct AnswerWriter {
    /// Bodies up to this are copied behind their head, which costs less than a buffer more.
    private static let copiedBytesMax = 16 * 1024
    /// Answers that wait in this process only when their peer does not read at all.
    static let smallBytesMax = 64 * 1024
    static let continueHead = ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")
    static let lastChunk = ByteBuffer(string: "0\r\n\r\n")
    /// To who speaks HTTP in the clear where TLS is spoken.
    static let clearTextAnswer = ByteBuffer(
        string: "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
            + "Content-Length: 42\r\n\r\nThis port takes requests over https only.\n")

    private let date: DateLine

    init(date: DateLine) {
        self.date = date
    }

    /// How the end of a body is marked.
    enum Framing {
        case length
        case chunked
        /// The connection ends with it.
        case connectionEnd
    }

    /// - Parameter hasBody: False for an answer to `HEAD`, which has the length of a body and none of its bytes.
    /// - Returns: The head, with the body where that is small; and the body where it is not.
    func bytes(
        _ answer: HTTPAnswer, _ connection: ConnectionState.ConnectionField, framing: Framing, hasBody: Bool,
        _ allocator: ByteBufferAllocator
    ) -> (head: ByteBuffer, body: ByteBuffer?) {
        let length = answer.body.readableBytes
        let isCopied = hasBody && framing != .chunked && length <= Self.copiedBytesMax
        var head = allocator.buffer(capacity: 384 + (isCopied ? length : 0))
        head.writeString(answer.status.line)
        for (name, value) in answer.headers.all {
            head.writeString(name.text)
            head.writeStaticString(": ")
            Self.write(value, to: &head)
            head.writeStaticString("\r\n")
        }
        self.date.write(to: &head)
        if !answer.status.isWithoutBody {
            switch framing {
            case .length:
                head.writeStaticString("Content-Length: ")
                head.writeString(String(length))
                head.writeStaticString("\r\n")
            case .chunked: head.writeStaticString("Transfer-Encoding: chunked\r\n")
            case .connectionEnd: break
            }
        }
        switch connection {
        case .none: break
        case .close: head.writeStaticString("Connection: close\r\n")
        case .keepAlive: head.writeStaticString("Connection: keep-alive\r\n")
        }
        head.writeStaticString("\r\n")
        guard hasBody, length > 0 else { return (head, nil) }
        if isCopied {
            head.writeImmutableBuffer(answer.body)
            return (head, nil)
        }
        return (head, framing == .chunked ? Self.chunk(answer.body, allocator) : answer.body)
    }

    /// A chunk around bytes, of which there have to be some.
    static func chunk(_ bytes: ByteBuffer, _ allocator: ByteBufferAllocator) -> ByteBuffer {
        var chunk = allocator.buffer(capacity: bytes.readableBytes + 24)
        chunk.writeString(String(bytes.readableBytes, radix: 16))
        chunk.writeStaticString("\r\n")
        chunk.writeImmutableBuffer(bytes)
        chunk.writeStaticString("\r\n")
        return chunk
    }

    /// A value may repeat what a caller sent: what would end its line becomes a blank.
    private static func write(_ value: String, to head: inout ByteBuffer) {
        let start = head.writerIndex
        let count = head.writeString(value)
        let isClean = head.withUnsafeReadableBytes { bytes in
            bytes.suffix(count).allSatisfy { Grammar.isFieldValue($0) }
        }
        guard !isClean else { return }
        for index in start..<start + count {
            guard let byte = head.getInteger(at: index, as: UInt8.self), !Grammar.isFieldValue(byte) else { continue }
            head.setInteger(Grammar.space, at: index)
        }
    }
}

/// The field `Date` (RFC 9110, 6.6.1), made once a second; of one event loop.
final class DateLine {
    private static let days: [StaticString] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months: [StaticString] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private var second: time_t = -1
    private var line = ByteBuffer()

    func write(to head: inout ByteBuffer) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME_COARSE, &now)
        if now.tv_sec != self.second {
            self.second = now.tv_sec
            self.line = ByteBuffer(string: Self.format(now.tv_sec))
        }
        head.writeImmutableBuffer(self.line)
    }

    static func format(_ second: time_t) -> String {
        var second = second
        var time = tm()
        gmtime_r(&second, &time)
        func digits(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "Date: \(Self.days[Int(time.tm_wday)]), \(digits(time.tm_mday)) \(Self.months[Int(time.tm_mon)]) "
            + "\(time.tm_year + 1900) \(digits(time.tm_hour)):\(digits(time.tm_min)):\(digits(time.tm_sec)) GMT\r\n"
    }
}
