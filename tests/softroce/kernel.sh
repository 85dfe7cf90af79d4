#!/usr/bin/env bash
# usage: kernel.sh 6.1|6.12
# Prints the folder with `vmlinuz` and `initramfs` of a stock Debian kernel, made if it is not there
# yet. Ends with status 77 and a line `SKIP: reason` where the kernel can not be had.
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
kernel=$1
cache=${XDG_CACHE_HOME:-$HOME/.cache}/mapwire/softroce/$kernel
image=$cache/linux-image.deb

skip() {
  echo "SKIP: $*"
  exit 77
} >&2

meta_package() {
  case $kernel in
    6.1) echo linux-image-amd64 ;;
    6.12) echo linux-image-6.12-amd64 ;;  # from bookworm-security
  esac
}

# Fetches into a folder of its own and then renames, so that a half-made image is never seen.
fetch_image() {
  local meta package new=$cache/fetching
  meta=$(meta_package)
  package=$(apt-cache depends "$meta" 2>/dev/null | sed -n 's/.*Depends: \(linux-image-\)/\1/p')
  [[ -n $package ]] || skip "apt knows no package $meta; try: apt-get update"
  rm -rf "$new"
  mkdir "$new"
  (cd "$new" && apt-get download "$package" >&2) ||
    skip "apt-get can not download $package; try: apt-get update"
  mv "$new"/*.deb "$image"
  rmdir "$new"
}

# What is made from the image is named by what makes it, so a change of that is seen.
boot_folder() {
  echo "$cache/$(cat "$image" "$here/initramfs.sh" "$here/init.sh" | sha256sum | cut -c 1-16)"
}

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
[[ -e $image ]] || fetch_image
boot=$(boot_folder)
if [[ ! -d $boot ]]; then
  rm -rf "$cache/making"
  "$here/initramfs.sh" "$image" "$cache/making" >&2
  mv "$cache/making" "$boot"
fi
echo "$boot"
