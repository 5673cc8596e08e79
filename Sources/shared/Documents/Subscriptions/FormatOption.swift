package import Domain
import JSON

/// Reads the option of a subscription that says in which form its webhooks carry a message: `{"_format": "raw"}`.
enum FormatOption {
    static let name = "_format"

    /// - Parameter headers: The `post_headers` of the same options.
    /// - Throws: ``Refusal/requestInvalid(_:)``, also beside options that say otherwise what requests hold.
    static func read(_ options: JSONObject, _ headers: PostHeaders) throws(Refusal) -> DeliveryFormat {
        guard let value = options[Self.name] else { return .zaqar }
        guard let format = options.text(value).flatMap(DeliveryFormat.init(rawValue:)) else {
            let all = DeliveryFormat.allCases.map { "\"\($0.rawValue)\"" }
            throw .requestInvalid("The option \(Self.name) has to be one of \(all.joined(separator: ", ")).")
        }
        guard format != .zaqar else { return format }
        guard options[DeliveryOptions.Name.template] == nil else {
            throw .requestInvalid(
                "The options \(Self.name) and \(DeliveryOptions.Name.template) exclude each other.")
        }
        guard format.isCloudEvents else { return format }
        for header in headers.headers where Self.isOfCloudEvents(header.name.lowercased()) {
            throw .requestInvalid(
                "The option post_headers may not set \(header.name) beside the format \(format.rawValue).")
        }
        return format
    }

    /// Whether a receiver reads the event from this header, or the mode that it is sent in.
    private static func isOfCloudEvents(_ name: String) -> Bool { name == "content-type" || name.hasPrefix("ce-") }
}

extension DeliveryFormat {
    /// What says so among the options of a subscription.
    package static let optionName = FormatOption.name

    /// Refuses what a subscriber cannot have that is sent no webhooks.
    ///
    /// - Throws: ``Refusal/requestInvalid(_:)``.
    package func check(for destination: Destination) throws(Refusal) {
        guard self != .zaqar, destination != .webhook else { return }
        throw .requestInvalid("The option \(Self.optionName) is for subscribers that are sent webhooks.")
    }
}
