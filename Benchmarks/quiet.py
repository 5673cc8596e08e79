"""Projects that post a little, all the time: those who are not to notice what others do."""
import contextlib
import http.client
import math
import threading
import time

import deployment

# Posts are 100 ms apart on the connection of a project: it keeps up while an answer takes less.
PROJECTS, PER_SECOND = 10, 100
# What has not arrived so long after the last post counts as if it never would.
LONGEST_S = 60


class Quiet:
    """Ten projects of a queue and a subscriber each; together they post a hundred messages a second."""

    def __init__(self, built, domain=None):
        """- domain: of the subscribers' names, N.domain.test; addresses without one."""
        self.built = built
        self.sink = built.start_sink()
        for number in range(PROJECTS):
            url = f"http://{number}.{domain}.test:{self.sink.port}/{number}" if domain else self.sink.url(f"/{number}")
            built.subscribe("quiet", url, project=f"quiet{number}")

    @contextlib.contextmanager
    def traffic(self):
        """Posts until the block ends; gives a Traffic whose figures are there after it."""
        traffic = Traffic(self)
        self.sink.reset()
        threads = [threading.Thread(target=traffic.post, args=[number]) for number in range(PROJECTS)]
        for thread in threads:
            thread.start()
        try:
            yield traffic
        finally:
            traffic.is_ending = True
            for thread in threads:
                thread.join()
        self.sink.holds(lambda: self.sink.figures()["requests"] >= traffic.posted, limit=LONGEST_S)
        traffic.arrivals = self.sink.figures()


class Traffic:
    def __init__(self, quiet):
        self.quiet = quiet
        self.is_ending = False
        self.took, self.arrivals = [], None

    def post(self, project):
        """At set times, whatever the answers take, so that a wait is not left out of what is measured."""
        connection = http.client.HTTPConnection(self.quiet.built.api.ready["listen"])
        # The projects take turns.
        planned = time.monotonic() + project / PER_SECOND
        while not self.is_ending:
            time.sleep(max(0, planned - time.monotonic()))
            late_ns = int((time.monotonic() - planned) * 1e9)
            body = deployment.Deployment.text({"messages": [{"body": {"t": time.time_ns() - late_ns}}]})
            connection.request("POST", "/v2/queues/quiet/messages", body, deployment.headers_of(f"quiet{project}"))
            answer = connection.getresponse()
            answer.read()
            if answer.status != 201:
                raise SystemExit(f"a quiet project was answered {answer.status}")
            self.took.append(time.monotonic() - planned)
            planned += PROJECTS / PER_SECOND

    @property
    def posted(self):
        return len(self.took)

    @property
    def post_p99_ms(self):
        return sorted(self.took)[int((self.posted - 1) * 0.99)] * 1000

    @property
    def arrival_p50_ms(self):
        return self.arrival_ms("p50_us", 0.5)

    @property
    def arrival_p99_ms(self):
        return self.arrival_ms("p99_us", 0.99)

    @property
    def arrival_max_ms(self):
        return self.arrival_ms("max_us", 1)

    def arrival_ms(self, name, share):
        """Infinite where too many never arrived."""
        return self.arrivals[name] / 1000 if self.arrivals["requests"] >= share * self.posted else math.inf


class Poster:
    """One caller that posts at set times over one connection."""

    def __init__(self, built, headers):
        self.built, self.headers = built, {**deployment.headers_of("bench"), **dict(headers)}

    def post_for(self, seconds):
        """Gives how long each post took, from when it was due."""
        connection = http.client.HTTPConnection(self.built.api.ready["listen"])
        took, begin = [], time.monotonic()
        planned = begin
        while planned < begin + seconds:
            time.sleep(max(0, planned - time.monotonic()))
            connection.request("POST", "/v2/queues/quiet/messages", '{"messages": [{"body": 1}]}', self.headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 201:
                raise SystemExit(f"a quiet caller was answered {answer.status}")
            took.append(time.monotonic() - planned)
            planned += 1 / PER_SECOND
        return took
