import ArgumentParser

/// The other side of a measurement: endpoints that take webhooks, and the ceilings a row is held against.
///
/// Programs of the root package, since a ceiling is made of its modules (docs/decisions/0002-benchmarks.md).
@main
struct Peers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peers", abstract: "The other side of a measurement.",
        subcommands: [Sink.self, Sessions.self, BareRoute.self, BareHooks.self, BareFrames.self, BareIdentity.self])
}
