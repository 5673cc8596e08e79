import ArgumentParser
import CLI
import Testing

/// Where a client command finds its API.
struct ProfileTests {
    private static let text = """
        profile: local
        profiles:
          local: {url: "http://127.0.0.1:1", project: demo}
          far:
            url: https://far.example
            ca_file: /far.pem
          near: {project: n, token: hk_a}
        """

    private static func status(_ body: () throws -> Void) -> CommandStatus? {
        do {
            try body()
            return nil
        } catch {
            return (error as? Failure)?.status
        }
    }

    @Test func `Options count before the environment, and that before the profile`() throws {
        let profiles = try Profiles.parse(Self.text, path: "p")
        func chosen(
            _ profile: String? = nil, _ given: Profile = Profile(), _ environment: [String: String] = [:]
        ) throws -> [String] {
            let (url, project, token, caFile) = try profiles.chosen(
                profile: profile, given: given, environment: environment, path: "p")
            return [url, project] + [token, caFile].compactMap(\.self)
        }
        #expect(try chosen() == ["http://127.0.0.1:1", "demo"])
        #expect(try chosen("far", Profile(project: "x")) == ["https://far.example", "x", "/far.pem"])
        let environment = ["HERALD_PROFILE": "far", "HERALD_PROJECT": "y"]
        #expect(try chosen(nil, Profile(), environment) == ["https://far.example", "y", "/far.pem"])
        #expect(
            try chosen("far", Profile(), environment.merging(["HERALD_CA_FILE": "/e.pem"]) { $1 })
                == ["https://far.example", "y", "/e.pem"])
        #expect(
            try chosen("far", Profile(project: "x", caFile: "/o.pem"), ["HERALD_CA_FILE": "/e.pem"])
                == ["https://far.example", "x", "/o.pem"])
        #expect(try chosen("local", Profile(url: "http://z"), environment) == ["http://z", "y"])
        #expect(try chosen("near") == ["http://127.0.0.1:8888", "n", "hk_a"])
        #expect(try chosen("near", Profile(), ["HERALD_TOKEN": "hk_b"]) == ["http://127.0.0.1:8888", "n", "hk_b"])
        #expect(Self.status { _ = try chosen("nowhere") } == .configuration)
        #expect(Self.status { _ = try chosen("far") } == .usage, "no project")
    }

    @Test(arguments: [
        "a: 1", "profiles: x", "profiles: {a: x}", "profiles: {a: {uri: x}}", "- x", "profiles: {a: {url: [1]}}",
        "a: [",
    ])
    func `A file that holds anything else is refused`(text: String) {
        #expect(Self.status { _ = try Profiles.parse(text, path: "p") } == .configuration)
    }

    @Test func `Without a file there are no profiles, and XDG_CONFIG_HOME is obeyed`() throws {
        #expect(try Profiles.read(path: "/nowhere/config.yaml") == Profiles())
        #expect(try Profiles.parse("# nothing\n", path: "p") == Profiles())
        #expect(Profiles.path(environment: ["HOME": "/h"]) == "/h/.config/herald/config.yaml")
        #expect(Profiles.path(environment: ["HOME": "/h", "XDG_CONFIG_HOME": "/c"]) == "/c/herald/config.yaml")
    }

    @Test func `Each answer that is a refusal has a status`() {
        let statuses = [400, 409, 401, 403, 404, 503, 500].map { CommandStatus.answered($0) }
        #expect(statuses == [.refused, .refused, .notPermitted, .notPermitted, .notFound, .unavailable, .failed])
    }

    /// The commands below a command, itself when there are none.
    private static func leaves(_ command: any ParsableCommand.Type) -> [any ParsableCommand.Type] {
        let below = command.configuration.subcommands
        return below.isEmpty ? [command] : below.flatMap { Self.leaves($0) }
    }

    @Test func `The help of each command says what it speaks to`() {
        let leaves = Self.leaves(HeraldCommand.self)
        #expect(leaves.count >= 5)
        for command in leaves {
            let said = Counterpart.allCases.filter { command.configuration.discussion.contains($0.rawValue) }
            #expect(said.count == 1, "\(command)")
        }
    }
}
