package import Domain
package import Logging
package import Placement
package import Signing
package import Store

/// The operations of the API, free of any transport: typed requests in, values out, and every rule of the API inside.
///
/// One file a resource. A class, so that handing it on copies one reference.
///
/// Throws ``Refusal`` for the caller's fault, `StoreError`, `KeystoneTrouble` and ``BodyUnreadable`` for ours, and nothing else.
package final class Operations: Sendable {
    let stores: PoolDirectory
    package let limits: Limits
    let masterKey: MasterKey
    let vault: Vault
    package let options: APIOptions
    /// nil: webhooks are not asked.
    let confirmation: ConfirmationRules?
    /// nil: subscribers with mail addresses are not asked.
    let mailConfirmation: MailConfirmationRules?
    /// nil: no subscriber is called with a token.
    let trusts: Trusts?
    /// Make and read the tokens of links in mails.
    let linkKeys: LinkKeys
    /// Verify the links of external pages, newest first.
    let signedURLKeys: [SignedURLKey]
    let logger: Logger
    /// Every transport asks it before it calls an operation for a project.
    package let admission: ProjectAdmission
    package let waits: QueueWaits
    let projects: ProjectLimitDirectory
    let usage: ProjectUsage
    let rates: PostRates
    /// Every transport asks it before it keeps a connection for a project; a service of its own.
    package let connections: ProjectConnections
    let traits = TraitsMemory()
    let health = HealthMemory()

    /// - Parameters:
    ///   - stores: Knows where each queue lives.
    ///   - vault: Seals and opens bodies; nil: with the key derived from the master key alone.
    ///   - linkKeys: nil: with the key derived from the master key alone.
    ///   - signedURLKeys: Verify the links of external pages, newest first.
    ///   - projectLimits: What holds for a project that was given none of its own.
    ///   - process: Names the process to the others.
    ///   - logger: For what no answer can say.
    package init(
        stores: PoolDirectory, limits: Limits = Limits(), masterKey: MasterKey, vault: Vault? = nil,
        options: APIOptions = APIOptions(), confirmation: ConfirmationRules? = nil,
        mailConfirmation: MailConfirmationRules? = nil, trusts: Trusts? = nil, linkKeys: LinkKeys? = nil,
        signedURLKeys: [SignedURLKey] = [], admission: ProjectAdmission = ProjectAdmission(),
        waits: QueueWaits = QueueWaits(), projectLimits: ProjectLimits = ProjectLimits(),
        process: String = RegisteredProcess.newID(), logger: Logger = Logger(label: "herald-api")
    ) {
        self.stores = stores
        self.limits = limits
        self.masterKey = masterKey
        self.vault = vault ?? Vault(masterKey: masterKey)
        self.options = options
        self.confirmation = confirmation
        self.mailConfirmation = mailConfirmation
        self.trusts = trusts
        self.linkKeys = linkKeys ?? LinkKeys(masterKey: masterKey)
        self.signedURLKeys = signedURLKeys
        self.admission = admission
        self.waits = waits
        self.usage = ProjectUsage(of: stores)
        self.rates = PostRates(stores.defaultStore.postTokens, logger: logger)
        self.projects = ProjectLimitDirectory(
            stores.defaultStore.projectLimits, stores.defaultStore.projects, defaults: projectLimits, logger: logger)
        self.connections = ProjectConnections(
            stores.defaultStore.connections, self.projects, process: process, logger: logger)
        self.logger = logger
    }

    /// The store of a queue with everything that belongs to it.
    ///
    /// An operation asks once, and does all of its work there.
    func store(of queue: QueueAddress) async throws(StoreError) -> Store {
        try await self.stores.store(of: queue)
    }

    /// Asks the store of everything that is not in a queue whether it is there.
    ///
    /// Also before an answer that needs nothing from it, such as "there is no message of that impossible id": a store that
    /// is down must not look like one that is empty.
    package func ping() async throws(StoreError) {
        try await self.stores.defaultStore.ping()
    }

    /// Asks the store where a queue lives, or would, whether it is there.
    func ping(for queue: QueueAddress) async throws(StoreError) {
        try await self.store(of: queue).ping()
    }

    /// The number of entries of a page, 1 through `max`.
    ///
    /// - Parameter limit: What the caller asked for; nil: ``Limits/pageDefault``.
    /// - Throws: ``Refusal/requestInvalid(_:)``.
    static func pageSize(_ limit: Int?, max: Int) throws(Refusal) -> Int {
        guard let limit else { return min(Limits.pageDefault, max) }
        guard (1...max).contains(limit) else { throw Self.outOfRange("limit", 1...max) }
        return limit
    }

    static func outOfRange(_ name: String, _ range: ClosedRange<Int>) -> Refusal {
        .requestInvalid("\(name) has to lie between \(range.lowerBound) and \(range.upperBound)")
    }
}

/// Which page of a list to show.
package struct PageRequest: Sendable {
    /// Where the page before ended, as the caller wrote it; nil: from the start.
    package var marker: String?
    /// Entries of the page; nil: the default.
    package var limit: Int?

    package init(marker: String? = nil, limit: Int? = nil) {
        self.marker = marker
        self.limit = limit
    }
}
