"""The figures of comparison.py."""

import unittest

import comparison


class Comparison(unittest.TestCase):
    def test_the_ratio_is_that_of_the_medians(self):
        self.assertEqual(comparison.ratio([2, 4, 900], [1, 2, 3]), 2)

    def test_the_interval_holds_the_ratio_and_shrinks_with_the_spread(self):
        theirs = [100] * 15
        narrow = comparison.interval([104 + i % 3 for i in range(15)], theirs)
        wide = comparison.interval([90 + 2 * i for i in range(15)], theirs)
        self.assertLessEqual(narrow[0], 1.05)
        self.assertGreaterEqual(narrow[1], 1.05)
        self.assertLess(narrow[1] - narrow[0], wide[1] - wide[0])

    def test_what_disturbs_a_whole_round_does_not_widen_the_interval(self):
        theirs = [100 * (1 + i % 5) for i in range(15)]
        low, high = comparison.interval([1.2 * value for value in theirs], theirs)
        self.assertAlmostEqual(low, 1.2)
        self.assertAlmostEqual(high, 1.2)

    def test_the_ratio_of_rounds_bears_a_machine_that_changes_between_them(self):
        self.assertEqual(comparison.ratio_of_rounds([2, 4, 60], [1, 2, 20]), 2)
        # One round is of two machines: ours of the fast one, the peer's of the slow one.
        ours, theirs = [10] * 7 + [60] * 7 + [10], [10] * 7 + [60] * 8
        self.assertLess(comparison.ratio(ours, theirs), 0.2)
        self.assertEqual(comparison.ratio_of_rounds(ours, theirs), 1)
        self.assertEqual(comparison.interval(ours, theirs, comparison.ratio_of_rounds), (1, 1))

    def test_both_limits_are_held(self):
        small = comparison.at_most(1.10, 1.05)
        self.assertTrue(small(1.10, (1.05, 1.3)))
        self.assertFalse(small(1.11, (1.0, 1.3)))
        self.assertFalse(small(1.09, (1.06, 1.3)))
        large = comparison.at_least(0.90, 0.95)
        self.assertTrue(large(0.90, (0.5, 0.95)))
        self.assertFalse(large(0.89, (0.5, 1.0)))
        self.assertFalse(large(0.91, (0.5, 0.94)))


if __name__ == "__main__":
    unittest.main()
