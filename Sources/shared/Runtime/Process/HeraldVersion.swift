/// The version of this house, as its processes tell it to others.
package enum HeraldVersion {
    package static let text = "0.1.0"
}
