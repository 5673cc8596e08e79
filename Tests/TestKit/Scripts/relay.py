"""A relay on loopback that fails where a test asks for it, on aiosmtpd.

    relay.py FOLDER [PORT]

FOLDER/port        its port, once it listens
FOLDER/rules.json  read before every step: {"rules": [RULE, …], "auth": ["user", "password"], "pipelining": BOOLEAN}
                   RULE: {"at": STEP, "do": ACTION, "match": TEXT of the address or mail, "times": NUMBER, "seconds": NUMBER,
                   "after": NUMBER of mails of the session}
                   STEP: greeting ehlo starttls auth mail rcpt data dot rset quit
                   ACTION: a reply, "451 4.7.1 Later"; or close, hang, drip, endless, late (after `seconds`), "reply-close 421 …"
FOLDER/mails.jsonl what it accepted: from, to, data (base64), session, tls, user
FOLDER/steps.jsonl every step, with its session
FOLDER/cert.pem, key.pem  when they are there, STARTTLS is offered
"""
import asyncio
import base64
import json
import os
import ssl
import sys
import time

from aiosmtpd.smtp import SMTP, AuthResult, MISSING

folder = sys.argv[1]
sessions = 0
used = {}


def path(name):
    return os.path.join(folder, name)


def config():
    try:
        with open(path("rules.json")) as file:
            return json.load(file)
    except FileNotFoundError:
        return {}


def write(name, value):
    with open(path(name), "a") as file:
        file.write(json.dumps(value) + "\n")


class Handler:
    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        return (["250-PIPELINING"] if config().get("pipelining") else []) + responses

    async def handle_DATA(self, server, session, envelope):
        accepted = {
            "from": envelope.mail_from, "to": envelope.rcpt_tos, "session": server.number, "tls": session.ssl is not None,
            "user": server.user, "time": time.time(),
            "data": base64.b64encode(envelope.original_content).decode(),
        }
        text = " ".join(envelope.rcpt_tos)
        action = server.action("dot", text)
        # Lost after the final dot: the mail is accepted, and its sender does not learn of it.
        if action and action["do"] in ("close", "hang", "late"):
            write("mails.jsonl", accepted)
        reply = await server.carry_out(action)
        if reply:
            return reply
        if not action or action["do"] not in ("close", "hang", "late"):
            write("mails.jsonl", accepted)
        server.mails += 1
        return "250 2.0.0 Ok: queued"


class Relay(SMTP):
    def __init__(self, *arguments, **named):
        global sessions
        super().__init__(*arguments, **named)
        sessions += 1
        self.number = sessions
        self.user = None
        self.mails = 0
        self.greeted = False

    def action(self, step, text=""):
        write("steps.jsonl", {"step": step, "session": self.number, "text": text})
        for index, rule in enumerate(config().get("rules", [])):
            if rule["at"] != step or rule.get("match", "") not in text or self.mails < rule.get("after", 0):
                continue
            key = json.dumps(rule) + str(index)
            if used.get(key, 0) >= rule.get("times", 1 << 30):
                continue
            used[key] = used.get(key, 0) + 1
            return rule
        return None

    async def carry_out(self, action):
        """The reply to give; None to go on."""
        if not action:
            return None
        do = action["do"]
        if do == "close":
            self.transport.abort()
            await asyncio.sleep(0.01)
            return "421 closed"
        if do == "hang":
            await asyncio.sleep(action.get("seconds", 3600))
            return None
        if do == "late":
            await asyncio.sleep(action.get("seconds", 1))
            return None
        if do == "drip":
            for _ in range(100_000):
                self._writer.write(b"2")
                await self._writer.drain()
                await asyncio.sleep(action.get("seconds", 0.2))
        if do == "endless":
            for _ in range(1_000_000):
                self._writer.write(b"250-X-MORE\r\n")
                await self._writer.drain()
                await asyncio.sleep(action.get("seconds", 0.2))
        if do.startswith("reply-close "):
            self._writer.write(do[12:].encode() + b"\r\n")
            await self._writer.drain()
            self.transport.abort()
            return "421 closed"
        return do

    async def push(self, status):
        if not self.greeted and str(status).startswith("220 "):
            self.greeted = True
            reply = await self.carry_out(self.action("greeting"))
            if reply:
                status = reply
        await super().push(status)

    async def step(self, name, argument, handle, text=None):
        reply = await self.carry_out(self.action(name, text or argument or ""))
        if reply:
            return await self.push(reply)
        return await handle(argument)

    async def smtp_EHLO(self, argument):
        await self.step("ehlo", argument, super().smtp_EHLO)

    async def smtp_STARTTLS(self, argument):
        await self.step("starttls", argument, super().smtp_STARTTLS)

    async def smtp_AUTH(self, argument):
        await self.step("auth", argument, super().smtp_AUTH)

    async def smtp_MAIL(self, argument):
        await self.step("mail", argument, super().smtp_MAIL)

    async def smtp_RCPT(self, argument):
        await self.step("rcpt", argument, super().smtp_RCPT)

    async def smtp_DATA(self, argument):
        await self.step("data", argument, super().smtp_DATA, " ".join(self.envelope.rcpt_tos))

    async def smtp_RSET(self, argument):
        await self.step("rset", argument, super().smtp_RSET)

    async def smtp_QUIT(self, argument):
        await self.step("quit", argument, super().smtp_QUIT)


def authenticate(server, session, envelope, mechanism, data):
    wanted = config().get("auth")
    given = [data.login.decode(), data.password.decode()]
    server.user = given[0]
    return AuthResult(success=wanted == given, handled=False)


async def main():
    tls = None
    if os.path.exists(path("cert.pem")):
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(path("cert.pem"), path("key.pem"))

    def make():
        return Relay(
            Handler(), hostname="relay.test", ident="relay", tls_context=tls, require_starttls=False,
            authenticator=authenticate, auth_require_tls=False, auth_required=bool(config().get("auth")),
            data_size_limit=None, loop=asyncio.get_running_loop())

    port = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", port, reuse_address=True)
    with open(path("port.new"), "w") as file:
        file.write(str(server.sockets[0].getsockname()[1]))
    os.rename(path("port.new"), path("port"))
    await server.serve_forever()


asyncio.run(main())
