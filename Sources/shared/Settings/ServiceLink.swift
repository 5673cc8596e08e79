/// The variables Kubernetes and Docker set in every container for a service: one named `herald` gives `HERALD_PORT`.
///
/// They share the prefix of Herald's settings and are none of them. For a service `NAME` they are `NAME_SERVICE_HOST`,
/// `NAME_SERVICE_PORT`, `NAME_SERVICE_PORT_WORD`, `NAME_PORT` with a URL, `NAME_PORT_8888_TCP` and that with `_PROTO`,
/// `_PORT` or `_ADDR` (Kubernetes, "Connecting Applications with Services"; Docker, "Legacy container links").
enum ServiceLink {
    static func isOne(_ name: String, value: String) -> Bool {
        let words = name.split(separator: "_", omittingEmptySubsequences: false)
        if words.count >= 3, words.suffix(2) == ["SERVICE", "HOST"] { return true }
        for index in words.indices.dropFirst() where words[index] == "PORT" {
            let rest = words[(index + 1)...]
            if index >= 2, words[index - 1] == "SERVICE" { return true }
            if rest.isEmpty { return self.schemes.contains { value.hasPrefix($0) } }
            guard let number = rest.first, UInt16(number) != nil else { continue }
            let protocolAndPart = rest.dropFirst()
            guard let name = protocolAndPart.first, self.protocols.contains(name) else { continue }
            let part = protocolAndPart.dropFirst()
            if part.isEmpty || (part.count == 1 && self.parts.contains(part[part.startIndex])) { return true }
        }
        return false
    }

    private static let schemes = ["tcp://", "udp://", "sctp://"]
    private static let protocols: Set<Substring> = ["TCP", "UDP", "SCTP"]
    private static let parts: Set<Substring> = ["PROTO", "PORT", "ADDR"]
}
