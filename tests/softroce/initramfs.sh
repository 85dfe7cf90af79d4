#!/usr/bin/env bash
# usage: initramfs.sh KERNEL.deb FOLDER
# Makes FOLDER with `vmlinuz` and `initramfs` from a Debian kernel package, which is not installed.
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
image=$1
folder=$2

# The guest's files and streams; the wire; rxe, which needs a crc32 that it does not ask for.
modules=(
  virtio_pci 9pnet_virtio 9p overlay virtio_console
  veth bridge sch_netem
  crc32_generic crc32-pclmul rdma_rxe ib_uverbs rdma_ucm
)

# Beside the result, as a kernel with all its modules is too large for many a /tmp.
work=$folder/work

# Copies the modules in the order in which they can be loaded, which the file `order` holds.
copy_modules() {
  local version module file name
  version=$(basename "$work"/package/lib/modules/*)
  depmod -b "$work/package" "$version"
  for module in "${modules[@]}"; do
    modprobe -d "$work/package" -S "$version" --show-depends "$module"
  done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' >"$work/files"
  while read -r file; do
    name=$(basename "${file%.xz}")
    if [[ $file == *.xz ]]; then xz -dc "$file"; else cat "$file"; fi >"$work/root/modules/$name"
    echo "$name" >>"$work/root/modules/order"
  done <"$work/files"
}

mkdir -p "$work/package" "$work"/root/{bin,modules,proc,sys,dev,host,scratch,share,new}
dpkg -x "$image" "$work/package"
copy_modules
cp "$(command -v busybox)" "$work/root/bin/"
install -m 755 "$here/init.sh" "$work/root/init"
(cd "$work/root" && find . | cpio -o -H newc --quiet | gzip -1) >"$folder/initramfs"
cp "$work"/package/boot/vmlinuz-* "$folder/vmlinuz"
rm -rf "$work"
