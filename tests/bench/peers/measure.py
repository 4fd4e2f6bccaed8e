"""How every sender is measured: nginx counts what arrived, the kernel what it cost."""

import copy
import dataclasses
import http.client
import os
import re
import subprocess
import time
from pathlib import Path

POLL_SECONDS = 0.01
QUIET_SECONDS = 0.15


class BenchFailed(Exception):
    """A peer is not there, did not start, or lost events; says which and how."""


@dataclasses.dataclass
class Setup:
    """What all arms of one comparison share."""
    build: Path
    folder: Path
    nginx: object  # or another backend with a url and a ca_file
    size: int = 390
    connections: int = 16

    def new_folder(self, name):
        folder = self.folder / re.sub(r"\W+", "-", name)
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def url(self):
        return self.nginx.url + "/StreamStatusEvent"

    @property
    def body(self):
        return self.body_of(self.size)

    @property
    def stamped_body(self):
        """The body before and after the digits of the monotonic clock, which its `info` tells."""
        head, tail = '{"info":"', '",'
        others = self.size - len(head) - len(str(time.monotonic_ns())) - len(tail)
        return head, tail + self.body_of(others + 1)[1:]

    @staticmethod
    def body_of(size):
        """JSON of exactly `size` bytes, in the form of a StreamStatusEvent."""
        head = ('{"nodeId":"n1","appKey":"defaultApp","sessionId":"/192.168.1.102:4388/'
                '192.168.1.101:8443","mediaSessionId":"56141d10-fddc-11e6-ac3a-4d67d5b3360d",'
                '"name":"stream-00","published":true,"status":"PUBLISHING","sdp":"')
        if len(head) + 2 > size:
            head = '{"nodeId":"n1","mediaSessionId":"00","status":"PUBLISHING","sdp":"'
        return head + "." * (size - len(head) - 2) + '"}'


@dataclasses.dataclass
class Result:
    """Of one round: events a second, CPU microseconds an event, and the most memory in MB."""
    rate: float
    cpu_us: float
    rss: float
    anon: float


class Arm:
    """One way to bring events to nginx. A context manager; `run(events)` is one round.

    name, configuration: as the table tells them. `pace`: the most events a second at which its latency
    is measured; 0: not at all.
    """
    name = ""
    configuration = ""
    pace = 5_000
    _setup = None

    def sending_to(self, setup):
        """Another one with the same settings."""
        other = copy.copy(self)
        other._setup = setup
        return other

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def run(self, events):
        raise NotImplementedError

    def feed(self, pace, seconds):
        """Gives it `pace` events a second, each with the time; returns when all are given."""
        raise NotImplementedError


def require(program):
    """The path of an installed program; an error where there is none."""
    for folder in os.environ["PATH"].split(":") + ["/usr/sbin", "/sbin"]:
        if os.access(path := os.path.join(folder, program), os.X_OK):
            return path
    raise BenchFailed(f"{program} is not installed: ./dev bench compare installs "
                      "cmake/debian-packages-bench.txt")


def version(*command):
    """The first version number that a program tells of itself."""
    said = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    found = re.search(r"\d+\.\d+(\.\d+)?[\w.-]*", said.stdout + said.stderr)
    return found[0] if found else "unknown"


def cpu_seconds(pid):
    """User and system time of all threads of a process, ended ones too."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def thread_cpu_seconds(pid, names):
    """User and system time of the threads whose names match."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        if re.match(names, (task / "comm").read_text().strip()):
            found.append(int((task / "schedstat").read_text().split()[0]) / 1e9)
    if not found:
        raise BenchFailed(f"process {pid} has no thread {names}")
    return sum(found)


class Memory:
    """The most resident and anonymous memory of a process seen so far, in MB."""

    def __init__(self, pid):
        self._status = Path(f"/proc/{pid}/status")
        self.rss = self.anon = 0.0

    def look(self):
        try:
            text = self._status.read_text()
        except OSError:
            return  # it has ended
        for field, name in (("VmRSS", "rss"), ("RssAnon", "anon")):
            if match := re.search(rf"{field}:\s+(\d+)", text):
                setattr(self, name, max(getattr(self, name), int(match[1]) / 1024))


class Referee:
    """Counts the requests that nginx has read since `begin`, without its own questions."""

    def __init__(self, nginx):
        host = nginx.status_url.split("/")[2]
        self._connection = http.client.HTTPConnection(host, timeout=10)
        self._base = 0
        self._asked = 0
        self.begin()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._connection.close()

    def begin(self):
        self._base, self._asked = self._requests(), 0
        self.count, self.began, self.changed = 0, time.monotonic(), time.monotonic()

    def _requests(self):
        self._connection.request("GET", "/")
        answer = self._connection.getresponse().read()
        self._asked += 1
        return int(re.search(rb"requests\s+\d+ \d+ (\d+)", answer)[1])

    def look(self):
        count = self._requests() - self._base
        count -= self._asked
        if count != self.count:
            self.count, self.changed = count, time.monotonic()
        return count

    @property
    def seconds(self):
        """From `begin` to the last request seen."""
        return self.changed - self.began

    def follow(self, ended, limit, each=lambda: None):
        """Looks until `ended(quiet)` says so, where quiet tells whether nothing came for a while;
        BenchFailed after `limit` seconds."""
        deadline = time.monotonic() + limit
        while True:
            self.look()
            each()
            if ended(time.monotonic() - self.changed > QUIET_SECONDS):
                return
            if time.monotonic() > deadline:
                raise BenchFailed(f"not within {limit} s: nginx has read {self.count} requests")
            time.sleep(POLL_SECONDS)


def limit_of(events):
    """Seconds that a round may take: a sender of 200 events a second is given up."""
    return 30 + events / 200


def await_quiet(setup):
    """Nothing of an earlier round is still on its way."""
    with Referee(setup.nginx) as referee:
        referee.follow(lambda quiet: quiet, 60)


def run_daemon(setup, pid, events, start, requests=None, arrived=None, cpu=None):
    """A round of a process that stays. start() begins to feed it. It has ended when nginx has read
    `requests`, or when nothing comes any more and arrived() says that all has."""
    cpu = cpu or (lambda: cpu_seconds(pid))
    memory = Memory(pid)

    def ended(quiet):
        if requests is not None:
            return referee.count >= requests
        return quiet and referee.count > 0 and arrived()

    with Referee(setup.nginx) as referee:
        before = cpu()
        referee.begin()
        start()
        referee.follow(ended, limit_of(events), memory.look)
        used = cpu() - before
        return Result(events / referee.seconds, used * 1e6 / events, memory.rss, memory.anon)


def run_program(setup, command, limit):
    """A round of a program that ends: (requests, seconds, CPU seconds, Memory, what it said)."""
    with Referee(setup.nginx) as referee:
        referee.begin()
        process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE)
        memory, done = Memory(process.pid), []

        def ended(_):
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                done.append((os.waitstatus_to_exitcode(status), usage))
            return bool(done)

        try:
            referee.follow(ended, limit, memory.look)
        finally:
            if not done:
                process.kill()
                process.wait()
        code, usage = done[0]
        process.returncode = code
        said = process.stdout.read().decode()
        process.stdout.close()
        if code != 0:
            raise BenchFailed(f"{command[0]} ended with {code}: {said}")
        referee.look()
        return referee.count, referee.seconds, usage.ru_utime + usage.ru_stime, memory, said
