"""What is broken in a deployment, one function each; it returns what the audit says and what else is reported."""
import pathlib
import signal
import subprocess
import tempfile
import threading
import time

import trial
from trial import LEASE



def notifiers_killed(seed):
    """Three notifiers under load, one of them killed (-9) every 0.2 to 0.6 s for 6 s and started again."""
    with trial.trial(seed) as world:
        world.load()
        end = time.monotonic() + 6
        while time.monotonic() < end:
            time.sleep(world.dice.uniform(0.2, 0.6))
            place = world.dice.randrange(len(world.notifiers))
            kill(world.notifiers[place])
            world.notifiers[place] = world.start_notifier()
        world.end_load()
        return world.audit(time.monotonic())


def no_notifier(seed):
    """All three notifiers killed (-9) under load, none running for 60 s, then three again."""
    with trial.trial(seed) as world:
        world.load()
        time.sleep(world.dice.uniform(1, 3))
        for notifier in world.notifiers:
            kill(notifier)
        time.sleep(2)
        world.end_load()
        time.sleep(58)
        world.notifiers = [world.start_notifier() for _ in range(3)]
        return world.audit(time.monotonic())


def notifier_stopped(seed):
    """One of two notifiers stopped (SIGSTOP) under load for twice the lease, then continued (SIGCONT): its outcomes come too late."""
    with trial.trial(seed, notifiers=2) as world:
        world.load()
        time.sleep(world.dice.uniform(1, 2))
        world.notifiers[0].process.send_signal(signal.SIGSTOP)
        time.sleep(2 * LEASE)
        world.notifiers[0].process.send_signal(signal.SIGCONT)
        time.sleep(1)
        world.end_load()
        return world.audit(time.monotonic())


def api_killed(seed):
    """The API killed (-9) under posts, four times, and started again."""
    with trial.trial(seed) as world:
        world.load(callers=8)
        for _ in range(4):
            time.sleep(world.dice.uniform(0.5, 1.5))
            kill(world.api)
            world.start_api()
        time.sleep(0.5)
        world.end_load()
        return world.audit(time.monotonic())


def redis_killed(seed, appendfsync):
    with trial.trial(seed, appendfsync=appendfsync) as world:
        world.load(callers=8)
        kills = []
        for _ in range(3):
            time.sleep(world.dice.uniform(0.8, 1.8))
            kills.append(time.monotonic())
            world.redis.kill()
            time.sleep(world.dice.uniform(0.1, 1))
            world.redis.start()
        time.sleep(1)
        world.end_load()
        result = world.audit(time.monotonic())
        if appendfsync == "everysec":
            # Redis may hold a write back for 2 s while the disk is busy, and says so.
            result["unexpected"] = sum(not any(kill - 2 <= world.accepted[number] <= kill for kill in kills)
                                       for _, number in world.missing())
        return result


def redis_killed_always(seed):
    """Redis killed (-9) under load three times; it writes every command to disk before it answers (`appendfsync always`)."""
    return redis_killed(seed, "always")


def redis_killed_everysec(seed):
    """The same with `appendfsync everysec`: the process dies, the machine does not."""
    return redis_killed(seed, "everysec")


def redis_restarted(seed):
    """Redis shut down and started again three times while idle notifiers wait for a wake-up signal, load in between."""
    with trial.trial(seed) as world:
        for _ in range(3):
            time.sleep(world.dice.uniform(0.3, 0.8))
            world.redis.kill(signal.SIGTERM)
            time.sleep(world.dice.uniform(0.05, 0.5))
            world.redis.start()
            if not world.threads:
                world.load()
        time.sleep(2)
        world.end_load()
        return world.audit(time.monotonic())


def storm(seed, pause, *command):
    """The command again and again for 5 s of load."""
    with trial.trial(seed) as world:
        world.load()
        end, count = time.monotonic() + 5, 0
        while time.monotonic() < end:
            world.redis.call(*command)
            count += 1
            time.sleep(pause)
        world.end_load()
        return {**world.audit(time.monotonic()), "times": count}


def scripts_flushed(seed):
    """`SCRIPT FLUSH` every 20 ms."""
    return storm(seed, 0.02, "SCRIPT", "FLUSH")


def clients_killed(seed):
    """`CLIENT KILL TYPE normal` every 250 ms: every connection of every process."""
    return storm(seed, 0.25, "CLIENT", "KILL", "TYPE", "normal")


def wakeups_lost(seed):
    """Every wake-up signal deleted as soon as it is there, for 5 s: notifiers find work by looking once a second."""
    with trial.trial(seed) as world:
        names = [key.decode() for key in world.redis.call("KEYS", "herald:*:last-position").split(b"\r\n") if key.startswith(b"herald")]
        keys = [name[:-len("last-position")] + "wakeup" for name in names]
        ending = threading.Event()

        def mute():
            while not ending.is_set():
                world.redis.call("DEL", *keys)
        thread = threading.Thread(target=mute, daemon=True)
        thread.start()
        world.load()
        time.sleep(5)
        world.end_load()
        result = world.audit(time.monotonic())
        ending.set()
        thread.join()
        return result


def refusing(seed, begin, end):
    with trial.trial(seed) as world:
        world.load(callers=8)
        for _ in range(2):
            time.sleep(world.dice.uniform(0.5, 1))
            world.redis.call(*begin)
            time.sleep(world.dice.uniform(0.5, 2))
            world.redis.call(*end)
        time.sleep(1)
        world.end_load()
        return world.audit(time.monotonic())


def out_of_memory(seed):
    """Redis at its `maxmemory` (OOM on every write) twice for 0.5 to 2 s under load."""
    return refusing(seed, ("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0"))


def read_only(seed):
    """Redis made a replica of a port without a server (READONLY on every write) twice for 0.5 to 2 s under load."""
    return refusing(seed, ("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE"))


def poison(seed):
    """One message kills (-9) whichever notifier attempts it, under load: given up after the fourth, which was alone."""
    with trial.trial(seed) as world:
        def on_poison(port):
            victim = trial.owner_of(port, world.notifiers)
            if victim is None:
                return
            kill(victim)
            threading.Thread(target=lambda: world.notifiers.append(world.start_notifier()), daemon=True).start()
        world.sink.on_poison = on_poison
        _, made = world.call("POST", "/v2/queues/poison/subscriptions",
                             {"subscriber": f"http://127.0.0.1:{world.sink.port}/poison", "ttl": 86400})
        world.load()
        time.sleep(world.dice.uniform(0.3, 1))
        world.call("POST", "/v2/queues/poison/messages", {"messages": [{"body": {"poison": True}}]})
        end, dead_letters = time.monotonic() + 60, []
        while time.monotonic() < end and not dead_letters:
            dead_letters = world.call("GET", "/v2/queues/poison/dead_letters")[1]["dead_letters"]
            time.sleep(0.2)
        time.sleep(1)
        world.end_load()
        reasons = [dead_letter["reason"] for dead_letter in dead_letters]
        quarantined = reasons == ["quarantined"] and len(world.sink.poisoned) == 4
        result = world.audit(time.monotonic())
        # A message that is not given up after four kills is as good as a loss.
        return {**result, "lost": result["lost"] + (0 if quarantined else 1)}


def clock_off(seed, seconds):
    with tempfile.TemporaryDirectory(prefix="herald-clock-") as folder:
        clock = f"{folder}/clock.so"
        source = pathlib.Path(__file__).with_name("offset_clock.c")
        subprocess.run(["clang", "-shared", "-fPIC", "-O1", "-o", clock, str(source), "-ldl"], check=True)
        with trial.trial(seed, environment={"LD_PRELOAD": clock, "OFFSET_CLOCK": str(seconds)}) as world:
            world.load()
            time.sleep(6)
            world.end_load()
            return world.audit(time.monotonic())


def clock_ahead(seed):
    """The clocks of all notifiers an hour ahead."""
    return clock_off(seed, 3600)


def clock_behind(seed):
    """The clocks of all notifiers an hour behind."""
    return clock_off(seed, -3600)


# A host at its limit: its endpoints take half a second, and what is due meanwhile is handed back or waits.
SATURATED = {"environment": {"HERALD_NOTIFIER_HOST_CONCURRENCY": "8"}, "answer_s": (0.3, 0.8)}
SATURATED_AUDIT = {"within": 200, "bound": 120}


def host_saturated(seed):
    """The host of both endpoints at its limit in every notifier, and Redis killed (-9) for 1.6 s, four times."""
    with trial.trial(seed, **SATURATED) as world:
        world.load(callers=4, per_second=12)
        for _ in range(4):
            time.sleep(world.dice.uniform(0.5, 1.5))
            world.redis.kill()
            time.sleep(1.6)
            world.redis.start()
        time.sleep(1)
        world.end_load()
        return world.audit(time.monotonic(), **SATURATED_AUDIT)


def replies_lost(seed):
    """The same with one notifier: answers of Redis to it are lost, and mostly Redis itself for up to 1.6 s, for 12 s of load."""
    with trial.trial(seed, notifiers=1, proxied=True, **SATURATED) as world:
        world.load(callers=2, per_second=12)
        end = time.monotonic() + 12
        while time.monotonic() < end:
            time.sleep(world.dice.uniform(0.3, 2.5))
            world.proxies[0].lose_answers(world.dice, world.dice.choice([0, 0.2, 1.6, 1.6]))
        world.end_load()
        result = world.audit(time.monotonic(), **SATURATED_AUDIT)
        return {**result, "times": sum(proxy.lost for proxy in world.proxies)}


def kill(process):
    process.process.send_signal(signal.SIGKILL)
    process.process.wait()


ALL = [notifiers_killed, no_notifier, notifier_stopped, api_killed, redis_killed_always, redis_killed_everysec,
       redis_restarted, scripts_flushed, clients_killed, wakeups_lost, out_of_memory, read_only, poison, clock_ahead,
       clock_behind, host_saturated, replies_lost]
# These mostly wait, so many fit side by side.
WAITING = {no_notifier, notifier_stopped}
