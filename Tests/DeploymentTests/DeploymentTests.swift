import Testing

/// Whole deployments, one after the other: each uses every core the machine has.
@Suite(.serialized) enum DeploymentTests {}

/// Whole deployments whose processes, servers or networks go away, one after the other too.
///
/// They wait for most of their time, so they run beside those that work.
@Suite(.serialized) enum OutageTests {}

/// Prints a figure of a run, for the log and for a comparison of runs.
func report(_ what: String, _ figures: String) {
    print("figure: \(what): \(figures)")
}

extension Duration {
    var milliseconds: Int { Int(self / .milliseconds(1)) }
}
