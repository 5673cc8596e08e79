import Foundation
import NIOConcurrencyHelpers
import TestKit
import Testing

/// Something that may be seen only where it has to be.
struct Secret {
    let name: String
    /// Whether it lies in Redis because a process has to read it there again.
    let isInRedis: Bool
    /// As it was given, and as others would write it down.
    let forms: [Data]

    init(_ name: String, _ texts: String..., isInRedis: Bool = false) {
        self.init(name, texts, isInRedis: isInRedis)
    }

    init(_ name: String, _ texts: [String], isInRedis: Bool = false) {
        self.name = name
        self.isInRedis = isInRedis
        self.forms = Set(texts).flatMap(Self.forms)
    }

    func isIn(_ corner: Corner) -> Bool { self.forms.contains { corner.holds($0) } }

    private static func forms(of text: String) -> [Data] {
        var forms = [Data(text.utf8), Data(Data(text.utf8).base64EncodedString().utf8)]
        if text.utf8.allSatisfy({ $0.isHexadecimal }), text.utf8.count.isMultiple(of: 2) {
            let digits = Array(text)
            let bytes = Data(
                stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...($0 + 1)]), radix: 16) })
            forms += [bytes, Data(bytes.base64EncodedString().utf8), Data(text.uppercased().utf8)]
        } else if let bytes = Data(base64Encoded: text), bytes.count >= 16 {
            forms += [
                bytes, Data(bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined().utf8),
            ]
        }
        return forms
    }
}

extension UInt8 {
    fileprivate var isHexadecimal: Bool { Character(UnicodeScalar(self)).isHexDigit }
}

/// A place to look for secrets in.
struct Corner {
    let name: String
    private var contents: [Data] = []

    init(_ name: String) { self.name = name }

    mutating func add(_ content: Data) { self.contents.append(content) }

    /// Adds every file of a folder, not those of folders in it.
    mutating func add(filesIn folder: URL) throws {
        let keys: [URLResourceKey] = [.isRegularFileKey]
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: keys)
        for file in files where try file.resourceValues(forKeys: Set(keys)).isRegularFile == true {
            self.add(try Data(contentsOf: file))
        }
    }

    var size: Int { self.contents.map(\.count).reduce(0, +) }

    func holds(_ text: Data) -> Bool { self.contents.contains { $0.range(of: text) != nil } }
}

/// A caller that keeps every answer, headers and all, and what of the secrets it is to show.
final class CanaryCaller: Sendable {
    private let caller: HTTPCaller
    private let headers: [(String, String)]
    private let kept = NIOLockedValueBox<[(reply: Corner, text: String, shown: Set<String>)]>([])

    init(_ address: String, headers: [(String, String)]) {
        self.caller = HTTPCaller(address)
        self.headers = Load.headers + [("X-Roles", "admin")] + headers
    }

    var replies: [(reply: Corner, shown: Set<String>)] {
        self.kept.withLockedValue { $0.map { ($0.reply, $0.shown) } }
    }

    /// What the first group of a pattern matched in any answer.
    func found(_ pattern: Regex<(Substring, Substring)>) -> [String] {
        self.kept.withLockedValue { $0.flatMap { $0.text.matches(of: pattern).map { String($0.output.1) } } }
    }

    @discardableResult
    func send(
        _ method: String, _ path: String, _ body: String? = nil, expecting status: Int? = nil,
        showing shown: Set<String> = []
    ) async throws -> HTTPReply {
        let reply = try await self.caller.send(
            method, path, headers: self.headers, body: method == "POST" ? body ?? "" : body)
        let text = reply.headers.map { "\($0.name): \($0.value)\r\n" }.joined() + reply.text
        var corner = Corner("\(method) \(path)")
        corner.add(Data(text.utf8))
        self.kept.withLockedValue { $0.append((corner, text, shown)) }
        if let status { #expect(reply.status == status, "\(method) \(path): \(reply)") }
        return reply
    }

    /// Agrees to a question by the link that came with it.
    func answer(_ question: ReceivedRequest) async throws {
        let document = try #require(try JSONSerialization.jsonObject(with: Data(question.body)) as? [String: Any])
        let names = ["URL-Signature", "URL-Methods", "URL-Paths", "X-Project-ID", "URL-Expires"]
        let link = names.compactMap { name in (document[name] as? String).map { (name, $0) } }
        let path = try #require(document["URL-Paths"] as? String)
        let reply = try await self.caller.send(
            "PUT", path, headers: link + [Load.headers[0]], body: #"{"confirmed": true}"#)
        #expect(reply.status == 204, "\(reply)")
    }

    /// Reads with a pre-signed URL.
    func follow(_ share: HTTPReply, to path: String) async throws {
        let document = try #require(try JSONSerialization.jsonObject(with: Data(share.body)) as? [String: Any])
        let names = [
            "URL-Signature": "signature", "URL-Methods": "methods", "URL-Paths": "paths", "X-Project-Id": "project",
            "URL-Expires": "expires",
        ]
        let link = names.compactMap { header, name in
            let text = document[name] as? String ?? (document[name] as? [String])?.joined(separator: ",")
            return text.map { (header, $0) }
        }
        // The same for another queue is refused, and shown nowhere.
        for (path, status) in [(path, 200), (path + "-other/messages", 404)] {
            let reply = try await self.caller.send("GET", path, headers: link + [Load.headers[0]])
            #expect(reply.status == status, "\(path): \(reply)")
        }
    }
}
