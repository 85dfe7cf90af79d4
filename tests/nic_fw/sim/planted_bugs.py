#!/usr/bin/env python3
"""Bugs planted into the engine, one per recovery path, to show that the simulator finds them.

usage: planted_bugs.py list                      "name file check" of each, for CMake
       planted_bugs.py stand SOURCES             0 if all can be planted into SOURCES
       planted_bugs.py plant NAME SOURCE OUTPUT  writes SOURCE with the bug to OUTPUT
       planted_bugs.py expect NAME PROGRAM       runs PROGRAM, which has the bug: 0 if it is caught

Each bug changes one line of nic_fw/. The program with the bug is the ordinary one with that file
compiled anew; CMakeLists.txt builds them on demand. A line that no longer stands there exactly
once is an error: then write the bug anew for the code as it has become.

`check` says who catches the bug: "seeds", the random runs within 1,000 seeds (a wrong completion, a
wrong byte, no end, or recovery that costs more than it may), or "bulk", the transfers over a long
path (throughput, fairness, timeouts where none is due, a flow that outlives its deadline).
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

SEEDS = 1000
TIMEOUT_S = 120  # a bug may make the engine spin: that counts as caught

# What a program prints when a check of it failed. One that ends without having come that far (it
# could not start, was killed, refused its arguments) has found nothing.
VERDICTS = {
    "seeds": re.compile(r"^(seed \d+ FAILED|recovery costs too much: ).*", re.MULTILINE),
    "bulk": re.compile(r"^\[  FAILED  \] .*", re.MULTILINE),
}


class Bug(NamedTuple):
    name: str
    file: str
    line: str  # as it stands, without indentation
    planted: str
    check: str = "seeds"


BUGS = [
    # Sequence NAK: the packet that is missing is passed off as received.
    Bug("sequence_nak_names_what_came", "on_request.cc",
        ".psn = responder.expected_psn};",
        ".psn = psn};"),
    # No sequence NAK at all: only timeouts repair losses.
    Bug("sequence_nak_never_sent", "on_request.cc",
        "if (!responder.gap.should_signal(responder.expected_psn, psn)) return;",
        "return;"),
    # A sequence NAK that nobody acts upon.
    Bug("sequence_nak_ignored", "retransmit.cc",
        "if (stale) return;",
        "return;"),
    # The NAK latch lets every packet behind a gap signal it again.
    Bug("nak_latch_open", "on_request.cc",
        "if (!responder.gap.should_signal(responder.expected_psn, psn)) return;",
        ""),
    # The latch never opens again: a packet lost a second time is not asked for.
    Bug("nak_latch_shut", "on_request.cc",
        "if (!responder.gap.should_signal(responder.expected_psn, psn)) return;",
        "const bool first = responder.gap.should_signal(responder.expected_psn, psn);\n"
        "  if (!first || responder.nak.psn == responder.expected_psn) return;", "bulk"),
    # The retransmission timer fires and sends nothing again.
    Bug("timeout_repeats_nothing", "retransmit.cc",
        "requester.flight.on_timeout(core.now_ns);\n  go_back(core, qp);",
        "requester.flight.on_timeout(core.now_ns);"),
    # Progress does not push the deadline of the queue pair.
    Bug("progress_forgotten", "retransmit.cc",
        "requester.progress_ns = core.now_ns;\n  requester.rnr_since_ns",
        "requester.rnr_since_ns", "bulk"),
    # Going back forgets that READs in flight are gone, so their number never falls again.
    Bug("reads_counted_twice", "retransmit.cc",
        "requester.reads_outstanding = 0;",
        ""),
    # RNR: the sender never resumes.
    Bug("rnr_never_resumes", "on_nak.cc",
        "requester.rnr_resume_at_ns = core.now_ns + rnr_wait_ns(timer_code);",
        "requester.rnr_resume_at_ns = UINT64_MAX - 1;"),
    # RNR: resumes, but not from the refused message.
    Bug("rnr_does_not_go_back", "on_nak.cc",
        "go_back(core, qp);\n  requester.rnr_resume_at_ns",
        "requester.rnr_resume_at_ns"),
    # RNR: the refused packet counts as received.
    Bug("rnr_acknowledges", "accept_request.cc",
        ".psn = responder.expected_psn};",
        ".psn = responder.expected_psn + 1};"),
    # RNR: the time without receives adds up over the whole life of the queue pair.
    Bug("rnr_time_adds_up", "retransmit.cc",
        "requester.rnr_since_ns = UINT64_MAX;",
        ""),
    # RNR: a WRITE with immediate that was refused leaves its start behind.
    Bug("rnr_leaves_half_a_write", "on_write.cc",
        "if (packet.traits.first) responder.message = IncomingMessage::kNone;",
        ""),
    # Credits: no probe when the peer's last word was "none", so a lost word ends everything.
    Bug("credits_never_probed", "next_request.cc",
        "return requester.send_psn == request.first_psn && requester.limited_end == 0;",
        "return false;"),
    # A duplicate SEND or WRITE is executed again.
    Bug("duplicate_executed", "on_request.cc",
        "} else if (psn < responder.expected_psn) {",
        "} else if (psn + 1 < responder.expected_psn) {"),
    # A duplicate SEND or WRITE is not acknowledged: a lost ACK is never made good.
    Bug("duplicate_not_acknowledged", "on_duplicate.cc",
        "responder.ack_due = true;",
        ""),
    # A duplicate READ that starts in the middle is answered with the bytes of the start.
    Bug("duplicate_read_from_start", "read_response.cc",
        "resource.read.rkey, resource.read.address + part.offset, payload,",
        "resource.read.rkey, resource.read.address + part.offset -\n"
        "      (resource.respond_first - resource.first_psn) * qp.peer.path_mtu, payload,"),
    # A duplicate READ is not answered.
    Bug("duplicate_read_dropped", "on_duplicate.cc",
        "if (valid) respond_from(responder, *resource, psn);",
        "if (valid && !read) respond_from(responder, *resource, psn);"),
    # A READ asked for again from the middle names the start.
    Bug("read_repeated_from_wrong_address", "read_request.cc",
        "packet.reth = {.address = request.descriptor.remote_address + start,",
        "packet.reth = {.address = request.descriptor.remote_address,"),
    # A duplicate atomic is executed again.
    Bug("duplicate_atomic_executed", "on_request.cc",
        "} else if (psn < responder.expected_psn) {",
        "} else if (psn < responder.expected_psn &&\n"
        "             packet.traits.kind != proto::PacketKind::kAtomic) {"),
    # The replay memory of an atomic holds the new number instead of the original.
    Bug("atomic_replays_wrong_number", "on_atomic.cc",
        "resource->original = execute(packet.opcode(), atomic);",
        "resource->original = execute(packet.opcode(), atomic) + atomic.swap_or_add;"),
    # The memory of READs and atomics is smaller than what the peer may repeat.
    Bug("replay_memory_too_small", "engine_set_up.cc",
        "LazyArray<ReadAtomicResource>{state_->options.read_atomic_max};",
        "LazyArray<ReadAtomicResource>{(state_->options.read_atomic_max + 1) / 2};"),
    # An ACK behind a READ or atomic completes it although its response was lost.
    Bug("ack_covers_lost_response", "acknowledged.cc",
        "if (needs_response(oldest.descriptor.opcode)) break;",
        ""),
    # An ACK that shows that a response was lost is not acted upon.
    Bug("lost_response_not_noticed", "on_acknowledge.cc",
        "if (acknowledge_up_to(core, qp, psn + 1)) return;",
        "acknowledge_up_to(core, qp, psn + 1);\n  return;", "bulk"),
    # A READ response behind a lost one is taken for it.
    Bug("lost_response_skipped", "on_read_response.cc",
        "if (acknowledge_up_to(core, qp, psn)) return true;",
        "acknowledge_up_to(core, qp, psn);\n  return true;"),
    # The ICRC is not checked.
    Bug("icrc_unchecked", "on_packet.cc",
        "if (!intact(*qp, flow, bytes)) return drop(core.counters.dropped_icrc);",
        ""),
    # PSNs are compared as if they never wrapped: at the responder, at the requester.
    Bug("psn_wrap_at_responder", "on_request.cc",
        "const Psn psn = extend(packet.bth.psn, responder.expected_psn);",
        "const Psn psn = start_psn(packet.bth.psn);"),
    Bug("psn_wrap_at_requester", "on_acknowledge.cc",
        "const Psn psn = extend(packet.bth.psn, requester.unacknowledged_psn);",
        "const Psn psn = start_psn(packet.bth.psn);"),
    Bug("psn_wrap_at_read_response", "on_read_response.cc",
        "const Psn psn = extend(packet.bth.psn, requester.unacknowledged_psn);",
        "const Psn psn = start_psn(packet.bth.psn);"),
    # The timeout leaves no slack for a repetition that stands in a queue.
    Bug("timeout_without_slack", "round_trip.cc",
        "return smoothed_ns_ + std::max({4 * variation_ns_, smoothed_ns_, kSlackMinNs});",
        "return smoothed_ns_;", "bulk"),
    # The flight limit: never yields to loss; never grows; rests at its maximum.
    Bug("flight_never_yields", "flight_limit.cc",
        "limit_ = std::max(limit_ * factor, kFlightPacketsMin);",
        "limit_ = std::max(limit_, factor);", "bulk"),
    Bug("flight_never_grows", "flight_limit.cc",
        "limit_ += growth;",
        "", "bulk"),
    Bug("flight_rests_at_its_maximum", "flight_limit.cc",
        "limit_ = max_ * kYieldToGap;",
        "limit_ = max_;", "bulk"),
]


def find(name):
    return next(bug for bug in BUGS if bug.name == name)


def planted(bug, source):
    text = Path(source).read_text()
    if text.count(bug.line) != 1:
        sys.exit(f"{bug.name}: nic_fw/{bug.file} has {text.count(bug.line)} times, not once:\n"
                 f"  {bug.line}\nwrite the bug anew for the code as it is now")
    return text.replace(bug.line, bug.planted)


def expect(bug, program):
    arguments = ["--seeds", str(SEEDS)] if bug.check == "seeds" else []
    try:
        run = subprocess.run([program, *arguments], capture_output=True, text=True,
                             timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return f"caught: no end within {TIMEOUT_S} s", 0
    verdict = VERDICTS[bug.check].search(run.stdout + "\n" + run.stderr)
    if run.returncode == 0 or verdict is None:
        return f"NOT caught: exit status {run.returncode}\n{run.stdout}{run.stderr}", 1
    return f"caught: {verdict.group()}", 0


def main():
    match sys.argv[1:]:
        case ["list"]:
            print("\n".join(f"{bug.name} {bug.file} {bug.check}" for bug in BUGS))
        case ["plant", name, source, output]:
            Path(output).write_text(planted(find(name), source))
        case ["stand", sources]:
            for bug in BUGS:
                planted(bug, Path(sources, bug.file))
        case ["expect", name, program]:
            text, status = expect(find(name), program)
            print(text)
            sys.exit(status)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
