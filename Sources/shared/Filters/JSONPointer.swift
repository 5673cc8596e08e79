/// JSON pointers (RFC 6901), made from the top down.
enum JSONPointer {
    static func appending(_ name: String, to pointer: String) -> String {
        guard name.utf8.contains(where: { $0 == UInt8(ascii: "~") || $0 == UInt8(ascii: "/") }) else {
            return "\(pointer)/\(name)"
        }
        // By scalars: a character may be a slash with a mark on it.
        var escaped = String.UnicodeScalarView()
        for scalar in name.unicodeScalars {
            switch scalar {
            case "~": escaped.append(contentsOf: "~0".unicodeScalars)
            case "/": escaped.append(contentsOf: "~1".unicodeScalars)
            default: escaped.append(scalar)
            }
        }
        return "\(pointer)/\(String(escaped))"
    }

    static func appending(_ index: Int, to pointer: String) -> String {
        "\(pointer)/\(index)"
    }
}
