package import Domain
package import JSON
package import Mail

/// The metadata of a queue: any JSON object, in which some names starting with `_` are reserved (docs/api.md,
/// "Queues").
package struct QueueMetadata: Sendable {
    /// Whose metadata they are: the same rules hold, but a topic shows only three of the attributes unasked.
    package enum Owner: Sendable {
        case queue, topic
    }

    private let object: JSONObject

    /// Reads what a caller wants to store.
    ///
    /// - Throws: ``Refusal/bodyInvalid(_:)`` when it is no object, ``Refusal/requestInvalid(_:)`` when a reserved attribute
    ///   has the wrong type or is out of range. `null` means unset and always passes.
    package init(document bytes: [UInt8], of queue: QueueName, limits: Limits) throws(Refusal) {
        self.object = try JSONObject(body: bytes)
        try self.check(queue: queue, limits: limits)
    }

    /// Reads what is stored; nil when it is no JSON object, which Herald never stores.
    package init?(stored bytes: [UInt8]) {
        // A reader of the queue can do nothing about an unreadable record, so where and why it is unreadable is dropped.
        guard let object = try? JSONObject(document: bytes) else { return nil }
        self.object = object
    }

    /// Metadata in which nothing is set.
    package static let unset = QueueMetadata(JSONObject())

    private init(_ object: JSONObject) {
        self.object = object
    }

    /// What the store has to know.
    package var attributes: QueueAttributes {
        QueueAttributes(
            postBytesMax: self.integer(.postBytesMax), messageTTLDefault: self.integer(.messageTTL),
            messageDelayDefault: self.integer(.messageDelay), claimCountMax: self.integer(.claimCountMax),
            deadLetterQueue: self.deadLetterQueue, deadLetterTTL: self.integer(.deadLetterTTL),
            encryptsMessages: self.isEncrypting, durability: self.durability, retryPolicy: self.retryPolicy,
            digest: self.mail.digest)
    }

    private var deadLetterQueue: QueueName? {
        guard let value = self.object[Name.deadLetterQueue.rawValue], let text = self.object.text(value) else {
            return nil
        }
        // What is stored was checked; a name that is none names no queue.
        return try? QueueName(text)
    }

    /// Whether bodies shall be encrypted at rest.
    package var isEncrypting: Bool { self.object[Name.encrypted.rawValue]?.boolean ?? false }

    /// How far its messages have to get; nil: as far as the deployment says.
    package var durability: Durability? {
        self.object[Name.durability.rawValue].flatMap { self.object.text($0) }.flatMap { Durability(rawValue: $0) }
    }

    /// The retry policy of the queue's own; nil when there is none, or one that says nothing.
    package var retryPolicy: RetryPolicy? {
        guard let value = self.object[RetryPolicyShape.name] else { return nil }
        // Of what is stored every policy was checked; one that fails a later rule is as good as none.
        return try? RetryPolicyShape.read(value, in: self.object)
    }

    /// The form of the mails of its subscriptions.
    package var mail: MailOptions {
        guard let value = self.object[MailOptionsShape.name] else { return .none }
        // Of what is stored every template was checked; one that fails a later rule is as good as none.
        return (try? MailOptionsShape.read(ofQueue: value, in: self.object)) ?? .none
    }

    /// The flavor the queue is to be of; nil: none is set.
    ///
    /// - Throws: ``Refusal/requestInvalid(_:)`` when what is set cannot be the name of one.
    package func flavor() throws(Refusal) -> FlavorName? {
        guard let value = self.object[Self.flavorName] else { return nil }
        guard let text = self.object.text(value) else { throw .requestInvalid("\(Self.flavorName) has to be a text.") }
        return try FlavorName(text)
    }

    /// Whether an attribute is shown also when it is unset, and may therefore be removed when it is.
    static func isAlwaysShown(_ name: String, by owner: Owner) -> Bool {
        Name(rawValue: name).map { Name.shown(by: owner).contains($0) } ?? false
    }

    /// The names that mean something.
    static func reservedNames(of owner: Owner) -> Set<String> {
        switch owner {
        case .queue: Set(Name.allCases.map(\.rawValue) + [Self.flavorName])
        case .topic: Set(Name.shown(by: owner).map(\.rawValue))
        }
    }

    private static let flavorName = "_flavor"

    /// The members in their order, each value as it was written.
    var verbatimMembers: [(name: String, value: [UInt8])] {
        self.object.members.map { ($0.name, Array(self.object.verbatim($0.value))) }
    }

    private enum Name: String, CaseIterable {
        case postBytesMax = "_max_messages_post_size"
        case messageTTL = "_default_message_ttl"
        case messageDelay = "_default_message_delay"
        case deadLetterQueue = "_dead_letter_queue"
        case deadLetterTTL = "_dead_letter_queue_messages_ttl"
        case claimCountMax = "_max_claim_count"
        case encrypted = "_enable_encrypt_messages"
        case durability = "_durability"
        case retryPolicy = "_retry_policy"
        case email = "_email"

        /// Those that are shown with their defaults when they are unset.
        static func shown(by owner: Owner) -> [Name] {
            switch owner {
            case .queue: Self.ofQueues
            case .topic: Self.ofTopics
            }
        }

        private static let ofTopics: [Name] = [.postBytesMax, .messageTTL, .messageDelay]
        private static let ofQueues =
            Self.ofTopics + [.deadLetterQueue, .deadLetterTTL, .claimCountMax, .encrypted]
    }

    // MARK: - Checks

    private func check(queue: QueueName, limits: Limits) throws(Refusal) {
        try self.checkInteger(.postBytesMax, 1...limits.postBytesMax)
        try self.checkInteger(.messageTTL, Limits.ttlMin...limits.messageTTLMax)
        try self.checkInteger(.messageDelay, 0...limits.messageDelayMax)
        try self.checkInteger(.deadLetterTTL, Limits.ttlMin...limits.messageTTLMax)
        try self.checkInteger(.claimCountMax, 1...Int.max)
        if let value = self.object[Name.deadLetterQueue.rawValue] {
            guard let text = self.object.text(value), let target = try? QueueName(text), target != queue else {
                throw .requestInvalid("\(Name.deadLetterQueue.rawValue) has to be the name of another queue.")
            }
        }
        if let value = self.object[Name.encrypted.rawValue], value.boolean == nil {
            throw .requestInvalid("\(Name.encrypted.rawValue) has to be a boolean.")
        }
        if self.object[Name.durability.rawValue] != nil, self.durability == nil {
            let words = Durability.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
            throw .requestInvalid("\(Name.durability.rawValue) has to be one of \(words).")
        }
        if let value = self.object[Name.retryPolicy.rawValue] {
            _ = try RetryPolicyShape.read(value, in: self.object)
        }
        if let value = self.object[Name.email.rawValue] {
            _ = try MailOptionsShape.read(ofQueue: value, in: self.object)
        }
    }

    private func checkInteger(_ name: Name, _ range: ClosedRange<Int>) throws(Refusal) {
        guard let value = self.object[name.rawValue] else { return }
        guard let integer = value.integer else { throw .requestInvalid("\(name.rawValue) has to be an integer.") }
        guard range.contains(Int(integer)) else {
            throw .requestInvalid(
                range.upperBound == .max
                    ? "\(name.rawValue) has to be at least \(range.lowerBound)."
                    : "\(name.rawValue) has to lie between \(range.lowerBound) and \(range.upperBound).")
        }
    }

    private func integer(_ name: Name) -> Int? {
        self.object[name.rawValue]?.integer.map { Int($0) }
    }

    // MARK: - Showing

    /// Writes the members with the defaults of the attributes its owner shows filled in.
    package func write(to object: inout JSONObjectWriter, limits: Limits, of owner: Owner = .queue) {
        let shown = Name.shown(by: owner)
        for member in self.object.members {
            // Of these null means unset: the default is shown at the end instead.
            if let name = Name(rawValue: member.name), shown.contains(name), member.value.kind == .null {
                continue
            }
            object.member(named: member.name, verbatim: self.object.verbatim(member.value))
        }
        for name in shown where self.object[name.rawValue] == nil {
            switch name {
            case .postBytesMax: object.member(named: name.rawValue, limits.postBytesMax)
            case .messageTTL: object.member(named: name.rawValue, limits.messageTTLDefault)
            case .messageDelay: object.member(named: name.rawValue, limits.messageDelayDefault)
            case .encrypted: object.member(named: name.rawValue, false)
            case .deadLetterQueue, .deadLetterTTL, .claimCountMax, .durability, .retryPolicy, .email:
                object.member(named: name.rawValue, String?.none)
            }
        }
    }

    // MARK: - Filtering

    /// Whether a stored member has one of these values.
    ///
    /// A value of digits, with or without a sign, matches the integer, and any value matches the same text.
    package func has(_ name: String, among values: [String]) -> Bool {
        guard let value = self.object[name] else { return false }
        if let integer = value.integer { return values.contains { Self.integer($0) == integer } }
        guard let text = self.object.text(value) else { return false }
        return values.contains { $0.utf8.elementsEqual(text.utf8) }
    }

    private static func integer(_ text: String) -> Int64? {
        Int64(text)
    }
}
