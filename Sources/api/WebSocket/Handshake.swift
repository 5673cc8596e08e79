import Cryptography
import HTTPServer

/// The opening handshake (RFC 6455, 4.2): a request that asks for the WebSocket protocol, and the answer to it.
enum Handshake {
    /// 8 is the last draft of the protocol, which older clients speak; its frames are those of 13.
    private static let versions = ["13", "8"]
    private static let keyBytes = 16
    private static let identifier = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

    enum Outcome: Sendable {
        /// The fields of the 101.
        case accepted(HTTPFields)
        case refused(HTTPAnswer)
    }

    /// - Parameter origins: The origins whose pages may connect; none: all may.
    static func outcome(of head: HTTPRequestHead, origins: [String]) -> Outcome {
        guard head.method == .get else {
            return .refused(
                Self.refusal(.methodNotAllowed, "The WebSocket protocol begins with GET.").with(.allow, "GET"))
        }
        guard let upgrade = head.upgrade, !head.isHTTP10,
            upgrade.lowercased().split(separator: ",").contains(where: {
                $0.filter { $0 != " " && $0 != "\t" } == "websocket"
            })
        else { return .refused(Self.upgradeRequired("Connect with the WebSocket protocol.")) }
        let values = Self.values(of: head)
        guard values.versions.count == 1, Self.versions.contains(values.versions[0]) else {
            return .refused(Self.upgradeRequired("The versions 13 and 8 of the WebSocket protocol are spoken here."))
        }
        guard values.keys.count == 1, Base64.decode(values.keys[0])?.count == Self.keyBytes else {
            return .refused(Self.refusal(.badRequest, "Sec-WebSocket-Key has to be 16 bytes in base64."))
        }
        guard origins.isEmpty || values.origins.allSatisfy({ origins.contains($0) }) else {
            return .refused(Self.refusal(.forbidden, "Pages of this origin may not connect."))
        }
        return .accepted([
            .upgrade: "websocket", .connection: "Upgrade",
            .webSocketAccept: Base64.encode(SHA1.digest(Array((values.keys[0] + Self.identifier).utf8))),
        ])
    }

    private struct Values {
        var versions: [String] = []
        var keys: [String] = []
        /// Of the page of a browser; programs have none.
        var origins: [String] = []
    }

    private static func values(of head: HTTPRequestHead) -> Values {
        var values = Values()
        for field in head.fields {
            switch field.name {
            case "sec-websocket-version": values.versions.append(head.value(of: field))
            case "sec-websocket-key": values.keys.append(head.value(of: field))
            // The second is its name in version 8.
            case "origin", "sec-websocket-origin": values.origins.append(head.value(of: field))
            default: break
            }
        }
        return values
    }

    private static func upgradeRequired(_ text: String) -> HTTPAnswer {
        Self.refusal(.upgradeRequired, text).with(.upgrade, "websocket").with(.connection, "Upgrade")
            .with(.webSocketVersion, Self.versions.joined(separator: ", "))
    }

    private static func refusal(_ status: HTTPStatus, _ text: String) -> HTTPAnswer {
        HTTPAnswer(status, text + "\n", type: "text/plain; charset=utf-8")
    }
}

extension HTTPFieldName {
    static let webSocketAccept = HTTPFieldName("Sec-WebSocket-Accept")
    static let webSocketVersion = HTTPFieldName("Sec-WebSocket-Version")
}
