/// The name of a topic inside its project: the alphabet and length of ``QueueName``, in a name space of its own.
package struct TopicName: TextIdentity, Comparable {
    package let text: String

    /// - Parameter text: The percent-decoded name.
    /// - Throws: ``Refusal/topicNameInvalid``.
    package init(_ text: String) throws(Refusal) {
        do { self.text = try QueueName(text).text } catch { throw .topicNameInvalid }
    }

    package static func < (left: TopicName, right: TopicName) -> Bool { left.text < right.text }
}

/// A topic among all topics of all tenants.
package struct TopicAddress: Hashable, Sendable {
    package let project: ProjectID
    package let name: TopicName

    package init(project: ProjectID, name: TopicName) {
        self.project = project
        self.name = name
    }
}
