import ArgumentParser
import Foundation
import Settings
import Yams

/// Where a client command finds its API, and as which project.
package struct Profile: Sendable, Equatable {
    package var url: String?
    package var project: String?
    /// An API key, or a token of an identity service; nil: none is sent.
    package var token: String?
    /// The path of a file of certificates that may sign that of the API; nil: those of the system may.
    package var caFile: String?

    package init(url: String? = nil, project: String? = nil, token: String? = nil, caFile: String? = nil) {
        self.caFile = caFile
        self.url = url
        self.project = project
        self.token = token
    }
}

/// The profiles of a user, in `$XDG_CONFIG_HOME/herald/config.yaml` or `~/.config/herald/config.yaml`.
///
/// ```yaml
/// profile: local
/// profiles:
///   local:
///     url: http://127.0.0.1:8888
///     project: demo
/// ```
package struct Profiles: Sendable, Equatable {
    /// The one that is used when none is named.
    package var usual: String?
    package var named: [String: Profile] = [:]

    package init() {}

    package static func path(environment: [String: String]) -> String {
        let folder = environment["XDG_CONFIG_HOME"].flatMap { $0.isEmpty ? nil : $0 }
        return (folder ?? "\(environment["HOME"] ?? "")/.config") + "/herald/config.yaml"
    }

    /// The profiles of a file; none when there is no file.
    ///
    /// - Throws: ``Failure`` with ``CommandStatus/configuration`` when it cannot be read, or holds anything else.
    package static func read(path: String) throws(Failure) -> Profiles {
        guard access(path, F_OK) == 0 else { return Profiles() }
        guard let data = FileManager.default.contents(atPath: path), let text = String(data: data, encoding: .utf8)
        else { throw Failure("\(path) cannot be read as UTF-8", .configuration) }
        return try self.parse(text, path: path)
    }

    package static func parse(_ text: String, path: String) throws(Failure) -> Profiles {
        func invalid(_ reason: String) -> Failure { Failure("\(path): \(reason)", .configuration) }
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw invalid("this is not YAML (\("\(error)".split(separator: "\n").first ?? ""))")
        }
        var profiles = Profiles()
        guard let root, root.scalar?.string.isEmpty != true else { return profiles }
        guard case .mapping(let members) = root else { throw invalid("this is no mapping") }
        for (key, value) in members {
            switch key.string {
            case "profile": profiles.usual = value.string
            case "profiles":
                guard case .mapping(let named) = value else { throw invalid("'profiles' has to be a mapping") }
                for (name, fields) in named {
                    guard let name = name.string, case .mapping(let fields) = fields else {
                        throw invalid("each profile has to be a mapping")
                    }
                    profiles.named[name] = try self.profile(fields, invalid: { invalid("profile '\(name)': \($0)") })
                }
            default: throw invalid("'\(key.string ?? "?")' is unknown; known: profile, profiles")
            }
        }
        return profiles
    }

    private static func profile(
        _ fields: Node.Mapping, invalid: (String) -> Failure
    ) throws(Failure) -> Profile {
        var profile = Profile()
        for (key, value) in fields {
            guard let text = value.string else { throw invalid("'\(key.string ?? "?")' has to be a text") }
            switch key.string {
            case "url": profile.url = text
            case "project": profile.project = text
            case "token": profile.token = text
            case "ca_file": profile.caFile = text
            default: throw invalid("'\(key.string ?? "?")' is unknown; known: url, project, token, ca_file")
            }
        }
        return profile
    }

    /// What a command uses: each of its options before the environment, and that before the profile.
    ///
    /// - Throws: ``Failure`` when a profile is named that is not there, or nothing names a project.
    package func chosen(
        profile name: String?, given: Profile, environment: [String: String], path: String
    ) throws(Failure) -> (url: String, project: String, token: String?, caFile: String?) {
        let name = name ?? environment[ClientVariable.profile.rawValue] ?? self.usual
        var profile = Profile()
        if let name {
            guard let found = self.named[name] else {
                throw Failure("\(path) has no profile '\(name)'", .configuration)
            }
            profile = found
        }
        guard let project = given.project ?? environment[ClientVariable.project.rawValue] ?? profile.project else {
            throw Failure(
                "no project is named: give --project, \(ClientVariable.project.rawValue) or a profile in \(path)",
                .usage)
        }
        let url = given.url ?? environment[ClientVariable.url.rawValue] ?? profile.url ?? "http://127.0.0.1:8888"
        return (
            url, project, environment[ClientVariable.token.rawValue] ?? profile.token,
            given.caFile ?? environment[ClientVariable.caFile.rawValue] ?? profile.caFile
        )
    }
}

/// The options of every command that speaks to the API.
package struct ClientOptions: ParsableArguments {
    @Option(help: "The profile of ~/.config/herald/config.yaml that is used. [environment: HERALD_PROFILE]")
    var profile: String?
    @Option(help: "The root of the REST API. [environment: HERALD_URL; default: http://127.0.0.1:8888]")
    var url: String?
    @Option(help: "The project that is acted for. [environment: HERALD_PROJECT]")
    var project: String?
    @Option(
        help:
            "The path of a PEM file of authorities that may sign the certificate of the API, and no others. [environment: HERALD_CA_FILE]"
    )
    var caFile: String?

    package init() {}

    /// The client that the options, the environment and the profiles describe.
    func client(environment: [String: String] = ProcessInfo.processInfo.environment) throws(Failure) -> HeraldClient {
        let path = Profiles.path(environment: environment)
        let (url, project, token, caFile) = try Profiles.read(path: path)
            .chosen(
                profile: self.profile, given: Profile(url: self.url, project: self.project, caFile: self.caFile),
                environment: environment,
                path: path)
        return HeraldClient(
            url: try HeraldClient.url(url, from: "--url, \(ClientVariable.url.rawValue) or the profile"),
            project: project, token: token, authorities: caFile)
    }
}
