import Domain
import Notifier
import Store
import TestKit
import Testing

/// What a project begins ahead of the answers, through a whole notifier.
struct PacedStartTests {
    @Test func `Attempts without an answer all begin, beyond those that begin at once, and delay no other project`()
        async throws
    {
        let count = 2 * StartBudget.most
        let paths = (0..<count).map { "/silent/\($0)" }
        try await WebhookReceiver.with(answers: Dictionary(uniqueKeysWithValues: paths.map { ($0, .hang) })) { silent in
            try await WebhookReceiver.with { quick in
                try await withTestDeployment { deployment in
                    for path in paths { try await deployment.subscribe(silent.url(path)) }
                    let other = QueueAddress(project: try ProjectID("another"), name: deployment.queue.name)
                    try await deployment.subscribe(quick.url(), queue: other)
                    var settings = EngineSettings()
                    settings.drain = .milliseconds(100)
                    try await deployment.withNotifier(settings: settings) {
                        try await deployment.post("1")
                        try await silent.waitFor(count: 1)
                        try await deployment.post("2", to: other)
                        try await quick.waitFor(count: 1)
                        try await silent.waitFor(count: count)
                    }
                }
                #expect(Set(silent.requests.map(\.path)).count == count && quick.count == 1)
            }
        }
    }
}
