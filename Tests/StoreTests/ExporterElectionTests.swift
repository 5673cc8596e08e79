import Store
import Testing

struct ExporterElectionTests {
    @Test func `A process exports from a heartbeat that says so, until one says otherwise or none comes`() {
        let election = ExporterElection()
        let start = ContinuousClock.now
        #expect(!election.isElected(at: start))
        election.heard(true, sentAt: start)
        #expect(election.isElected(at: start))
        // Another may be elected from then on.
        #expect(election.isElected(at: start + ProcessRegistry.life - .milliseconds(1)))
        #expect(!election.isElected(at: start + ProcessRegistry.life))
        election.heard(true, sentAt: start + .seconds(20))
        #expect(election.isElected(at: start + .seconds(34)))
        election.heard(false, sentAt: start + .seconds(21))
        #expect(!election.isElected(at: start + .seconds(21)))
    }
}
