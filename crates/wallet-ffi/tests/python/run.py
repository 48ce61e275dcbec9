"""Runs the tests and closes with the counts that `cargo xtask test` adds up."""

import sys
import unittest

outcome = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(
    unittest.defaultTestLoader.loadTestsFromNames(["test_wallet", "test_presentation"])
)
failed = len(outcome.failures) + len(outcome.errors)
print(f"# pass {outcome.testsRun - failed}\n# fail {failed}", flush=True)
sys.exit(0 if outcome.wasSuccessful() and outcome.testsRun else 1)
