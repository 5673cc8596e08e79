/// Waits until `condition` gives a value, looking often; nil when it has not within `limit`.
///
/// For what happens in another process, whose clock no test can move. The limit is generous: it bounds a failing test,
/// and says nothing about speed.
package func eventually<Value: Sendable>(
    within limit: Duration = .seconds(30), every pause: Duration = .milliseconds(20),
    _ condition: () async throws -> Value?
) async throws -> Value? {
    let deadline = ContinuousClock.now.advanced(by: limit)
    while true {
        if let value = try await condition() { return value }
        guard ContinuousClock.now < deadline else { return nil }
        try await Task.sleep(for: pause)
    }
}
