package import ArgumentParser
import Domain
import Foundation
import Mail
import NIOPosix
import Placement
import Redis
import Runtime
package import Settings
import Signing
import Startup
import Store
import TLS

/// `herald bounce`: suppresses the address that a mail came back from.
package struct BounceCommand: SettingCommand {
    package static let settings = StoreSettings.all + [Setting.emailBounceAddress]
    package static let configuration = CommandConfiguration(
        commandName: "bounce",
        abstract: "Suppress the address of a mail that came back, or of a complaint.",
        discussion: """
            It reads one mail on standard input, as a mail server's pipe or alias gives it: a delivery status notification or a \
            complaint. Other mails are ignored. It takes the settings of the notifier. The status is \
            \(CommandStatus.refused.rawValue) for a report that cannot be read, and \(CommandStatus.later.rawValue) when \
            the mail server is to try again. \(Counterpart.redis.rawValue)
            """)

    @Option(
        help: """
            The address the mail is delivered to. Without it the variables ORIGINAL_RECIPIENT and RECIPIENT count, which \
            Postfix sets for aliases, and the fields of the mail.
            """)
    package var recipient: String?

    @OptionGroup package var flags: SettingFlags<BounceCommand>

    package init() {}

    package func run() async throws {
        let terminal = Terminal.standard()
        try await reporting {
            // First of all: a mail server whose pipe ends early takes that for a failure.
            let mail = Self.standardInput()
            do {
                terminal.line(try await self.handle(mail))
            } catch let failure as Failure where failure.status == .refused {
                throw failure
            } catch {
                // No report is lost over a setting, or over a Redis that is away.
                throw Failure("\(error)", .later)
            }
        }
    }

    /// Bytes of a mail that are read on behind what is looked at, so that its sender can finish writing.
    private static let inputMax = 256 << 20

    private static func standardInput() -> [UInt8] {
        var mail: [UInt8] = []
        var count = 0
        while count < self.inputMax {
            // An error of reading ends the mail: what was read tells whether it suffices.
            guard let part = try? FileHandle.standardInput.read(upToCount: 65_536), !part.isEmpty else { break }
            count += part.count
            mail += part.prefix(BounceReport.bytesMax - mail.count)
        }
        return mail
    }

    /// - Returns: What was done, in one line.
    /// - Throws: ``Failure`` for a report that cannot be read; anything else can be tried again.
    private func handle(_ mail: [UInt8]) async throws -> String {
        let environment = ProcessInfo.processInfo.environment
        let reader = try SettingReader(for: .notifier, flags: self.flags.given, environment: environment)
        let settings = try StoreSettings(reader)
        let keys = LinkKeys(masterKey: settings.masterKey, keys: try LinkSettings.keys(reader))
        let address = try BounceAddress(reader)
        let recipients =
            self.recipient.map { [$0] }
            ?? ["ORIGINAL_RECIPIENT", "RECIPIENT"].compactMap { environment[$0] }
        let reading: BounceReport.Reading
        do throws(BounceUnreadable) {
            reading = try BounceReport.read(mail, deliveredTo: recipients, address: address)
        } catch {
            throw Failure("the report cannot be read: \(error.reason)", .refused)
        }
        switch reading {
        case .ignored(let reason): return "Ignored: \(reason.words)."
        case .report(let report): return try await Self.act(on: report, settings, keys)
        }
    }

    private static func act(on report: BounceReport, _ settings: StoreSettings, _ keys: LinkKeys) async throws -> String
    {
        let (store, logger) = try await ControlStore.open(settings, unused: "no process has used this Redis yet")
        let difference = try await settings.changes(in: store).first {
            [Setting.masterKey, Setting.emailLinkKeys].contains($0.setting) && !$0.own.agrees(with: $0.kept)
        }
        if let difference { throw Failure(difference.description) }
        let pools = try await PoolDirectory.open(
            control: store, url: settings.redis,
            PoolDirectory.Settings(
                connections: 1, tls: TLSContextHolder(try settings.redisTLS.context(logger)),
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger))
        for mark in report.marks {
            guard let (queue, subscription) = try await pools.findSubscription(mark.subscription),
                keys.isGenuine(mark, sentTo: subscription.subscriber),
                let address = (try? MailtoURI(subscription.subscriber))?.address.listed
            else { continue }
            return try await Self.suppress(address, of: queue.project, for: report, in: store.suppressions)
        }
        return "Ignored: it has no mark of a living subscription, or its address is another one by now."
    }

    private static func suppress(
        _ address: String, of project: ProjectID, for report: BounceReport, in suppressions: SuppressionStore
    ) async throws -> String {
        let reason: Suppression.Reason
        switch report.cause {
        case .permanent where report.isAbout(address): reason = .permanent
        case .complaint: reason = .complaint
        // One of several that the address forwards to may fail while the others are reached.
        case .permanent, .transient:
            if try await suppressions.get(address, of: project) != nil { return "Nothing to do: it is suppressed." }
            let days = try await suppressions.countBounce(of: address, of: project)
            guard days >= Suppression.bounceDaysMax else {
                return "Counted: mail came back for now on \(days) of \(Suppression.bounceDaysCounted) days, "
                    + "\(Suppression.bounceDaysMax) suppress the address."
            }
            reason = .transient
        }
        try await suppressions.add(address, of: project, reason, detail: report.detail)
        return "Suppressed: \(reason.rawValue)."
    }
}

extension BounceReport.Ignored {
    /// The end of a sentence.
    fileprivate var words: String {
        switch self {
        case .automatic: "it was written by a program, and is no report"
        case .noReport: "it is no report"
        case .nothingFailed: "it reports no failure"
        case .noMark: "it has no mark"
        }
    }
}
