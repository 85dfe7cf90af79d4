#!/bin/busybox sh
# shellcheck shell=sh
# /init of the initramfs: loads the modules, makes a root of the host's files that can be written
# without changing them, and hands over to guest.sh there.
set -eu

bb() { /bin/busybox "$@"; }

bb mount -t proc proc /proc
bb mount -t sysfs sysfs /sys
bb mount -t devtmpfs dev /dev
while read -r module; do
  bb insmod "/modules/$module"
done </modules/order

# cache=loose: nobody else writes what the guest reads, or it may well see the older bytes.
bb mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro host /host
bb mount -t tmpfs scratch /scratch
bb mkdir /scratch/upper /scratch/work
bb mount -t overlay -o lowerdir=/host,upperdir=/scratch/upper,workdir=/scratch/work root /new

bb mkdir -p /new/proc /new/sys /new/dev /new/run
for folder in proc sys dev; do
  bb mount --move "/$folder" "/new/$folder"
done
# What udev would have made.
for stream in 0:stdin 1:stdout 2:stderr; do
  bb ln -s "/proc/self/fd/${stream%:*}" "/new/dev/${stream#*:}"
done
bb ln -s /proc/self/fd /new/dev/fd
bb mkdir -p /new/dev/shm /new/dev/pts
bb mount -t tmpfs shm /new/dev/shm
bb mount -t devpts pts /new/dev/pts
bb mount -t tmpfs run /new/run
bb mkdir /new/run/softroce
bb mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000 share /new/run/softroce

exec /bin/busybox switch_root /new /bin/bash "$(bb cat /new/run/softroce/folder)/guest.sh"
