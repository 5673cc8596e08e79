import NIOCore
package import Settings

/// Runs a server, and turns its "cannot listen here" into one line that names the setting.
///
/// - Parameter body: Returns when the server has stopped.
package func listening<Result>(
    on address: ListenAddress, of setting: Setting, _ body: () async throws -> Result
) async throws -> Result {
    do {
        return try await body()
    } catch let error as IOError {
        throw SettingError.unusable(
            setting, value: address.description,
            reason: "cannot be listened on: \(FileFault.words(errno: error.errnoCode))")
    } catch let error as SocketAddressError {
        throw SettingError.unusable(
            setting, value: address.description, reason: "is no address of this machine (\(error))")
    }
}
