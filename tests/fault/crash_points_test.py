"""The machine is gone at each named point of ingress, router, spool and settle, with all that was not
synced lost or torn: what was acknowledged arrives, in order, and the start over it is clean."""

import re
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from power_cut import BIN, PowerCut, Tallybusd, points, run_all  # noqa: E402

AT_ONCE = 6
# The n-th passage, by when events have been acknowledged; the router turns more often than others.
LATER = {"settle.judged": 150, "router.notified": 20, "router.appended": 20}
AFTER_ACKNOWLEDGEMENT = ("spool.told", "router.told_durable", "ingress.acknowledging",
                         "settle.completed")


def later(point):
    return LATER.get(point, 14)


class CrashPointsTest(unittest.TestCase):
    def check(self, cuts):
        wrong = run_all(cuts, AT_ONCE)
        self.assertEqual(wrong, {}, "\n" + "\n".join(f"{name}: {fault}" for name in sorted(wrong)
                                                     for fault in wrong[name]))

    def test_the_points_lie_in_ingress_router_spool_and_settle(self):
        self.assertGreaterEqual(len(points()), 16)
        self.assertEqual({p.partition(".")[0] for p in points()},
                         {"ingress", "router", "spool", "settle"})

    # nats-server#7564: acknowledged was not on the disk
    def test_all_that_was_acknowledged_arrives_though_its_engine_died_too(self):
        cuts = [PowerCut(point, later(point), disk, delivery=delivery) for point in points()
                for disk, delivery in (("drop", "guaranteed"), (f"tear:{len(point)}", "notify"))]
        self.check(cuts)
        self.assertEqual([c.name for c in cuts if c.acknowledged == 0], [], "nothing to lose")

    def test_a_cut_at_the_first_passage_finds_a_spool_that_starts(self):
        self.check([PowerCut(point, 1) for point in points()])

    def test_an_engine_that_lives_on_sends_again_what_was_not_acknowledged(self):
        self.check([PowerCut(point, 1 + seed % 3, f"tear:{seed}", engine_dies=False)
                    for seed, point in enumerate(points())])

    def test_a_torn_write_at_any_moment_is_no_loss(self):
        self.check([PowerCut(None, 3 + seed, f"tear:{seed}") for seed in range(8)])

    # What shows that the tests above can fail.
    def test_without_sync_acknowledged_events_are_lost(self):
        cuts = [PowerCut(point, later(point), sync="off", patience=4)
                for point in AFTER_ACKNOWLEDGEMENT]
        wrong = run_all(cuts, AT_ONCE)
        for cut in cuts:
            self.assertGreater(cut.acknowledged, 0, cut.name)
            lost = [f for f in wrong.get(cut.name, []) if re.match(
                f"{cut.acknowledged} acknowledged events never arrived", f)]
            self.assertEqual(len(lost), 1, f"{cut.name}: {wrong.get(cut.name)}")

    def test_a_point_that_nobody_passes_is_told(self):
        daemon = Tallybusd(program="tallybusd_faults", environment={"TALLYBUS_CRASH_AT": "no.such"})
        with daemon:
            self.assertNotIn("crashed", daemon.log())
        for words in ("", ":3", "spool.told:0", "spool.told:x"):
            ran = subprocess.run([BIN / "tallybusd_faults", "--check"], capture_output=True,
                                 env={"TALLYBUS_CRASH_AT": words}, timeout=60)
            self.assertEqual(ran.returncode, 2, words)


if __name__ == "__main__":
    unittest.main()
