import CBuild

/// The version of this Herald, as its processes tell it to others.
package enum HeraldVersion {
    package static let text = "0.1.0"
    /// The git commit it was built from, `+` behind it when files differed; `unknown` when the build had no `SOURCE_COMMIT`.
    package static let commit = String(cString: cbuild_commit())
    /// What `--version` prints.
    package static let full = "\(Self.text) (commit \(Self.commit))"
}
