"""What each program prints is read as what it is: samples of their output."""

import unittest

import ends
import growth
import libfabric
import mapwire
import sockperf
import ucx

UCX_LATENCY = """\
iterations,50.0_percentile_lat,avg_lat,overall_lat,avg_bw,overall_bw,avg_mr,overall_mr
20000,6.437,6.891,6.702,1.11,1.14,145118,149209
"""
UCX_BANDWIDTH = """\
iterations,50.0_percentile_lat,avg_lat,overall_lat,avg_bw,overall_bw,avg_mr,overall_mr
10000,0.241,19.873,20.015,3144.97,3122.66,50320,49963
"""
LIBFABRIC = """\
bytes   #sent   #ack     total       time     MB/sec    usec/xfer   Mxfers/sec
8       20k     =20k     312k        0.31s      1.02        7.84       0.13
"""
SOCKPERF = """\
sockperf: \x1b[2;35m== version #3.7-no.git == \x1b[0m
sockperf[CLIENT] send on:sockperf: using recvfrom() to block on socket(s)

[ 0] IP = 127.0.0.1       PORT = 13401 # UDP
sockperf: Starting test...
sockperf: Test end (interrupted by timer)
sockperf: [Total Run] RunTime=1.000 sec; Warm up time=400 msec; SentMessages=43746
sockperf: ========= Printing statistics for Server No: 0
sockperf: [Valid Duration] RunTime=0.552 sec; SentMessages=21434; ReceivedMessages=21434
sockperf: \x1b[2;35m====> avg-latency=12.864 (std-dev=189.882)\x1b[0m
sockperf: # dropped messages = 0; # duplicated messages = 0; # out-of-order messages = 0
sockperf: Summary: Latency is 12.864 usec
sockperf: \x1b[2;35mTotal 21434 observations\x1b[0m; each percentile contains 214.34 observations
sockperf: ---> <MAX> observation = 6024.550
sockperf: ---> percentile 99.000 =    3.870
sockperf: ---> percentile 50.000 =    3.099
sockperf: ---> percentile 25.000 =    3.034
sockperf: ---> <MIN> observation =    2.774
"""
PING = """{"wire": "udp", "results": [{"bytes": 8,
  "usec": {"min": 4.1, "max": 90, "avg": 5.5, "stdev": 1, "p50": 5.0, "p90": 6, "p99": 9,
           "p999": 20},
  "baseline": {"name": "udp_ping_pong", "usec_p50": 4.2}, "ratio": 1.19}]}"""
BANDWIDTH = '{"wire": "udp", "results": [{"bytes": 65536, "mb_per_s": 1048.576}]}'


GROWTH = """{"wire": "shm", "growth": [
  {"endpoints": 1, "client": {"resident_bytes": 1000000, "descriptors": 40},
   "server": {"resident_bytes": 2000000, "descriptors": 42},
   "one": {"poll_ns": 36.5, "latency_ns": 280}, "many": {"poll_ns": 36.0, "latency_ns": 281}},
  {"endpoints": 101, "client": {"resident_bytes": 2024000, "descriptors": 40},
   "server": {"resident_bytes": 2512000, "descriptors": 43},
   "one": {"poll_ns": 36.6, "latency_ns": 282}, "many": {"poll_ns": 37.0, "latency_ns": 283}}],
 "outstanding": [{"sends": 1, "message_ns": 420}, {"sends": 64, "message_ns": 92.5}]}"""


class Parsers(unittest.TestCase):
    def fails(self, parse, *arguments):
        with self.assertRaises(ends.Failed) as caught:
            parse(*arguments)
        return str(caught.exception)

    def test_ucx_latencies_are_the_median_and_the_average_of_all(self):
        self.assertEqual(ucx.latency_of(UCX_LATENCY), {"median": 6.437, "average": 6.702})

    def test_the_bandwidth_of_ucx_is_that_of_the_whole_run(self):
        self.assertEqual(ucx.bandwidth_of("a warning, of UCX\n" + UCX_BANDWIDTH),
                         {"bandwidth": 3122.66})

    def test_libfabric_tells_an_average(self):
        self.assertEqual(libfabric.latency_of(LIBFABRIC), {"average": 7.84})

    def test_sockperf_tells_both(self):
        self.assertEqual(sockperf.latency_of(SOCKPERF), {"median": 3.099, "average": 12.864})
        self.assertEqual(self.fails(sockperf.latency_of, SOCKPERF.replace("21434", "12")),
                         "sockperf made only 12 round trips in 1 s")

    def test_mapwire_tells_both_and_its_baseline_where_it_has_one(self):
        figures = {"median": 5.0, "average": 5.5, "baseline": 4.2}
        self.assertEqual(mapwire.latency_of(PING, "udp"), figures)
        del figures["baseline"]
        self.assertEqual(mapwire.latency_of(PING.replace("baseline", "other"), "udp"), figures)

    def test_the_bandwidth_of_mapwire_becomes_mebibytes(self):
        self.assertEqual(mapwire.bandwidth_of(BANDWIDTH, "udp"), {"bandwidth": 1000.0})

    def test_growth_tells_what_each_further_endpoint_takes(self):
        figures = growth.figures_of(GROWTH, "shm")
        self.assertEqual(figures["KiB each at the client, 101"], 10)
        self.assertEqual(figures["KiB each at the server, 101"], 5)
        self.assertNotIn("KiB each at the client, 1", figures)
        self.assertEqual(figures["descriptors of the server, 101"], 43)

    def test_growth_tells_what_one_endpoint_took_at_the_same_time(self):
        figures = growth.figures_of(GROWTH, "shm")
        self.assertEqual(figures["ns a poll, 101"], 37)
        self.assertEqual(figures["beside 101, ns a poll"], 36.6)
        self.assertEqual(figures["ns a latency, 101"], 283)
        self.assertEqual(figures["beside 101, ns a latency"], 282)
        self.assertEqual(figures["ns a message, 64"], 92.5)

    def test_another_wire_than_was_asked_for_is_no_figure(self):
        self.assertIn("took wire udp, not shm", self.fails(mapwire.latency_of, PING, "shm"))
        self.assertIn("took wire shm, not udp", self.fails(growth.figures_of, GROWTH, "udp"))

    def test_output_without_a_figure_is_a_failure_that_shows_it(self):
        for parse in (ucx.latency_of, ucx.bandwidth_of, libfabric.latency_of, sockperf.latency_of):
            self.assertIn("all went wrong", self.fails(parse, "bytes\nall went\nwrong\n"))
            self.assertIn("it wrote nothing", self.fails(parse, ""))
        self.assertIn("wrong", self.fails(mapwire.latency_of, "all wrong", "udp"))
        self.assertIn("no result", self.fails(mapwire.latency_of, '{"results": []}', "udp"))
        for text in ("all wrong", "{}", '{"outstanding": 1}'):
            self.assertIn("no figures", self.fails(growth.figures_of, text, "udp"))

    def test_headings_alone_are_no_figures(self):
        self.fails(ucx.latency_of, UCX_LATENCY.splitlines()[0])
        self.fails(libfabric.latency_of, LIBFABRIC.splitlines()[0])


if __name__ == "__main__":
    unittest.main()
