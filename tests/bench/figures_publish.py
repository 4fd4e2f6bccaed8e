"""What a publish costs its caller, and what the engine library costs that is only there."""

from figure import Row, at_most, medians, run_json
from tallybus_parts import Tallybusd

IN_MEMORY = {"spool": {"path": "memory", "max_size": "512MiB"}}


def none_of(name, count, beside):
    if count is None:
        return Row(name, "0", f"not measured: this kernel refuses to tell {beside}", None, False)
    return Row(name, "0", f"{count:,.0f} {beside}", None, count == 0)


def microseconds(ns):
    return f"{ns / 1000:.2f} µs"


def tail(r, large, producers, words, bound_ns):
    """`large`: of events of 3.6 kB, told beside."""
    floor = r[f"{producers}_empty"]["p999"]
    beside = (f"p99 {microseconds(r[producers]['p99'])}; p99.9 of an empty section "
              f"{microseconds(floor)}, of one that spins for 0.5 µs "
              f"{microseconds(r[f'{producers}_spun']['p999'])}; 3.6 kB: "
              f"{microseconds(large[producers]['p999'])}")
    return at_most(f"publish: {words}, p99.9", r[producers]["p999"] / 1000,
                   max(bound_ns, 2 * floor) / 1000, "µs",
                   goal=f"{bound_ns / 1000:.0f} µs, or twice an empty section's", beside=beside)


def publish(build, options):
    with Tallybusd(apps={"defaultApp": {}}, extra=IN_MEMORY) as daemon:
        rounds = list(zip(*(
            [run_json(build / "bench" / "publish_latency", daemon.engine, options.seconds, *more,
                      seconds=60 + 8 * options.seconds)
             for more in ([], ["sdp"])] for _ in range(options.rounds))))
    r, large = map(medians, rounds)
    every = [said for size in rounds for said in size]

    def total(what):
        return sum(said[what] for said in every)
    yield at_most("publish: bursts of 100, median", r["burst"]["p50"], 150, "ns",
                  beside=f"3.6 kB: {large['burst']['p50']:,.0f} ns")
    yield at_most("publish: paced at 5,000/s, median", r["one"]["p50"], 500, "ns",
                  beside=f"by a thread that sleeps in between; by one that does not: "
                         f"{r['awake']['p50']:,.0f} ns; 3.6 kB: {large['one']['p50']:,.0f} ns")
    yield tail(r, large, "one", "one producer at 5,000/s", 2_000)
    yield tail(r, large, "four", "four producers at 5,000/s each", 10_000)
    of_all = f"in {total('calls'):,.0f} calls of all rounds, those of 3.6 kB among them"
    yield none_of("publish: calls not OK", total("not_ok"), of_all)
    yield none_of("publish: allocations", total("allocations"), of_all)
    yield none_of("publish: mutexes locked", total("locks"), of_all)
    seen = all(said["silence_kernel_first"] >= 0 for said in every)
    # A call that came late found the library's thread asleep, as it may.
    entered = sum(max(0, said["silence_kernel_next"] - said["silence_late"]) for said in every)
    yield none_of("publish: system calls of the caller while events come within a millisecond",
                  entered if seen else None,
                  f"in {19 * total('silences'):,.0f} calls; {r['one_wakeups']:.0f} wake-ups in "
                  f"{r['one']['count']:,.0f} paced calls, {r['one_late']:.0f} of which came late")
    woken = "publish: system calls by the first after a silence"
    if not seen:
        yield none_of(woken, None, "")
        return
    yield at_most(woken, max(said["silence_kernel_first"] / said["silences"] for said in every), 1,
                  "each", beside=f"{total('silences'):,.0f} silences of 20 ms")


def idle_engine(build, options):
    seconds = max(10, options.seconds)
    with Tallybusd(apps={"defaultApp": {}}) as daemon:
        for rate, bound in ((0, 0.1), (100, 2.0)):
            said = run_json(build / "bench" / "paced_publisher", daemon.engine, rate, seconds, 10)
            yield at_most(f"engine process with a publisher, {rate or 'no'} events/s: CPU",
                          100 * said["cpu_share"], bound, "% of a core", beside=f"over {seconds} s")
