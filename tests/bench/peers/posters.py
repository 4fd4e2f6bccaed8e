"""The floors: programs that POST one body again and again, with nothing behind it."""

from peers.measure import Arm, BenchFailed, Result, limit_of, require, run_program, version


class CurlFloor(Arm):
    name = "bare libcurl multi loop"

    def __init__(self, setup):
        self._setup = setup
        self.configuration = f"curl_floor, {setup.connections} handles, one thread"

    def run(self, events):
        setup = self._setup
        command = [setup.build / "bench" / "curl_floor", setup.url, events, setup.connections,
                   setup.size]
        if setup.nginx.ca_file:
            command.append(setup.nginx.ca_file)
        count, seconds, _, memory, said = run_program(setup, command, limit_of(events))
        if count != events:
            raise BenchFailed(f"curl_floor: nginx has read {count} requests, not {events}")
        return Result(count / seconds, float(said.split()[1]), memory.rss, memory.anon)


class Wrk(Arm):
    """Runs for a time, not for a number of events."""
    name = "wrk"
    OPTIONS = [("threads", [1, 2])]

    def __init__(self, setup, threads=1):
        self._setup, self._threads = setup, threads
        self._program = require("wrk")
        self._script = setup.new_folder("wrk") / "post.lua"
        self.configuration = (f"wrk {version(self._program, '-v')}, -t{threads} "
                              f"-c{setup.connections}, a script that sets method and body")

    def __enter__(self):
        self._script.write_text(
            'wrk.method = "POST"\n'
            'wrk.headers["Content-Type"] = "application/json;charset=UTF-8"\n'
            f"wrk.body = [[{self._setup.body}]]\n")
        return self

    def run(self, events):
        seconds = max(1, round(events / 25_000))
        command = [self._program, f"-t{self._threads}", f"-c{self._setup.connections}",
                   f"-d{seconds}s", "-s", self._script, self._setup.url]
        count, took, cpu, memory, said = run_program(self._setup, command, seconds + 30)
        if "Non-2xx" in said or "Socket errors" in said:
            raise BenchFailed(f"wrk: {said}")
        return Result(count / took, cpu * 1e6 / count, memory.rss, memory.anon)
