#!/usr/bin/env bash
# usage: qemu.sh BOOT WORK
# Runs QEMU until the guest powers off. BOOT has `vmlinuz` and `initramfs`. WORK has the pipes
# `stdout` and `stderr` and the folder `share`, which the guest writes; gets the file `console`.
set -euo pipefail

boot=$1
work=${2//,/,,}  # as QEMU wants it in options

# The clock is the TSC: a guest under TCG else takes the HPET, which costs a system call and an exit
# at each reading, so that whoever measures by it measures that.
# TCG, as KVM is not to be had in many places, and where it is, a stock kernel may hang under it.
# The host's files are offered read-only; `remap`, as they lie on several file systems.
exec qemu-system-x86_64 \
  -accel tcg,thread=multi -machine q35 -cpu max -smp 2 -m 2048 \
  -nodefaults -display none -no-reboot \
  -kernel "$boot/vmlinuz" -initrd "$boot/initramfs" \
  -append 'console=ttyS0 quiet panic=-1 oops=panic mitigations=off tsc=reliable clocksource=tsc' \
  -chardev file,id=console,path="$work/console" -serial chardev:console \
  -fsdev local,id=host,path=/,security_model=none,readonly=on,multidevs=remap \
  -device virtio-9p-pci,fsdev=host,mount_tag=host \
  -fsdev local,id=share,path="$work/share",security_model=none \
  -device virtio-9p-pci,fsdev=share,mount_tag=share \
  -device virtio-serial-pci \
  -chardev file,id=stdout,path="$work/stdout" \
  -device virtserialport,chardev=stdout,name=stdout \
  -chardev file,id=stderr,path="$work/stderr" \
  -device virtserialport,chardev=stderr,name=stderr
