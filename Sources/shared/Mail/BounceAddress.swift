package import Domain

/// The envelope sender of mails whose bounces find their way back: `bounces+06a4j0…@example.com`.
///
/// The mark stands behind a plus sign (VERP, variable envelope return path): mail servers deliver all of them to the address
/// without it where the plus is their delimiter of extensions.
package struct BounceAddress: Sendable, Equatable {
    /// Bytes in front of the plus sign, so that no local part is longer than 64 (RFC 5321, 4.5.3.1.1).
    package static let localBytesMax = MailAddress.localBytesMax - 1 - BounceMark.characters

    private let base: MailAddress

    /// - Throws: ``BounceAddressInvalid``.
    package init(_ text: String) throws(BounceAddressInvalid) {
        do throws(MailAddressInvalid) {
            self.base = try MailAddress(text)
        } catch {
            throw .address(error)
        }
        guard !self.base.local.hasPrefix("\"") else { throw .quoted }
        guard self.base.local.utf8.count <= Self.localBytesMax else { throw .tooLong }
    }

    /// The sender of mails with a mark.
    package func sender(_ mark: BounceMark) -> MailAddress {
        MailAddress(local: "\(self.base.local)+\(mark.text)", domain: self.base.domain)
    }

    /// The mark in an address that was made here; nil for any other text.
    func mark(in address: some StringProtocol) -> BounceMark? {
        let address = address.lowercased()
        let (prefix, suffix) = (self.base.local.lowercased() + "+", "@" + self.base.domain)
        guard address.hasPrefix(prefix), address.hasSuffix(suffix),
            address.utf8.count == prefix.utf8.count + BounceMark.characters + suffix.utf8.count
        else { return nil }
        return BounceMark(
            String(decoding: address.utf8.dropFirst(prefix.utf8.count).prefix(BounceMark.characters), as: UTF8.self))
    }
}

/// Why a text is not an address for bounces.
package enum BounceAddressInvalid: Error, Sendable, Equatable {
    case address(MailAddressInvalid)
    case quoted, tooLong

    /// What is wrong and what is allowed, as the end of a sentence.
    package var reason: String {
        switch self {
        case .address(let error): "is no address of mail: \(error.reason)"
        case .quoted: "has a quoted string before the @, where a plus sign and a mark are to follow"
        case .tooLong:
            "has more than \(BounceAddress.localBytesMax) bytes before the @, where a plus sign and "
                + "\(BounceMark.characters) characters are to follow"
        }
    }
}
