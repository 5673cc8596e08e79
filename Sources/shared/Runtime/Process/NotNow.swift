/// Why a process may not serve now although nothing is broken: waiting cures it, and until then nothing is served.
///
/// ``Opening`` tries again after such an error, also when a service it had started throws it.
package protocol NotNow: Error {
    /// What `/readyz` answers: a few words without addresses or secrets.
    var reason: String { get }
}
