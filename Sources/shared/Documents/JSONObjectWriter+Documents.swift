import Domain
import JSON

extension JSONObjectWriter {
    /// The `links` of a page: one link behind a page that holds something, none behind an empty one.
    ///
    /// - Parameter next: The path and query of the next page.
    mutating func links(next: String?) {
        self.array("links") { links in
            guard let next else { return }
            links.object { link in
                link.member("rel", "next")
                link.member("href", next)
            }
        }
    }

    /// A moment as `YYYY-MM-DDThh:mm:ss.sssZ`; `null` for nil.
    mutating func member(_ name: StaticString, _ time: Timestamp?) {
        self.member(name, time?.iso8601)
    }
}
