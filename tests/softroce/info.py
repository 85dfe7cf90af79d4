#!/usr/bin/python3
"""mapwire info where there is a device: what it says of rxe0, and what it would choose."""

import pathlib

import rxe
from schema_files import jsonschema, problem
from support import check, finish, result, run, skip


def nic(document, kind):
    return next((nic for nic in document.get("nics", []) if nic["nic"] == kind), None)


def device():
    document = result(run("info", "--json"))
    check("the document is one of its schema", problem("info", document) is None,
          problem("info", document))
    rxe0 = nic(document, "verbs")
    if not check("rxe0 is listed", rxe0 and rxe0["name"] == rxe.DEVICE, document):
        return
    port = rxe0["ports"][0]
    check("its port is up, with the path MTU of a veth of 9000",
          (port["state"], port["mtu_active"], port["mtu_max"]) == ("active", 4096, 4096), port)
    check("each GID has the index, type and address that sysfs has",
          {gid["address"]: gid["index"] for gid in port["gids"] if gid["type"] == "RoCE v2"
           and gid["interface"] == "near"}.items() >=
          {address: rxe.gid_index(kind) for kind, address in rxe.ADDRESSES.items()}.items(), port)
    check("rxe takes data into a request", rxe0["limits"]["inline_bytes"] > 0, rxe0["limits"])
    check("ibv_devinfo has the same limit of queue pairs",
          f"max_qp:\t\t\t\t{rxe0['limits']['queue_pairs']}"
          in rxe.output("ibv_devinfo", "-v")[1], rxe0["limits"])


def choice():
    for kind, address in rxe.ADDRESSES.items():
        document = result(run("info", address, "--json"))
        check(f"the choice for {address} is one of its schema", problem("info", document) is None,
              problem("info", document))
        chosen = [candidate for candidate in document["choice"]["candidates"]
                  if candidate["chosen"]]
        check(f"auto chooses the GID that is {address}",
              [(each["nic"], each["name"], each["gid_index"]) for each in chosen]
              == [("verbs", rxe.DEVICE, rxe.gid_index(kind))], document)
    document = result(run("info", "127.0.0.1", "--json"))
    check("the loopback is for the soft NIC", [
        each["nic"] for each in document["choice"]["candidates"] if each["chosen"]] == ["soft"],
        document)


def without_node():
    """As in a container that was not given the node: libibverbs does not list such a device."""
    node = next(pathlib.Path("/dev/infiniband").glob("uverbs*"))
    hidden = node.with_name("hidden")
    node.rename(hidden)
    try:
        document = result(run("info", rxe.ADDRESSES["IPv4"], "--json"))
        check("a device without its node is named with the command that gives it",
              all(part in document.get("no_devices", "")
                  for part in (str(node), "--device /dev/infiniband")), document)
        check("and the soft NIC serves", [candidate["nic"] for candidate in
              document["choice"]["candidates"] if candidate["chosen"]] == ["soft"], document)
    finally:
        hidden.rename(node)


def without_permission():
    node = next(pathlib.Path("/dev/infiniband").glob("uverbs*"))
    mode = node.stat().st_mode
    node.chmod(0o600)
    try:
        document = result(run("info", "--json", user="nobody"))
        check("a device whose node another user owns is listed with the reason",
              "Permission denied" in (nic(document, "verbs") or {}).get("problem", ""), document)
    finally:
        node.chmod(mode)


def main():
    why = rxe.missing() or ("needs python3-jsonschema" if jsonschema is None else None)
    if why:
        skip("info", why)
        finish()
    device()
    choice()
    without_node()
    without_permission()
    finish()


main()
