import Foundation
import TestKit
import Testing

/// A mail as the `email` package of Python reads it under its strict policy, which raises an error for every defect.
struct DecodedMail: Decodable {
    struct Part: Decodable {
        let type: String
        let charset: String?
        let encoding: String
        /// The bytes of the content, transfer encoding undone, in base64.
        let content: Data

        var text: String { String(decoding: self.content, as: UTF8.self) }
    }

    /// The header fields in their order, decoded.
    let fields: [[String]]
    let parts: [Part]
    let lineBytesMax: Int
    /// Columns of the longest line of the header that holds an encoded word, and of the longest such word.
    let encodedLineMax: Int
    let encodedWordMax: Int

    subscript(_ name: String) -> String? { self.fields.first { $0[0] == name }?[1] }
    var names: [String] { self.fields.map { $0[0] } }

    func part(_ type: String) throws -> Part { try #require(self.parts.first { $0.type == type }) }

    private static let program = """
        import base64, email, email.policy, json, os, re, sys
        folder, out = sys.argv[1], []
        for name in sorted(os.listdir(folder)):
            if not name.endswith(".eml"): continue
            data = open(os.path.join(folder, name), "rb").read()
            assert not re.search(rb"[^\\r]\\n|\\r[^\\n]", data), "an end of a line that is not CRLF"
            assert max(data) < 128, "eight bits"
            head = data.split(b"\\r\\n\\r\\n")[0].split(b"\\r\\n")
            words = re.findall(rb"=\\?[^?]*\\?[^?]*\\?[^?]*\\?=", b"\\r\\n".join(head))
            mail = email.message_from_bytes(data, policy=email.policy.strict + email.policy.SMTP)
            parts = [{
                "type": part.get_content_type(), "charset": part.get_content_charset(),
                "encoding": part["Content-Transfer-Encoding"],
                "content": base64.b64encode(part.get_payload(decode=True)).decode(),
            } for part in mail.walk() if not part.is_multipart()]
            out.append({
                "fields": [[k, str(v)] for k, v in mail.items()], "parts": parts,
                "lineBytesMax": max(map(len, data.split(b"\\r\\n"))),
                "encodedLineMax": max([len(line) for line in head if b"=?utf-8?" in line] or [0]),
                "encodedWordMax": max([len(word) for word in words] or [0]),
            })
        print(json.dumps(out))
        """

    static func decode(_ mails: [[UInt8]]) async throws -> [DecodedMail] {
        let run = try await Python.run { folder in
            for (index, mail) in mails.enumerated() {
                try Data(mail).write(to: folder.appendingPathComponent("\(10_000 + index).eml"))
            }
            return ["-c", Self.program, folder.path]
        }
        try #require(run.exit == .status(0), "\(run.output)")
        return try JSONDecoder().decode([DecodedMail].self, from: Data(run.output.utf8))
    }
}
