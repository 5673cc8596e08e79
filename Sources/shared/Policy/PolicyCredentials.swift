/// What a rule sees of a caller.
package struct PolicyCredentials: Sendable, Equatable {
    /// The credentials that a check can name.
    package enum Attribute: String, Sendable, CaseIterable {
        case roles
        case userID = "user_id"
        case projectID = "project_id"
        /// Decided by the rule `context_is_admin`.
        case isAdmin = "is_admin"
        case systemScope = "system_scope"
        case domainID = "domain_id"
        case clientID = "client_id"
    }

    /// In lower case.
    package var roles: Set<String>
    package var userID: String?
    package var projectID: String?
    /// `all` for a token of the whole system.
    package var systemScope: String?
    package var domainID: String?
    package var clientID: String?

    package init(
        roles: Set<String> = [], userID: String? = nil, projectID: String? = nil, systemScope: String? = nil,
        domainID: String? = nil, clientID: String? = nil
    ) {
        self.roles = roles
        self.userID = userID
        self.projectID = projectID
        self.systemScope = systemScope
        self.domainID = domainID
        self.clientID = clientID
    }
}

/// What a request is about, as far as rules see it.
package struct PolicyTarget: Sendable, Equatable {
    /// The values that a check can name.
    package enum Key: String, Sendable, CaseIterable {
        case projectID = "project_id"
    }

    /// The project of the request; nil: it has none.
    package var projectID: String?

    package init(projectID: String?) { self.projectID = projectID }

    subscript(_ key: Key) -> String? {
        switch key {
        case .projectID: self.projectID
        }
    }
}
