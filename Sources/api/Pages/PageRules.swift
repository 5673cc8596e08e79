package import Mail

/// Where the pages for subscribers are, and what stands in them.
package struct PageRules: Sendable {
    /// What the paths of the pages begin with, such as `/mail`; empty for nothing.
    package var prefix: String
    package var texts: TextCatalog

    package init(prefix: String = "", texts: TextCatalog = .builtIn) {
        self.prefix = prefix
        self.texts = texts
    }
}
