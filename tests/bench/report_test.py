"""The table, the files and the order of a run, with figures of our own."""

import contextlib
import io
import json
import pathlib
import tempfile
import unittest
from xml.etree import ElementTree

import contestants
import ends
import lines
import plot
import processors
import report
import rounds
import table
from contestants import Job

SVG = "{http://www.w3.org/2000/svg}"
OURS, THEIRS = Job("mapwire udp"), Job("UCX tcp")


def judged(ours, theirs, failures=None, **line):
    figures = {OURS: [{"median": value, "average": 2 * value} for value in ours],
               THEIRS: [{"median": value} for value in theirs]}
    return table.judge(lines.Line(OURS, THEIRS, **line), figures, failures or {})


def growth_limits(wire):
    start = f"mapwire {wire}:"
    found = [(f"{start} ns a {what}, 10000 / beside it, 1", "<= 1.50")
             for what in ("poll", "latency")]
    for end in ("client", "server"):
        if wire == "shm":
            found.append((f"{start} KiB each at the {end}, 10000 / allowed", "<= 1.00"))
        found.append((f"{start} descriptors of the {end}, 10000 / 1", "<= 2.00"))
    return found


class Table(unittest.TestCase):
    def test_a_latency_within_its_limit_is_ok_and_above_it_is_missed(self):
        self.assertEqual(judged([7] * 5, [10] * 5, limit=0.7).verdict, "ok")
        self.assertEqual(judged([7.1] * 5, [10] * 5, limit=0.7).verdict, "MISS")

    def test_a_bandwidth_has_to_reach_its_limit(self):
        for ours, verdict in ((100, "ok"), (99, "MISS")):
            jobs = [Job(who, "bandwidth") for who in ("mapwire shm", "UCX shm")]
            line = lines.Line(*jobs, 1.0, "bandwidth", "bandwidth")
            figures = {jobs[0]: [{"bandwidth": ours}] * 5, jobs[1]: [{"bandwidth": 100}] * 5}
            self.assertEqual(table.judge(line, figures, {}).verdict, verdict)

    def test_the_ratio_is_that_of_the_rounds(self):
        self.assertEqual(judged([10, 10, 60, 60, 12], [10, 10, 60, 60, 60]).ratio, 1)

    def test_the_figure_that_the_line_names_is_taken(self):
        self.assertEqual(judged([7] * 5, [10] * 5, our_figure="average").ratio, 1.4)

    def test_lines_without_a_limit_are_not_judged(self):
        self.assertEqual(judged([20] * 5, [10] * 5).verdict, "-")
        self.assertEqual(judged([20] * 5, [10] * 5, noise=True).verdict, "noise")

    def test_a_line_whose_job_failed_is_missed_and_says_why(self):
        one = judged([7] * 5, [], {THEIRS: "fi_pingpong hangs, after 60 s"}, limit=0.7)
        self.assertTrue(one.missed)
        self.assertIn("MISS: fi_pingpong hangs, after 60 s", table.text([one], []))

    def test_a_figure_that_is_not_there_or_nothing_is_missed(self):
        self.assertEqual(judged([7] * 5, [10] * 5, our_figure="baseline").reason,
                         "there is no baseline")
        self.assertEqual(judged([7] * 5, [0] * 5).reason, "a figure is 0")

    def test_the_text_has_medians_ratio_interval_limit_and_what_was_left_out(self):
        lines_of_text = table.text([judged([7, 8, 7, 90, 7], [10] * 5, limit=0.7)],
                                   ["left out: x"]).splitlines()
        self.assertEqual(lines_of_text[1], "latency, us")
        self.assertEqual(lines_of_text[2].split(),
                         "8 B: mapwire udp / UCX tcp 7.000 10.00 0.70 0.70 - 9.00 "
                         "<= 0.70 ok".split())
        self.assertEqual(lines_of_text[3:], ["left out: x", "0 missed; 1 lines have a limit"])

    def test_every_line_compares_jobs_that_are_run(self):
        for with_shm in (False, True):
            jobs = contestants.contestants("mapwire", with_shm)
            for line in lines.lines(with_shm):
                self.assertIn(line.ours, jobs)
                self.assertIn(line.theirs, jobs)
            of_shm = {job.what for job in jobs if job.who == "mapwire shm"}
            whats = {"latency", "wake-up", "bandwidth", "growth"}
            self.assertEqual(of_shm, whats if with_shm else set())

    def test_wake_ups_of_both_wires_are_in_the_table_and_the_document(self):
        wakes = [line for line in lines.lines(True) if line.ours.what == "wake-up"]
        figures = {job: [{"median": 9.0}] * 5
                   for line in wakes for job in (line.ours, line.theirs)}
        judged_lines = [table.judge(line, figures, {}) for line in wakes]
        rows = table.text(judged_lines, []).splitlines()
        document = report.document(judged_lines, figures, {}, [], {})
        for wire in ("udp", "shm"):
            for peer in ("sockperf udp", "UCX tcp"):
                title = f"8 B: mapwire {wire} / {peer}"
                self.assertTrue(any(row.startswith(f"  {title} ") for row in rows), rows)
                self.assertIn(("wake-up, us", title),
                              [(line["group"], line["title"]) for line in document["lines"]])
            self.assertIn((f"mapwire {wire}", "wake-up"),
                          [(job["who"], job["what"]) for job in document["jobs"]])

    def test_the_limits_are_these(self):
        limits = [(line.title, table.limit_of(line)) for line in lines.lines(True) if line.limit]
        baselines = [(f"{size} B: mapwire udp baseline / sockperf udp", "<= 1.10")
                     for size in (8, 64, 512, 4096)]
        self.assertEqual(limits, [
            ("8 B: mapwire udp / UCX tcp", "<= 0.70"),
            ("8 B: mapwire udp average / libfabric tcp average", "<= 0.70"),
            ("8 B: mapwire udp put / mapwire udp put baseline", "<= 1.20"),
            *baselines,
            ("8 B: mapwire shm / UCX shm", "<= 0.75"),
            ("65536 B: mapwire shm / UCX shm", "<= 1.00"),
            ("8 B: mapwire shm baseline / UCX put", "<= 1.00"),
            ("8 B: mapwire put / mapwire put baseline", "<= 1.15"),
            ("8 B: mapwire put / UCX put", "<= 1.00"),
            ("65536 B: mapwire shm / UCX shm", ">= 1.00"),
            *growth_limits("udp"), *growth_limits("shm")])


class Rounds(unittest.TestCase):
    def test_each_round_has_everyone_once_and_starts_elsewhere(self):
        orders = [rounds.in_order(range(10), number, 5) for number in range(5)]
        for order in orders:
            self.assertEqual(sorted(order), list(range(10)))
        self.assertEqual(len({order[0] for order in orders}), 5)
        self.assertIn(orders[1].index(4) - orders[1].index(5), (1, 1 - 10))

    def race(self, theirs):
        calls = []

        def peer():
            calls.append(1)
            return theirs(len(calls))
        with contextlib.redirect_stderr(io.StringIO()):
            return *rounds.measure({OURS: lambda: {"median": 1}, THEIRS: peer}, 5), len(calls)

    def test_who_fails_is_asked_once_more_and_not_in_later_rounds(self):
        def broken(_):
            raise ends.Failed("no such program")
        figures, failures, calls = self.race(broken)
        self.assertEqual((len(figures[OURS]), failures, calls), (5, {THEIRS: "no such program"}, 2))

    def test_a_failure_that_does_not_come_again_is_none(self):
        def disturbed(call):
            if call == 3:
                raise ends.Failed("hangs")
            return {"median": call}
        figures, failures, calls = self.race(disturbed)
        self.assertEqual((len(figures[THEIRS]), failures, calls), (5, {}, 6))


class Processors(unittest.TestCase):
    def test_two_of_different_cores_where_there_are_such(self):
        self.assertEqual(processors.two([3, 0, 1, 2], lambda cpu: cpu // 2), (0, 2))
        self.assertEqual(processors.two([1, 0], lambda cpu: 0), (0, 1))
        self.assertIsNone(processors.two([4], lambda cpu: 0))


class Files(unittest.TestCase):
    FIGURES = {Job("mapwire udp", size=8): [{"median": 5.0, "baseline": 4.0}] * 5,
               Job("mapwire udp", size=65536): [{"median": 50.0}] * 5,
               Job("a <peer>", size=8): [{"average": 7.0}] * 5,
               Job("a <peer>", size=65536): [{"average": 90.0}, {"average": 70.0}],
               Job("a <peer>", "wake-up"): [{"average": 9.0}],
               Job("gone"): []}

    def test_the_curves_are_latencies_over_more_than_one_size(self):
        self.assertEqual(report.curves(self.FIGURES),
                         {"mapwire udp": [(8, 5.0), (65536, 50.0)],
                          "a <peer> (average)": [(8, 7.0), (65536, 80.0)]})

    def test_the_plot_is_xml_with_a_curve_and_a_name_for_each(self):
        root = ElementTree.fromstring(plot.svg(report.curves(self.FIGURES), "a & b", "us"))
        self.assertEqual(len(root.findall(f".//{SVG}polyline")), 2)
        texts = [text.text for text in root.iter(f"{SVG}text")]
        for text in ("a & b", "us", "8 B", "64 KiB", "5", "100", "a <peer> (average)"):
            self.assertIn(text, texts)

    def test_both_axes_are_logarithmic_and_points_lie_inside(self):
        curve = {"c": [(10, 10), (100, 100), (1000, 1000)]}
        root = ElementTree.fromstring(plot.svg(curve, "", ""))
        points = [tuple(map(float, point.split(",")))
                  for point in root.find(f"{SVG}polyline").get("points").split()]
        for axis in (0, 1):
            one, two, three = (point[axis] for point in points)
            self.assertAlmostEqual(two - one, three - two, places=0)
        self.assertLess(points[2][1], points[0][1])  # more is higher up
        for x, y in points:
            self.assertTrue(plot.LEFT <= x <= plot.WIDTH - plot.RIGHT)
            self.assertTrue(plot.TOP <= y <= plot.HEIGHT - plot.BOTTOM)

    def test_the_files_hold_what_was_measured(self):
        lost = judged([7] * 5, [], {THEIRS: "hangs"})
        good = judged([7] * 5, [10] * 5, limit=0.7)
        written = report.document([good, lost], self.FIGURES, {Job("gone"): "hangs"}, ["x"],
                                  {"rounds": 5})
        with tempfile.TemporaryDirectory() as folder:
            paths = report.write(pathlib.Path(folder, "new"), written, report.curves(self.FIGURES))
            self.assertEqual([path.name for path in paths], ["bench.json", "latency.svg"])
            read = json.loads(paths[0].read_text())
        self.assertEqual(read["rounds"], 5)
        self.assertEqual([line["verdict"] for line in read["lines"]], ["ok", "MISS"])
        self.assertEqual(read["lines"][0]["ratio"], 0.7)
        self.assertEqual(read["lines"][1]["reason"], "hangs")
        self.assertEqual(read["jobs"][0]["rounds"], self.FIGURES[Job("mapwire udp")])
        self.assertEqual(read["jobs"][-1]["failure"], "hangs")


if __name__ == "__main__":
    unittest.main()
