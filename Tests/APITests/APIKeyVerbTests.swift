import API
import Domain
import Policy
import Testing

/// What the verbs of API keys open.
struct APIKeyVerbTests {
    @Test func `Every rule of the policy is opened by a verb, and a key without verbs has all of them`() {
        for rule in RouteTable.policyRules {
            let opening = APIKeyVerb.allCases.filter { APIKeyScope(verbs: [$0]).admits(rule.name, on: nil) }
            #expect(!opening.isEmpty, "\(rule.name)")
            #expect(APIKeyScope().admits(rule.name, on: nil))
        }
    }

    @Test func `A verb opens nothing beside it`() throws {
        let post = APIKeyScope(verbs: [.post])
        #expect(post.admits("messages:create", on: nil) && !post.admits("messages:get_all", on: nil))
        #expect(post.admits("ping:get", on: nil))
        let orders = APIKeyScope(queues: [try #require(QueuePattern("orders*"))])
        #expect(orders.admits("messages:create", on: try QueueName("orders-1")))
        #expect(!orders.admits("messages:create", on: try QueueName("payments")))
        #expect(!orders.admits("queues:get_all", on: nil) && orders.admits("ping:get", on: nil))
    }
}
