"""Two programs that were measured in turns: the ratio of their medians and how sure it is."""

import random
import statistics

RESAMPLES = 4000
CONFIDENCE = 0.90


def ratio(ours, theirs):
    return statistics.median(ours) / statistics.median(theirs)


def ratio_of_rounds(ours, theirs):
    """The median of the rounds' own ratios, for machines that are another one each time: with
    ratio() the two medians may be of different ones."""
    return statistics.median(our / their for our, their in zip(ours, theirs, strict=True))


def interval(ours, theirs, statistic=ratio, seed=1):
    """The bootstrap interval of ratio() or the other. What stands at one index was measured in one
    round, so rounds are drawn, not single values; the same seed gives the same interval."""
    draw = random.Random(seed)
    rounds = list(zip(ours, theirs, strict=True))
    ratios = sorted(statistic(*zip(*draw.choices(rounds, k=len(rounds))))
                    for _ in range(RESAMPLES))
    outside = int(RESAMPLES * (1 - CONFIDENCE) / 2)
    return ratios[outside], ratios[-1 - outside]


def at_most(limit, least_end):
    """Judges what shall be small: (ratio, (low, high)) to True or False."""
    return lambda value, ends: value <= limit and ends[0] <= least_end


def at_least(limit, greatest_end):
    """Judges what shall be large."""
    return lambda value, ends: value >= limit and ends[1] >= greatest_end
