/// Why a text is not an address that mail can be sent to.
package enum MailAddressInvalid: Error, Sendable, Equatable {
    /// Of the URI around it.
    case scheme, tooLong, blank, percentEncoding, notUTF8, empty, list, subjectControl, subjectTooLong
    /// Of the address itself.
    case control, angleBracket, sourceRoute, noDomain, severalAtSigns
    /// Of the part before the at sign.
    case localEmpty, localTooLong, localNotASCII, localCharacter, localQuotes
    /// Of the part behind it.
    case literal, domainTooLong, labelEmpty, labelTooLong, labelHyphen, labelCharacter

    /// What is wrong and what is allowed, as the end of a sentence.
    package var reason: String {
        switch self {
        case .scheme: "it has to begin with mailto:"
        case .tooLong: "it has more than \(MailtoURI.bytesMax) bytes"
        case .blank: "it holds a blank or a control character, which have to be percent-encoded"
        case .percentEncoding: "a % has to be followed by two hexadecimal digits"
        case .notUTF8: "what is percent-encoded is not UTF-8"
        case .empty: "it has no address behind mailto:"
        case .list: "it lists several addresses; subscribe each for itself, since each confirms and leaves for itself"
        case .subjectControl: "its subject holds a line break or another control character"
        case .subjectTooLong: "its subject has more than \(MailtoURI.subjectBytesMax) bytes"
        case .control: "it holds a line break or another control character"
        case .angleBracket: "it holds < or >"
        case .sourceRoute: "it is a source route; give the address alone"
        case .noDomain: "it has no @ with a domain behind it"
        case .severalAtSigns: "it has more than one @ outside of quotes"
        case .localEmpty: "nothing stands before the @"
        case .localTooLong: "more than \(MailAddress.localBytesMax) bytes stand before the @"
        case .localNotASCII: "what stands before the @ has to be ASCII; mail is sent without SMTPUTF8"
        case .localCharacter:
            "what stands before the @ has to be letters, digits and !#$%&'*+-/=?^_`{|}~ with single full stops between, "
                + "or a quoted string"
        case .localQuotes: "the quoted string before the @ is not closed, or more follows it"
        case .literal: "its domain is an IP address; name a domain"
        case .domainTooLong: "its domain has more than \(DomainName.bytesMax) bytes"
        case .labelEmpty: "its domain has an empty label"
        case .labelTooLong: "a label of its domain has more than \(DomainName.labelBytesMax) bytes"
        case .labelHyphen: "a label of its domain begins or ends with a hyphen"
        case .labelCharacter: "its domain holds a character that no domain name may hold"
        }
    }
}
