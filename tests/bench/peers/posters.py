"""The floors: programs that POST one body again and again, with nothing behind it."""

import re
import subprocess

from peers.measure import Arm, BenchFailed, Result, limit_of, require, run_program, version

US_OF = {"us": 1, "ms": 1e3, "s": 1e6}


class CurlFloor(Arm):
    """Its own rate: libcurl's start, and that of the program, are no part of it."""
    name = "bare libcurl multi loop"
    OPTIONS = [("loop", ["poll", "socket"])]

    def __init__(self, setup, loop="poll"):
        self._setup, self._loop = setup, loop
        calls = {"poll": "curl_multi_perform and curl_multi_poll",
                 "socket": "curl_multi_socket_action on epoll"}[loop]
        self.configuration = f"curl_floor, {setup.connections} handles, one thread, {calls}"

    def run(self, events):
        setup = self._setup
        command = [setup.build / "bench" / "curl_floor", setup.url, events, setup.connections,
                   setup.size, self._loop]
        if setup.nginx.ca_file:
            command.append(setup.nginx.ca_file)
        count, _, _, memory, said = run_program(setup, command, limit_of(events))
        if count != events:
            raise BenchFailed(f"curl_floor: nginx has read {count} requests, not {events}")
        rate, cpu_us = map(float, said.split())
        return Result(rate, cpu_us, memory.rss, memory.anon)

    def feed(self, pace, seconds):
        setup = self._setup
        command = [setup.build / "bench" / "curl_paced", setup.url, pace * seconds, pace,
                   setup.connections, *setup.stamped_body]
        if setup.nginx.ca_file:
            command.append(setup.nginx.ca_file)
        subprocess.run([str(c) for c in command], check=True, timeout=limit_of(pace * seconds))


class Wrk(Arm):
    """Runs for a time, not for a number of events. `answers`: how long it waited for them in each
    round, (p50, p99) in microseconds."""
    name = "wrk"
    OPTIONS = [("threads", [1, 2])]
    pace = 0  # it knows none

    def __init__(self, setup, threads=1):
        self._setup, self._threads = setup, threads
        self.answers = []
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
                   f"-d{seconds}s", "--latency", "-s", self._script, self._setup.url]
        count, took, cpu, memory, said = run_program(self._setup, command, seconds + 30)
        if "Non-2xx" in said or "Socket errors" in said:
            raise BenchFailed(f"wrk: {said}")
        self.answers.append(tuple(float(value) * US_OF[unit] for value, unit in
                                  re.findall(r"(?:50|99)%\s+([\d.]+)(us|ms|s)\b", said)))
        return Result(count / took, cpu * 1e6 / count, memory.rss, memory.anon)
