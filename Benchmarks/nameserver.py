"""A name server that answers by the domain, and whose silence can be measured."""
import collections
import socket
import struct
import threading

OPEN, CLOSED = "127.0.0.1", "127.0.0.2"


class NameServer:
    """What each domain answers for N.domain.test:

    fine    OPEN, always
    flip    OPEN and CLOSED by turns
    both    both of them, in turning order
    mapped  the IPv6 spelling of CLOSED
    silent  never
    """

    def __init__(self):
        self.asked, self.closed = collections.Counter(), 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        # As many questions as may come at once: those that are dropped here would look like silence.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind((OPEN, 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            query, sender = self.socket.recvfrom(1024)
            labels, end = [], 12
            while query[end]:
                labels.append(query[end + 1:end + 1 + query[end]].decode().lower())
                end += query[end] + 1
            kind, = struct.unpack(">H", query[end + 1:end + 3])
            records = self.records(labels, kind)
            if records is None:
                continue
            head = query[:2] + struct.pack(">HHHHH", 0x8580, 1, len(records), 0, 0)
            answers = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 0, len(data)) + data for data in records)
            self.socket.sendto(head + query[12:end + 5] + answers, sender)

    def records(self, labels, kind):
        number, domain = int(labels[0]), labels[1]
        if domain == "silent":
            self.asked[domain] += 1
            return None
        if domain == "mapped":
            self.closed += kind == 28
            return [socket.inet_pton(socket.AF_INET6, f"::ffff:{CLOSED}")] if kind == 28 else []
        if kind != 1:
            return []
        if domain == "fine":
            return [socket.inet_aton(OPEN)]
        turn = (self.asked[labels[0] + domain] + number) % 2
        self.asked[labels[0] + domain] += 1
        turning = [OPEN, CLOSED] if turn == 0 else [CLOSED, OPEN]
        answer = turning if domain == "both" else turning[:1]
        self.closed += CLOSED in answer
        return [socket.inet_aton(address) for address in answer]
