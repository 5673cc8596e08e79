import Domain
import HTTPServer
import Keystone
import Operations
import Runtime
import Store

/// A refusal with words about what was not done.
struct ActionRefusal: Error {
    let refusal: Refusal
    let error: String

    init(_ refusal: Refusal, error: String) {
        self.refusal = refusal
        self.error = error
    }
}

/// A request that no identity admits.
struct ActionNotAuthenticated: Error {
    /// Nothing says who sends it.
    static let unknown = ActionNotAuthenticated(text: "Not authentified.")
    /// It is for another project than the connection.
    static let otherProject = ActionNotAuthenticated(text: "Not authenticated.")

    /// Clients compare both.
    let text: String
}

extension ActionAnswer {
    static let unexpected = ActionAnswer(Problem.internalError, "Unexpected error.")
    static let notAuthenticated = Self.refused(.forbidden, ActionNotAuthenticated.unknown.text)

    /// - Parameter error: What was not done.
    init(_ refusal: Refusal, error: String? = nil) {
        let problem = Problem(refusal)
        self = .failed(
            problem.status, exception: problem.description ?? problem.title,
            error: error ?? (refusal == .notAuthorized ? "Not authorized" : nil))
    }

    /// The answer for what an action threw; the error itself is for the log only.
    ///
    /// - Parameter failure: What was not done.
    init(_ thrown: any Error, of action: Action, failure: String) {
        switch thrown {
        case let error as ActionNotAuthenticated: self = .refused(.forbidden, error.text)
        case let error as ActionRefusal: self.init(error.refusal, error: error.error)
        case let refusal as Refusal: self.init(refusal)
        case let error as StoreError:
            self.init(Problem(error, isRepeatable: action.isRepeatable), failure)
        case is TurnRefused: self.init(Problem(StoreError.overloaded, isRepeatable: true), failure)
        case is KeystoneTrouble: self.init(.identityServiceUnavailable, failure)
        case let exceeded as LimitExceeded: self.init(Problem(exceeded), failure)
        case let error as BodyUnreadable: self.init(.unreadable(error.message), failure)
        default: self = .unexpected
        }
    }

    init(_ problem: Problem, _ error: String) {
        self = .failed(problem.status, exception: problem.description ?? problem.title, error: error)
    }
}
