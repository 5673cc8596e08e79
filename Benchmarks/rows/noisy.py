"""One project posts as fast as it can: what ten quiet ones notice.

The noise takes the machine's cores, too, which is nothing a deployment could help. So the same noise is made once more in a
second deployment, which shares nothing with the first but the machine: what is above that is the deployment's own doing.
"""
import contextlib
import threading
import time

import deployment
import kit
import quiet

ROUNDS, SECONDS = 3, 6
PROMISE = 1.5


def measure():
    names = ["silence", "noise in another deployment on this machine", "noise in this deployment"]
    posts, arrivals, medians, rates = ({name: [] for name in names} for _ in range(4))
    with deployment.deployment() as ours, deployment.deployment() as other:
        for built in (ours, other):
            built.start_api()
            built.start_notifier()
            built.noise_sink = built.start_sink()
            built.subscribe("noise", built.noise_sink.url("/noise"), project="noise")
        calm = quiet.Quiet(ours)
        for _ in range(ROUNDS):
            for name, source in zip(names, [None, other, ours]):
                time.sleep(1)
                with noise(source) as made, calm.traffic() as traffic:
                    time.sleep(SECONDS)
                posts[name].append(traffic.post_p99_ms)
                medians[name].append(traffic.arrival_p50_ms)
                arrivals[name].append(traffic.arrival_p99_ms)
                rates[name].append(made.get("rate", 0))
                if source:
                    # What one round left over is not the next one's noise.
                    source.noise_sink.wait_for_calm()
    table = kit.Table(f"{quiet.PROJECTS} quiet projects posting {quiet.PER_SECOND} messages/s together, medians of {ROUNDS} "
                      f"rounds of {SECONDS} s", ["beside", "noise posts/s", "post p99 ms", "arrival p50 ms", "arrival p99 ms"])
    for name in names:
        rate = kit.median(rates[name])
        table.add(name, rate if rate else "-", *(f"{kit.median(values[name]):.1f}" for values in (posts, medians, arrivals)))
    for text, values in [("post", posts), ("arrival", arrivals)]:
        ratio = kit.median([mine / others for mine, others in zip(values[names[2]], values[names[1]])])
        alone = kit.median([mine / silence for mine, silence in zip(values[names[2]], values[names[0]])])
        table.promise(f"{text} p99 within {PROMISE} of noise elsewhere on the machine (ratio {ratio:.2f}; to silence {alone:.1f})",
                      ratio <= PROMISE)
    return table


@contextlib.contextmanager
def noise(source):
    """64 connections that post without a pause, in the project `noise`."""
    made = {}
    if source is None:
        yield made
        return

    def post():
        body = deployment.Deployment.text({"messages": [{"body": {"pad": "x" * 188}}]})
        url = f"http://{source.api.ready['listen']}/v2/queues/noise/messages"
        made["rate"], _ = deployment.wrk(url, 64, SECONDS + 2, body, project="noise")

    thread = threading.Thread(target=post)
    thread.start()
    time.sleep(1)
    yield made
    thread.join()
