"""The soak's verdict sees every fault that it is there for, alone, and none in a good run."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from ledger import Taken  # noqa: E402
from soak import MEMORY_LIMIT_MB, Journal, Verdict  # noqa: E402

# Two streams' lives; the second engine was killed before it could end its own.
FIRST = """\
T 1 cam-1-1 PUBLISHING
P 1
T 2 cam-1-1 PUBLISHING
P 2
A 2
T 3 cam-1-1 UNPUBLISHED
P 3
A 3
"""
SECOND = """\
T 101 cam-2-101 PUBLISHING
P 101
A 1
T 102 cam-2-101 PUBLISHING
P 102
T 103 cam-2-1"""  # cut by its death


def taken(id_, lane, sequence, number, status, origin=None, time=0.0):
    return Taken(id_, lane, sequence, number, status, {"a": "cam-1-1", "b": "cam-2-101"}[lane],
                 origin, False, time)


class VerdictTest(unittest.TestCase):
    def setUp(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (folder / "journal-0001").write_text(FIRST)
        (folder / "journal-0002").write_text(SECOND)
        (folder / "journal-0002.stop").touch()
        self.journal = Journal(folder)
        self.taken = [taken("e1", "a", 1, 1, "PUBLISHING", time=10.0),
                      taken("e2", "a", 2, 2, "PUBLISHING", time=11.0),
                      taken("e3", "a", 3, 3, "UNPUBLISHED", time=12.0),
                      taken("e4", "b", 1, 101, "PUBLISHING", time=13.0),
                      taken("r1", "b", 2, 101, "FAILED", "router", time=20.0)]
        self.kills = [11.1, 15.0]

    def verdict(self, memory_mb=20.0):
        return Verdict(self.journal, self.taken, self.kills, memory_mb)

    def assert_only(self, pattern, **given):
        faults = self.verdict(**given).faults
        self.assertEqual(len(faults), 1, faults)
        self.assertRegex(faults[0], pattern)

    def test_the_journal_knows_what_was_tried_and_what_was_acknowledged(self):
        self.assertEqual(sorted(self.journal.tried), [1, 2, 3, 101, 102])
        self.assertEqual(self.journal.acknowledged, {1, 2, 3, 101})

    def test_a_good_run_is_clean(self):
        verdict = self.verdict()
        self.assertEqual((verdict.faults, verdict.lost, verdict.duplicates), ([], 0, 0))

    def test_an_acknowledged_event_that_never_arrived_is_told(self):
        del self.taken[1]
        self.assert_only("^1 acknowledged events never arrived: 2$")
        self.assertEqual(self.verdict().lost, 1)

    def test_one_that_was_not_acknowledged_may_die_with_its_engine_or_arrive(self):
        self.taken.insert(4, taken("e5", "b", 2, 102, "PUBLISHING", time=14.0))
        self.taken[5] = self.taken[5]._replace(sequence=3)
        self.assertEqual(self.verdict().faults, [])

    def test_a_stranger_is_told(self):
        self.taken.insert(4, taken("e9", "b", 2, 999, "PUBLISHING", time=14.0))
        self.taken[5] = self.taken[5]._replace(sequence=3)
        self.assert_only("^1 events arrived that nobody published: 999$")

    def test_an_engines_own_event_is_not_replaced_by_the_routers(self):
        self.taken[3] = self.taken[3]._replace(origin="router")
        self.assert_only("^1 acknowledged events never arrived: 101$")

    def test_a_stream_without_an_end_is_told(self):
        del self.taken[4]
        self.assert_only("^1 streams began and never ended: cam-2-101$")

    def test_a_sequence_that_goes_back_is_told(self):
        self.taken[0], self.taken[1] = (self.taken[1]._replace(number=1),
                                        self.taken[0]._replace(number=2))
        self.assert_only("^1 events out of order in their lane: a #1 after #2$")

    def test_a_sequence_that_two_events_have_is_told(self):
        self.taken[1] = self.taken[1]._replace(sequence=1)
        self.assert_only("^1 events out of order in their lane: a #1 after #1$")

    def test_an_order_that_is_not_the_engines_is_told_though_the_sequences_rise(self):
        self.taken[0], self.taken[1] = (self.taken[0]._replace(number=2),
                                        self.taken[1]._replace(number=1))
        self.assert_only("^1 events out of order in their lane: a #2 after #1$")

    def test_a_repeat_is_no_fault_of_the_order(self):
        self.taken.insert(3, self.taken[1]._replace(time=12.5))
        self.assertEqual(self.verdict().faults, [])

    def test_a_duplicate_beside_a_kill_is_counted_and_no_fault(self):
        self.taken.append(self.taken[1]._replace(time=21.0))  # taken at 11.0, killed at 11.1
        verdict = self.verdict()
        self.assertEqual((verdict.faults, verdict.duplicates), ([], 1))

    def test_a_duplicate_without_a_kill_beside_it_is_told(self):
        for kills in ([], [10.4, 11.3]):  # 0.6 s before it, 0.3 s after it
            with self.subTest(kills=kills):
                self.setUp()
                self.kills = kills
                self.taken.append(self.taken[1]._replace(time=21.0))
                self.assert_only("^1 duplicates without a kill beside them: e2 .10.0 s later.$")

    def test_what_was_in_flight_until_the_kill_may_come_again(self):
        self.taken[1] = self.taken[1]._replace(answered=11.4)
        self.taken.append(self.taken[1]._replace(time=21.0))
        self.kills = [11.6]
        self.assertEqual(self.verdict().faults, [])

    def test_an_answer_that_came_too_late_may_bring_it_again(self):
        self.taken[1] = self.taken[1]._replace(answered=12.1)
        self.taken.append(self.taken[1]._replace(time=21.0))
        self.kills = []
        self.assertEqual(self.verdict().faults, [])

    def test_an_event_that_comes_a_third_time_needs_a_second_kill(self):
        self.taken += [self.taken[1]._replace(time=14.9), self.taken[1]._replace(time=21.0)]
        self.assertEqual(self.verdict().faults, [])
        self.kills.pop()
        self.assert_only("^1 duplicates without a kill beside them: e2 .6.1 s later.$")

    def test_memory_over_the_limit_is_told(self):
        self.assert_only(f"^{MEMORY_LIMIT_MB} MB of anonymous memory$", memory_mb=MEMORY_LIMIT_MB)


if __name__ == "__main__":
    unittest.main()
