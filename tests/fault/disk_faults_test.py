"""The disk under a running tallybusd fails and is mended: nothing is acknowledged meanwhile, what is
there is delivered, everyone sees it, and it goes on by itself."""

import os
import re
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from power_cut import (APP, RETRY, Backend, EngineProcess, Tallybusd,  # noqa: E402
                       spool_rows, wait_until)

RESERVE = 24 << 20
SMALL = 16 << 20  # and the reserve


class Alerts(Backend):
    """The route that alerts take."""

    def stands(self, name):
        told = [r.json["status"] for r in list(self.requests) if r.json["alert"] == name]
        return told[-1] if told else None

    def history(self, name):
        return [r.json["status"] for r in list(self.requests) if r.json["alert"] == name]


class DiskFaultsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tallybus-disk-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.answer = 200
        self.backend = self.enterContext(Backend(self.reply))
        self.alerts = self.enterContext(Alerts())
        self.published = 0
        self.taken = []  # what was answered 200
        self.fill = "x" * 10
        self.daemon = Tallybusd(
            apps={APP: {"url": self.backend.url, "delivery": "guaranteed", "retry": RETRY}},
            work_dir=folder.name, program="tallybusd_faults",
            environment={"TALLYBUS_FAULT_VFS": "drop",
                         "TALLYBUS_FAULT_SWITCH": str(self.folder / "disk")})
        self.daemon.config["routes"] = [{"name": "alerts", "endpoints": [self.alerts.url],
                                         "match": {"methods": ["TallybusAlertEvent"]}}]
        self.addCleanup(lambda: self.daemon.process and self.daemon.kill())

    def reply(self, request):
        if self.answer == 200:
            self.taken.append(request)
        return self.answer

    def disk(self, words):
        """Whole at once: it is read at any time. A sound disk is a comma."""
        (self.folder / "next").write_text(words)
        os.rename(self.folder / "next", self.folder / "disk")
        self.daemon.await_log(re.escape(f'the disk: "{words}"'))

    def space(self, size):
        """A disk with so much room beside the reserve."""
        return f"space:{RESERVE + size},beside:{self.folder}/spool/spool.reserve"

    def publish(self, engine, count):
        for number in range(self.published, self.published + count):
            engine.status("PUBLISHING", f"s{number % 4}", f"m{number % 4}", self.fill, number)
        self.published += count

    def await_acknowledged(self, engine):
        wait_until(lambda: engine.acknowledged() == self.published, "all is acknowledged", 240)

    def health(self):
        return self.daemon.get("/healthz")

    def numbers(self):
        return {r.json["bitrate"] for r in list(self.backend.requests) if "bitrate" in r.json}

    def await_all(self):
        wait_until(lambda: self.numbers() == set(range(self.published)), "all arrives", 240)

    def test_while_syncs_fail_nothing_is_acknowledged_and_then_it_goes_on(self):
        self.daemon.start()
        with EngineProcess(self.daemon.engine) as engine:
            self.publish(engine, 20)
            self.await_acknowledged(engine)
            self.disk("fail_sync")
            self.publish(engine, 20)
            wait_until(lambda: self.health()[0] == 503, "health is red")
            self.assertIn("spool cannot be written", self.health()[1])
            self.publish(engine, 20)
            wait_until(lambda: engine.ask("stats")["ring_used"] > 0, "the engine keeps them")
            self.assertEqual(engine.acknowledged(), 20)
            self.daemon.await_metric(1, "tallybus_alerts_active", alert="SpoolFault")
            self.disk(",")
            self.await_acknowledged(engine)
            self.await_all()
            wait_until(lambda: self.health()[0] == 200, "health is green")
            wait_until(lambda: self.alerts.stands("SpoolFault") == "RESOLVED", "the alert is over")

    def test_a_power_cut_while_syncs_fail_loses_nothing_that_was_acknowledged(self):
        self.answer = 503
        self.daemon.start()
        with EngineProcess(self.daemon.engine) as engine:
            self.publish(engine, 20)
            self.await_acknowledged(engine)
            self.disk("fail_sync")
            self.publish(engine, 20)
            wait_until(lambda: self.health()[0] == 503, "health is red")
            self.daemon.kill()
            self.assertEqual(engine.acknowledged(), 20)
            (self.folder / "disk").unlink()
            self.answer = 200
            self.daemon.start()
            self.await_acknowledged(engine)
            self.await_all()

    def test_a_full_disk_delivers_what_is_there_and_takes_more_when_there_is_room(self):
        self.answer = 503
        self.fill = "x" * 2000
        self.daemon.start()
        with EngineProcess(self.daemon.engine, ring_bytes=64 << 20) as engine:
            self.publish(engine, 100)
            self.await_acknowledged(engine)
            self.disk(self.space(2 << 20))
            self.publish(engine, 3000)
            wait_until(lambda: self.health()[0] == 503 and "cannot be written" in self.health()[1],
                       "the disk is full")
            taken = engine.acknowledged()
            self.assertLess(taken, self.published)
            self.answer = 200
            # What is there is delivered and settled: that takes room, from the reserve.
            wait_until(lambda: set(range(taken)) <= self.numbers(), "what was taken arrives", 240)
            self.disk(",")
            self.await_acknowledged(engine)
            self.await_all()
            wait_until(lambda: self.health()[0] == 200, "health is green")
            wait_until(lambda: self.alerts.stands("SpoolFault") == "RESOLVED", "the alert is over")
            wait_until(lambda: not self.rows(), "all is settled")

    def fill_with_backlog(self, engine):
        """A small disk, full of what waits for the backend; the last ones published are ends."""
        self.answer = 503
        self.fill = "x" * 2000
        self.disk(self.space(SMALL))
        while self.health()[0] == 200 and self.published < 20_000:
            self.publish(engine, 500)
        wait_until(lambda: "cannot be written" in self.health()[1], "the disk is full")
        for number in range(self.published, self.published + 50):
            engine.status("UNPUBLISHED", f"e{number}", f"e{number}", self.fill, number)
        self.published += 50

    def await_everything_once(self, engine):
        """Nobody makes room but the spool itself."""
        self.answer = 200
        self.await_acknowledged(engine)
        wait_until(lambda: {r.json["bitrate"] for r in list(self.taken) if "bitrate" in r.json} ==
                   set(range(self.published)), "all arrives", 240)
        wait_until(lambda: not self.rows(), "all is settled")
        wait_until(lambda: self.health()[0] == 200, "health is green")
        ids = [r.headers["webhook-id"] for r in list(self.taken)]
        self.assertEqual(len(ids), len(set(ids)), "nothing is sent twice")
        wait_until(lambda: self.alerts.stands("SpoolFault") == "RESOLVED", "the alert is over")

    def test_a_disk_full_of_the_backlog_goes_on_when_the_backend_is_back(self):
        self.daemon.start()
        with EngineProcess(self.daemon.engine, ring_bytes=64 << 20) as engine:
            self.fill_with_backlog(engine)
            self.assertLess(engine.acknowledged(), self.published)
            self.await_everything_once(engine)
            # What the engine still had may fill the disk once more where the backend is slow.
            self.assertLessEqual(self.alerts.history("SpoolFault").count("FIRING"), 3)
            self.daemon.stop()
            self.assertEqual(spool_rows("--spool", self.folder / "spool"), [])

    def test_a_disk_full_of_the_backlog_goes_on_after_a_crash(self):
        self.daemon.start()
        with EngineProcess(self.daemon.engine, ring_bytes=64 << 20) as engine:
            self.fill_with_backlog(engine)
            self.daemon.kill()
            self.daemon.environment["TALLYBUS_FAULT_VFS"] = f"drop,{self.space(SMALL)}"
            self.daemon.start()
            self.await_everything_once(engine)
            self.daemon.stop()
            self.assertEqual(spool_rows("--spool", self.folder / "spool"), [])

    def rows(self):
        return spool_rows("--admin", f"unix:{self.daemon.admin}")


if __name__ == "__main__":
    unittest.main()
