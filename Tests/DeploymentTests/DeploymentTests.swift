import Testing

/// Whole deployments, one after the other: each uses every core the machine has.
@Suite(.serialized) enum DeploymentTests {}

/// Prints a figure of a run, for the log and for a comparison of runs.
func report(_ what: String, _ figures: String) {
    print("figure: \(what): \(figures)")
}

extension Duration {
    var milliseconds: Int { Int(self / .milliseconds(1)) }
}
