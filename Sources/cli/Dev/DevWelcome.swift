import Foundation
import Redis

/// What a running development deployment says about itself, and what to try next: lines that work when pasted.
package enum DevWelcome {
    /// - Parameter mailPort: Of the page that shows the mail; nil when it is not caught.
    package static func lines(
        _ deployment: DevDeployment.Running, folder: DevFolder, mailPort: Int? = nil, terminal: Terminal
    ) -> [String] {
        let again = folder.url == DevFolder.usual(environment: [:]).url ? "" : " --url \(deployment.url)"
        let client = "-H 'Client-ID: 3381af92-2b9e-11e3-b191-71861300734c' -H 'X-Project-ID: demo'"
        let queue = "\(deployment.url)/v2/queues/orders"
        let title = { (text: String) in terminal.styled(text, .bold) }
        let admin = [("API", deployment.apiAdmin), ("notifier", deployment.notifierAdmin)].compactMap { name, address in
            address.map { "http://\($0) (\(name))" }
        }
        return [
            "",
            title("Herald is up: ") + terminal.styled(deployment.url, .cyan)
                + (deployment.remark.map { "  (\($0))" } ?? ""),
            "",
            "  WebSocket \(deployment.webSocket.map { "ws://\($0)/" } ?? "-")",
            "  Redis     \(RedisURL.masked(deployment.redisURL))",
            "  admin     \(admin.joined(separator: ", ")): /livez, /readyz, /metrics",
            "  webhooks  may reach loopback (\(DevDeployment.egressAllow)) and public addresses",
            mailPort.map { "  mail      is caught, and shown on http://127.0.0.1:\($0)" }
                ?? "  mail      goes to a relay only where HERALD_EMAIL_RELAY names one; --mail catches it",
            "",
            title("Try next, in another terminal"),
            "",
            terminal.styled("  # a message becomes a signed webhook", .dim),
            "  \(OwnExecutable.path) demo\(again)",
            "",
            terminal.styled("  # a queue, a server of yours that subscribes to it, a message for both", .dim),
            "  curl -i -X PUT \(queue) \(client)",
            "  curl -i \(queue)/subscriptions \(client) \\",
            "    --json '{\"subscriber\": \"\(Self.subscriber)\", \"ttl\": 86400}'",
            "  curl -i \(queue)/messages \(client) \\",
            "    --json '{\"messages\": [{\"body\": {\"order\": 1}, \"ttl\": 300}]}'",
            "",
            terminal.styled("  # what lies in the queue", .dim),
            "  curl '\(queue)/messages?echo=true' \(client)",
            "",
            "Subscribers are asked to confirm only where HERALD_CONFIRMATION_REQUIRED=true is set.",
            "Ctrl-C stops everything.",
            "",
        ]
    }

    /// A server on the user's own machine.
    package static let subscriber = "http://127.0.0.1:3000/"
}
