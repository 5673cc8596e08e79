package import Domain
import Redis

/// The tokens that the posts of projects take, one a message, over all processes; all of it in the control store.
package struct PostTokenStore: Sendable {
    package enum Answer: Sendable, Equatable {
        /// At least as many as were wanted.
        case taken(Int)
        /// Too few are there, for so long.
        case short(Duration)
    }

    let runner: ScriptRunner

    /// Takes tokens of a project.
    ///
    /// - Parameters:
    ///   - rate: How many come in a second, at least 1; as many are kept at most. A post of more takes all of them, and those that
    ///     come next.
    ///   - share: What is taken beside the wanted ones, as far as it is there.
    package func take(
        _ wanted: Int, and share: Int, of project: ProjectID, rate: Int
    ) async throws(StoreError) -> Answer {
        var call = self.runner.call(Scripts.postTokensTake, keys: [KeySpace.postTokens(of: project)])
        call.append(rate)
        call.append(wanted)
        call.append(share)
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.postTokensTake)
        let (taken, wait) = (try reply.int(), try reply.int())
        return taken > 0 ? .taken(taken) : .short(.milliseconds(wait))
    }
}

extension Store {
    /// The tokens of posts, where this is the control store.
    package var postTokens: PostTokenStore { PostTokenStore(runner: self.runner) }
}
