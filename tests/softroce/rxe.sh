#!/usr/bin/env bash
# Inside the guest: rxe0 on one end, `near`, of a veth pair. The other end, `far`, may be moved into
# another namespace, where it is another host. MTU 9000, for a path MTU of 4096.
set -euo pipefail

ip link set lo up
ip link add near mtu 9000 type veth peer name far mtu 9000
ip link set near up
ip link set far up
ip address add 10.9.0.1/24 dev near
# Usable at once, not after a second of duplicate detection.
ip address add fd09::1/64 dev near nodad
rdma link add rxe0 type rxe netdev near
