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
