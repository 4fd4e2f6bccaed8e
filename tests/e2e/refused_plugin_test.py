"""Janus's core ignores an event handler whose init fails, and runs on without events: the refusal must
be loud in Janus's log."""

import os
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from janus_server import JanusServer  # noqa: E402

LIB = os.environ.get("TALLYBUS_LIB_DIR", "build/release/lib")


class RefusedPluginTest(unittest.TestCase):
    def test_a_plugin_that_cannot_start_is_not_silent_in_the_engines_log(self):
        with JanusServer(plugin_dir=LIB, endpoint="carrier-pigeon://nowhere") as janus:
            janus.stop()
            lines = [line for line in janus.log().splitlines() if "carrier-pigeon" in line]
            self.assertEqual(len(lines), 1, lines)
            self.assertIn("[ERR]", lines[0])
            self.assertRegex(lines[0], "(?i)tallybus")


if __name__ == "__main__":
    unittest.main()
