import CBuild

/// The version of this Herald, as its processes tell it to others.
package enum HeraldVersion {
    package static let text = "0.1.0"
    /// The git commit it was built from, `+` behind it when files differed; `unknown` when the build had no `SOURCE_COMMIT`.
    package static let commit = String(cString: cbuild_commit())
    /// The version with the commit, in one line.
    package static let full = "\(Self.text) (commit \(Self.commit))"
    /// What `--version` prints: a second line has the packages it was built with, when the build set `RESOLVED_PACKAGES`.
    package static let printed = Self.printed(packages: String(cString: cbuild_packages()))

    package static func printed(packages: String) -> String {
        packages.isEmpty ? Self.full : "\(Self.full)\nbuilt with \(packages)"
    }
}
