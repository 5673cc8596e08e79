/// What a command speaks to; its help says so in these words.
package enum Counterpart: String, CaseIterable, Sendable {
    /// It needs the address of an API and a project, and no access to Redis.
    case api = "It speaks to the API."
    /// It needs the Redis of the deployment, as a process does.
    case redis = "It speaks to Redis, not to the API."
    /// It asks one process how it is.
    case admin = "It speaks to the admin address of a process."
    /// It needs files, and no deployment.
    case files = "It reads files of this machine, and speaks to nothing."
    /// It starts processes on this machine.
    case processes = "It starts processes on this machine."
}
