/// Why the store could not do its part. None of it is the caller's fault.
package enum StoreError: Error, Sendable, Equatable {
    /// Redis refused, or never saw the command: nothing was written, a repeat is safe.
    case unavailable(String)
    /// The command was sent and no reply came: it may or may not have been carried out.
    case outcomeUnknown(String)
    /// The bounded work of one request is used up.
    case overloaded
    /// Redis answered something no script of this house answers.
    case corrupt(String)
}
