/// What a running development house says about itself, and what to try next: lines that work when pasted.
package enum DevWelcome {
    package static func lines(_ house: DevHouse.Running, folder: DevFolder, terminal: Terminal) -> [String] {
        let again = folder.url == DevFolder.usual(environment: [:]).url ? "" : " --url \(house.url)"
        let client = "-H 'Client-ID: 3381af92-2b9e-11e3-b191-71861300734c' -H 'X-Project-ID: demo'"
        let queue = "\(house.url)/v2/queues/orders"
        let title = { (text: String) in terminal.styled(text, .bold) }
        return [
            "",
            title("Herald is up: ") + terminal.styled(house.url, .cyan) + (house.remark.map { "  (\($0))" } ?? ""),
            "",
            "  Redis     \(house.redisURL)",
            "  webhooks  may reach loopback (\(DevHouse.egressAllow)) and public addresses",
            "",
            title("Try next, in another terminal"),
            "",
            terminal.styled("  # a message becomes a signed webhook", .dim),
            "  \(OwnExecutable.path) demo\(again)",
            "",
            terminal.styled("  # a queue, a message, and what lies in it", .dim),
            "  curl -i -X PUT \(queue) \(client)",
            "  curl \(queue)/messages \(client) \\",
            "    --json '{\"messages\": [{\"body\": {\"order\": 1}, \"ttl\": 300}]}'",
            "  curl '\(queue)/messages?echo=true' \(client)",
            "",
            terminal.styled(
                "  # subscribe a server of yours, which is asked to confirm; or confirm for it, as its owner", .dim),
            "  ID=$(curl -s \(queue)/subscriptions \(client) \\",
            "    --json '{\"subscriber\": \"http://127.0.0.1:3000/\", \"ttl\": 3600}' | cut -d'\"' -f4)",
            "  curl -X PUT \(queue)/subscriptions/$ID/confirm \(client) --json '{\"confirmed\": true}'",
            "",
            "Ctrl-C stops everything.",
            "",
        ]
    }
}
