import API
import Domain
import Foundation
import Signing
import Store
import TestKit
import Testing

/// The pages of links as a browser shows them.
@Suite(.enabled(if: Chromium.isAvailable, "Chromium is among the packages of scripts/bootstrap --tests"))
struct PagePictureTests {
    /// Of a page without its style sheet the corner is white.
    private static let (light, dark) = ([244, 245, 247], [18, 22, 27])

    @Test(arguments: [false, true], [360, 1_000])
    func `A page has its style, fits its window and follows the colours that its reader prefers`(
        prefersDark: Bool, width: Int
    ) async throws {
        try await withAPI { api async throws in
            let project = String(repeating: "long-project-name", count: 8)
            let made = try await api.client(project: project).post(
                "/v2/queues/alerts/subscriptions", #"{"subscriber": "mailto:jo@example.com", "ttl": 3600}"#)
            let id = try #require((made.json["subscription_id"] as? String).flatMap(SubscriptionID.init))
            let queue = QueueAddress(project: try ProjectID(project), name: try QueueName("alerts"))
            let keys = LinkKeys(masterKey: try MasterKey(RunningAPI.masterKey))
            let pages = LinkPages(root: "http://\(api.address)", keys: keys)
            let address = "mailto:jo@example.com"
            for page in [
                pages.confirmation(of: id, in: queue, sentTo: address, expiry: 4_000_000_000),
                pages.unsubscription(of: id, in: queue, sentTo: address), "http://\(api.address)/confirm?token=x",
            ] {
                let picture = try await Chromium.picture(
                    of: try #require(page), width: width, height: 640, prefersDark: prefersDark)
                #expect(picture.width == width && picture.height == 640)
                #expect(picture.corner == (prefersDark ? Self.dark : Self.light), "\(picture)")
                #expect(picture.edge, "nothing is cut off at the right")
                #expect(picture.colours > 20, "there is text")
            }
            // A browser opens a page, and nothing happened.
            #expect(try await api.store.subscriptions.get(queue, id: id)?.confirmed == false)
        }
    }
}
