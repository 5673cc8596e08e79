/// The texts of ``TextCatalog`` that are used where no folder has others.
enum BuiltInTexts {
    static func text(of file: TextCatalog.File) -> String {
        switch file {
        case .confirmationSubject: "Confirm your subscription to {{ queue }}"
        case .confirmationText: self.confirmationText
        case .confirmationHTML: self.confirmationHTML
        case .returnSubject: "You no longer receive {{ queue }}"
        case .returnText: self.returnText
        case .returnHTML: self.returnHTML
        case .footerText: "To receive no more of these mails: {{ link }}\n"
        case .footerHTML: "<a href=\"{{ link }}\">Unsubscribe</a>"
        case .page: self.page
        case .sentences: self.sentences
        }
    }

    // The link comes last, behind "below: ": relays that read these mails look for it there.

    private static let confirmationText = """
        The project {{ project }} asks to send you the messages of the queue {{ queue }}.

        You receive none of them until you confirm. If you did not expect this mail, do nothing.

        To confirm, open the link below: {{ link }}

        """

    private static let returnText = """
        You no longer receive the messages of the queue {{ queue }} of the project {{ project }}.

        If you left by mistake, come back by the link below: {{ link }}

        """

    private static let confirmationHTML =
        Self.mailHead + """
            <p>The project <strong>{{ project }}</strong> asks to send you the messages of the queue
            <strong>{{ queue }}</strong>.</p>
            <p>You receive none of them until you confirm. If you did not expect this mail, do nothing.</p>
            <p><a href="{{ link }}">Confirm the subscription</a></p>
            <p>If that does not open, use the link below: {{ link }}</p>
            </body></html>

            """

    private static let returnHTML =
        Self.mailHead + """
            <p>You no longer receive the messages of the queue <strong>{{ queue }}</strong> of the project
            <strong>{{ project }}</strong>.</p>
            <p><a href="{{ link }}">Subscribe again</a></p>
            <p>If that does not open, use the link below: {{ link }}</p>
            </body></html>

            """

    private static let mailHead = """
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">
        <meta name="viewport" content="width=device-width"></head>
        <body style="font-family:sans-serif;line-height:1.5;overflow-wrap:anywhere">

        """

    private static let page = """
        <!DOCTYPE html>
        <html lang="{{ language }}">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>{{ title }}</title>
        <style nonce="{{ nonce }}">
        :root { color-scheme: light dark; --back: #f4f5f7; --card: #fff; --text: #1c2430; --soft: #59636e; --line: #d8dde3; --act: #1558c0; --on: #fff; }
        @media (prefers-color-scheme: dark) {
        :root { --back: #12161b; --card: #1c2229; --text: #e8ecf1; --soft: #a3adb8; --line: #333c46; --act: #8ab8ff; --on: #0d1b30; }
        }
        * { box-sizing: border-box; }
        body { margin: 0; min-height: 100vh; display: flex; align-items: center; justify-content: center; padding: 1rem; background: var(--back); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
        main { width: 100%; max-width: 32rem; padding: 1.5rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; }
        h1 { margin: 0 0 .75rem; font-size: 1.375rem; line-height: 1.3; }
        p { margin: 0 0 1.25rem; overflow-wrap: anywhere; white-space: pre-line; }
        form { margin: 0 0 .75rem; }
        button { width: 100%; min-height: 3rem; padding: .5rem 1rem; border: 1px solid var(--act); border-radius: .5rem; background: var(--act); color: var(--on); font: inherit; font-weight: 600; cursor: pointer; }
        button:focus-visible, a:focus-visible { outline: 3px solid var(--act); outline-offset: 2px; }
        a { color: var(--act); }
        .second { margin: 0; color: var(--soft); font-size: .9375rem; }
        </style>
        </head>
        <body>
        <main>
        <h1>{{ title }}</h1>
        <p>{{ text }}</p>
        {{ content }}
        </main>
        </body>
        </html>

        """

    static let sentences = """
        language: en
        confirm.title: Confirm your subscription
        confirm.text: The project {{ project }} asks to send the messages of the queue {{ queue }} to {{ address }}. You receive none of them until you confirm.
        confirm.button: Confirm
        confirmed.title: You are subscribed
        confirmed.text: The messages of the queue {{ queue }} are sent to {{ address }}.
        leave.title: Unsubscribe?
        leave.text: The messages of the queue {{ queue }} of the project {{ project }} are sent to {{ address }}.
        leave.button: Unsubscribe
        left.title: You are unsubscribed
        left.text: No more messages of the queue {{ queue }} are sent to {{ address }}.
        return.button: Subscribe again
        ended.title: This subscription has ended
        ended.text: No messages are sent for it. There is nothing you have to do.
        expired.title: This link has expired
        expired.text: Ask the sender of the mail for a new one.
        outdated.title: This link no longer counts
        outdated.text: The subscription has another address now, or you unsubscribed after this link was sent. Use the link of the newest mail.
        wrong.title: This link is not valid
        wrong.text: It may have been cut when it was copied. Open the whole link of the mail.
        incomplete.title: Something is missing
        incomplete.text: The request is not one that this page sends. Open the link of the mail again.
        later.title: Please try again later
        later.text: Nothing was changed. The service cannot be reached for the moment.
        """
}
