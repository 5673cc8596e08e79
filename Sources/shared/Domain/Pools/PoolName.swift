/// The name of a pool: a Redis an administrator registered for queues to live on.
///
/// The alphabet and length of a ``QueueName``.
package struct PoolName: TextIdentity, Comparable {
    package let text: String

    /// - Parameter text: The percent-decoded name.
    /// - Throws: ``Refusal/requestInvalid(_:)``.
    package init(_ text: String) throws(Refusal) {
        self.text = try checkedName(text, of: "pool")
    }

    package static func < (left: PoolName, right: PoolName) -> Bool { left.text < right.text }
}

/// The name of a flavor: a choice of pools that a project offers its queues.
///
/// The alphabet and length of a ``QueueName``.
package struct FlavorName: TextIdentity, Comparable {
    package let text: String

    /// - Parameter text: The percent-decoded name.
    /// - Throws: ``Refusal/requestInvalid(_:)``.
    package init(_ text: String) throws(Refusal) {
        self.text = try checkedName(text, of: "flavor")
    }

    package static func < (left: FlavorName, right: FlavorName) -> Bool { left.text < right.text }
}

private func checkedName(_ text: String, of what: String) throws(Refusal) -> String {
    do {
        return try QueueName(text).text
    } catch {
        throw .requestInvalid(
            "The name of a \(what) has \(QueueName.allowed)."
        )
    }
}
