import Domain
import HTTPClient

/// The mails that wait for a session, projects by turns.
struct MailQueue {
    private var mails = FairQueue<String, OutgoingMail>()
    private(set) var count = 0

    mutating func append(_ mail: OutgoingMail) {
        self.mails.append(mail, of: mail.project.text)
        self.count += 1
    }

    mutating func popFirst() -> OutgoingMail? {
        guard let mail = self.mails.popFirst() else { return nil }
        self.count -= 1
        return mail
    }

    /// Takes out all that waits, in its order.
    mutating func removeAll() -> [OutgoingMail] {
        var all: [OutgoingMail] = []
        while let mail = self.popFirst() { all.append(mail) }
        return all
    }

    /// Takes out some of it.
    mutating func remove(where isTaken: (OutgoingMail) -> Bool) -> [OutgoingMail] {
        var taken: [OutgoingMail] = []
        self.mails.removeAll { _, mail in
            guard isTaken(mail) else { return false }
            taken.append(mail)
            return true
        }
        self.count -= taken.count
        return taken
    }
}
