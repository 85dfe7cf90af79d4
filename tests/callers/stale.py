"""usage: stale.py LIBRARY CHANGES SEED

A Python program that sends from and receives into memory of mmap objects and of bytearrays, which
come and go between the messages. Every message carries a number, on every page, which is checked.
Prints how many came with another one: status 0 if none did.
"""

import ctypes
import mmap
import random
import sys
import threading

PAGE = 4096
MINUTE_NS = 60_000_000_000


class Failure(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int32), ("os_errno", ctypes.c_int32),
                ("message", ctypes.c_char * 1016)]


class Completion(ctypes.Structure):
    _fields_ = [("cookie", ctypes.c_uint64), ("endpoint", ctypes.c_uint64),
                ("bytes", ctypes.c_uint64), ("status", ctypes.c_int32),
                ("operation", ctypes.c_uint8), ("has_immediate", ctypes.c_uint8),
                ("reserved", ctypes.c_uint8 * 2), ("immediate", ctypes.c_uint32),
                ("reserved2", ctypes.c_uint32)]


class Block:
    """Writable memory of a random size, page-aligned or not."""

    def __init__(self, source):
        self.bytes = PAGE * source.randrange(1, 129)
        self.owner = bytearray(self.bytes) if source.random() < 0.5 else mmap.mmap(-1, self.bytes)
        self.view = memoryview(self.owner)

    def address(self):
        return ctypes.addressof(ctypes.c_char.from_buffer(self.view))

    def close(self):
        self.view.release()
        if isinstance(self.owner, mmap.mmap):
            self.owner.close()

    def fill(self, number):
        for at in range(0, self.bytes, PAGE):
            self.view[at:at + 8] = number.to_bytes(8, "little")


class Pair:
    def __init__(self, library):
        self.calls = ctypes.CDLL(library)
        for name in ("context_create", "listen", "accept", "connect"):
            getattr(self.calls, f"mapwire_{name}").restype = ctypes.c_void_p
        for name in ("wait", "poll"):
            getattr(self.calls, f"mapwire_{name}").restype = ctypes.c_size_t
        self.calls.mapwire_code_name.restype = ctypes.c_char_p
        self.calls.mapwire_test_hits.restype = ctypes.c_uint64
        self.calls.mapwire_test_pin(1)
        self.context = self.made("context_create")
        listener = self.made("listen", self.context, b"127.0.0.1:0")
        port = self.calls.mapwire_listener_port(ctypes.c_void_p(listener))
        acceptor = threading.Thread(target=self.accept, args=(listener,))
        acceptor.start()
        self.sender = self.made("connect", self.context, b"127.0.0.1:%d" % port,
                                ctypes.c_uint64(0))
        acceptor.join()
        self.calls.mapwire_listener_close(ctypes.c_void_p(listener))

    def accept(self, listener):
        self.receiver = self.made("accept", listener, ctypes.c_uint64(MINUTE_NS))

    def made(self, name, *arguments):
        """What mapwire_<name> makes."""
        failure = Failure()
        objects = [ctypes.c_void_p(a) if isinstance(a, int) else a for a in arguments]
        result = getattr(self.calls, f"mapwire_{name}")(*objects, ctypes.byref(failure))
        if result is None:
            sys.exit(f"stale.py: {name}: {failure.message.decode()}")
        return result

    def call(self, name, endpoint, block, size):
        code = getattr(self.calls, f"mapwire_{name}")(
            ctypes.c_void_p(endpoint), ctypes.c_void_p(block.address()), ctypes.c_size_t(size),
            ctypes.c_uint64(1))
        return self.calls.mapwire_code_name(code).decode()

    def exchange(self, source, target, number):
        """Whether the number arrives on every page."""
        size = min(source.bytes, target.bytes)
        source.fill(number)
        completions = (Completion * 4)()
        if (name := self.call("post_receive", self.receiver, target, size)) != "ok":
            sys.exit(f"stale.py: receive: {name}")
        while (name := self.call("post_send", self.sender, source, size)) != "ok":
            if name != "would_block":
                sys.exit(f"stale.py: send: {name}")
            self.calls.mapwire_poll(ctypes.c_void_p(self.context), completions,
                                    ctypes.c_size_t(0))
        came = 0
        while came < 2:
            count = self.calls.mapwire_wait(ctypes.c_void_p(self.context), completions,
                                            ctypes.c_size_t(4), ctypes.c_uint64(MINUTE_NS))
            if count == 0 or any(completion.status for completion in completions[:count]):
                sys.exit(f"stale.py: {count} completions: {completions[0].status}")
            came += count
        wanted = number.to_bytes(8, "little")
        return all(target.view[at:at + 8] == wanted for at in range(0, size, PAGE))

    def close(self):
        for endpoint in (self.sender, self.receiver):
            self.calls.mapwire_endpoint_close(ctypes.c_void_p(endpoint))
        self.calls.mapwire_context_destroy(ctypes.c_void_p(self.context))


def main():
    library, changes, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    source = random.Random(seed)
    pair = Pair(library)
    blocks = [Block(source) for _ in range(6)]
    messages = wrong = 0
    for _ in range(changes):
        at = source.randrange(len(blocks))
        if source.random() < 0.5:  # else the new one may lie where the old one lay
            fresh = Block(source)
            blocks[at].close()
        else:
            blocks[at].close()
            fresh = Block(source)
        blocks[at] = fresh
        for _ in range(source.randrange(5)):
            messages += 1
            wrong += not pair.exchange(*source.sample(blocks, 2), messages)
    hits = pair.calls.mapwire_test_hits()
    pair.close()
    print(f"{changes} changes, {messages} messages, {hits} hits, {wrong} wrong")
    if hits < changes / 10:
        sys.exit("stale.py: too few hits to say anything")
    return 1 if wrong else 0


sys.exit(main())
