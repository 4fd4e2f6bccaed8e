"""./dev bench clients: so many idle WebSocket clients on one daemon, what each costs, and how long an
event takes to reach one of them, and all; beside a bare loop of Boost.Beast in the same run."""

import contextlib
import json
import statistics
import subprocess
from pathlib import Path

import figures
from durable import cpu_seconds
from figure import at_most
from tallybus_parts import Tallybusd

CLIENTS = 10_000
FANS_A_ROUND = 5


def anonymous_kb(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(l for l in status.splitlines() if l.startswith("RssAnon")).split()[1])


@contextlib.contextmanager
def floor(build):
    with subprocess.Popen([build / "bench" / "beast_floor"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process, [f"127.0.0.1:{int(process.stdout.readline())}"]
        finally:
            process.stdin.close()


@contextlib.contextmanager
def ours(_):
    with Tallybusd(apps={"defaultApp": {}}, extra={"clients": {"max": CLIENTS + 100}}) as daemon:
        yield daemon.process, [daemon.web, daemon.open]


def measure(build, arm):
    """Microseconds and kilobytes, with all of them connected."""
    with arm(build) as (server, addresses):
        before = anonymous_kb(server.pid)
        with subprocess.Popen([build / "bench" / "client_swarm", str(CLIENTS), str(FANS_A_ROUND),
                               *addresses], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as swarm:
            assert swarm.stdout.readline() == "ready\n", "the clients did not connect"
            grown, cpu = anonymous_kb(server.pid) - before, cpu_seconds(server.pid)
            said, _ = swarm.communicate("go\n", timeout=300)
            cpu = cpu_seconds(server.pid) - cpu
        assert swarm.returncode == 0, "the clients missed something"
    said = json.loads(said)
    return {"kb": grown / CLIENTS, "one": said["single"]["p50"] / 1e3,
            "one_p99": said["single"]["p99"] / 1e3, "all": said["all"]["p50"] / 1e3,
            "cpu": cpu * 1e6 / (CLIENTS * (FANS_A_ROUND + 1))}


def rows(build, options):
    rounds = []
    for _ in range(options.rounds):
        rounds.append({"ours": measure(build, ours), "floor": measure(build, floor)})

    def median(arm, key):
        return statistics.median(r[arm][key] for r in rounds)
    yield at_most(f"memory a client, {CLIENTS:,} idle ones", median("ours", "kb"), 12, "KB",
                  beside=f"bare Beast: {median('floor', 'kb'):.1f} KB")
    yield at_most(f"an event to one session of {CLIENTS:,}: publish → read, median",
                  median("ours", "one"), 1000, "µs",
                  beside=f"p99 {median('ours', 'one_p99'):,.0f} µs; an echo of bare Beast: "
                         f"{median('floor', 'one'):,.0f} µs, p99 {median('floor', 'one_p99'):,.0f}")
    ratio = statistics.median(r["ours"]["all"] / r["floor"]["all"] for r in rounds)
    yield at_most(f"an event to {CLIENTS:,} clients: publish → read by the last", ratio, 1.5,
                  "× a bare Beast loop's",
                  beside=f"{median('ours', 'all') / 1e3:.0f} ms and "
                         f"{median('floor', 'all') / 1e3:.0f} ms; CPU of the server "
                         f"{median('ours', 'cpu'):.1f} and {median('floor', 'cpu'):.1f} µs a client")


def main(build, options):
    figures.report("clients", f"./dev bench clients --rounds {options.rounds}",
                   rows(build, options), f"{options.rounds} rounds", build, options)
