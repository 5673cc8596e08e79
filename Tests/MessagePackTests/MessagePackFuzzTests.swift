import JSON
import MessagePack
import NIOCore
import TestKit
import Testing

struct MessagePackFuzzTests {
    @Test(.timeLimit(.minutes(60))) func `Any bytes are one JSON document of bounded length, or refused`() throws {
        let document =
            #"{"action": "message_post", "headers": {"Client-ID": "é"}, "body": {"messages": [1, -1, 1.5, null, true]}}"#
        var fuzzer = Fuzzer(
            "message-pack",
            corpus: [
                Array(try MessagePack.bytes(of: Array(document.utf8).span).readableBytesView),
                [0x9F] + [UInt8](repeating: 0xC2, count: 15),
                [0xDC, 0, 3, 0xCA, 0x3F, 0x80, 0, 0, 0xC4, 1, 0x61, 0xD9, 1, 0],
                [0x81, 0xA1, 0x61, 0xCF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
                [UInt8](repeating: 0x91, count: 99) + [0xC0],
            ],
            tokens: [
                [0xC0], [0xC1], [0xC2], [0x80], [0x81], [0x90], [0x9F], [0xA0], [0xA1, 0x00],
                [0xDB, 0xFF, 0xFF, 0xFF, 0xFF],
                [0xDD, 0xFF, 0xFF, 0xFF, 0xFF], [0xDF, 0, 0, 0, 1], [0xC4, 0], [0xCB], [0xCA], [0xD4],
                [0xED, 0xA0, 0x80],
            ],
            rounds: 20_000)
        let origin = fuzzer.origin
        try fuzzer.run { (bytes: [UInt8]) in
            guard let json = self.json(bytes) else { return }
            #expect(json.count <= MessagePack.growthMax * bytes.count, "\(origin): \(bytes)")
            // Integers of 64 bits without a sign are the one thing that MessagePack has and JSON here has not.
            guard let again = self.bytes(json) else {
                #expect(self.fault(in: json) == .integerTooLarge, "\(origin): \(bytes)")
                return
            }
            // Written again it is the same document.
            #expect(self.json(again) == json, "\(origin): \(bytes)")
        }
    }

    /// nil for what is refused.
    private func json(_ bytes: [UInt8]) -> [UInt8]? {
        let json = try? MessagePack.json(of: bytes.span)
        return json.map { Array($0.readableBytesView) }
    }

    /// nil for what is refused.
    private func bytes(_ json: [UInt8]) -> [UInt8]? {
        let bytes = try? MessagePack.bytes(of: json.span)
        return bytes.map { Array($0.readableBytesView) }
    }

    private func fault(in json: [UInt8]) -> JSONInvalid.Reason? {
        do {
            var reader = JSONReader()
            _ = try reader.value(in: json.span)
            return nil
        } catch {
            return error.reason
        }
    }
}
