#!/usr/bin/python3
"""The key-value example: what was put is got, also while several clients write the same keys."""

import subprocess

from support import PATIENCE_S, build_dir, check, finish, serve_example

PROGRAM = build_dir() / "examples" / "kv_store"
KEYS = [f"key{number}" for number in range(4)]
PUTS = 200


def client(*words):
    return subprocess.Popen([PROGRAM, "127.0.0.1", *words], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def ended(process):
    output, errors = process.communicate(timeout=PATIENCE_S)
    return process.returncode, output, errors


def value(writer, number):
    return f"{writer}-{number}-" + writer * 150


def one_after_the_other():
    check("a key is put", ended(client("put", "colour", "blue", "", "empty")) == (0, "", ""))
    check("and got", ended(client("get", "colour", "")) == (0, "blue\nempty\n", ""))
    ended(client("put", "colour", "red"))
    check("and changed", ended(client("get", "colour")) == (0, "red\n", ""))
    status, _, errors = ended(client("get", "size"))
    check("a key that nobody has put is an error", status == 1 and "no such key: size" in errors)
    status, _, errors = ended(client("put", "size", "x" * 193))
    check("so is a value that is too long", status == 1 and "too long" in errors)
    check("and leaves the key alone", "no such key: size" in ended(client("get", "size"))[2])
    status, _, errors = ended(client("put", "size"))
    check("and a key without a value", status == 1 and errors.startswith("kv_store: usage"))


def at_once():
    ended(client("put", *(word for key in KEYS for word in (key, value("z", 0)))))
    writers = {name: client("put", *(word for number in range(PUTS)
                                     for word in (KEYS[number % 4], value(name, number))))
               for name in "abc"}
    readers = [client("get", *(KEYS * 100)) for _ in range(2)]
    written = {value(name, number) for name in "abc" for number in range(PUTS)} | {value("z", 0)}
    for reader in readers:
        status, output, errors = ended(reader)
        values = output.splitlines()
        check("readers see whole values", status == 0 and len(values) == 400
              and written.issuperset(values), errors or set(values) - written)
    for name, writer in writers.items():
        check(f"writer {name} ends", ended(writer) == (0, "", ""))
    last = set(ended(client("get", *KEYS))[1].splitlines())
    check("the last values are those of some writer's last puts",
          last <= {value(name, number) for name in "abc" for number in range(PUTS - 4, PUTS)}, last)


def talk():
    one_after_the_other()
    at_once()


serve_example(PROGRAM, talk)
finish()
