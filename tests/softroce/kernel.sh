#!/usr/bin/env bash
# usage: kernel.sh 6.1|6.12
# Prints the folder with `vmlinuz` and `initramfs` of a stock Debian kernel, made if it is not there
# yet. Ends with status 77 and a line `SKIP: reason` where the kernel can not be had.
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
kernel=$1
PATH=$PATH:/usr/sbin:/sbin  # depmod and modprobe are not in every user's PATH

skip() {
  echo "SKIP: $*"
  exit 77
} >&2

# The first place that can be written. The last is everybody's, so it must not be another's already.
cache_folder() {
  local place
  for place in "${XDG_CACHE_HOME:-}" "${HOME:+$HOME/.cache}" "/var/tmp/mapwire-cache-$UID"; do
    [[ $place == /?* ]] || continue
    (umask 077 && mkdir -p "$place/mapwire/softroce/$kernel") 2>/dev/null || continue
    [[ -w $place/mapwire/softroce/$kernel && -O $place/mapwire ]] || continue
    echo "$place/mapwire/softroce/$kernel"
    return
  done
  return 1
}

meta_package() {
  case $kernel in
    6.1) echo linux-image-amd64 ;;
    6.12) echo linux-image-6.12-amd64 ;;  # from bookworm-security
  esac
}

# try_to_fetch FOLDER: if it fails, $why says what did.
try_to_fetch() {
  local meta package
  meta=$(meta_package)
  package=$(apt-cache depends "$meta" 2>/dev/null | sed -n 's/.*Depends: \(linux-image-\)/\1/p')
  why="apt knows no package $meta"
  [[ -n $package ]] || return
  why="apt-get can not download $package"
  (cd "$1" && apt-get -o Acquire::Retries=3 download "$package" >&2)
}

# Fetches into a folder of its own and then renames, so that a half-made image is never seen.
fetch_image() {
  local new=$cache/fetching
  rm -rf "$new"
  mkdir "$new"
  # Lists that are missing or old are the usual cause, and root can renew them.
  try_to_fetch "$new" || { ((EUID == 0)) && apt-get update >&2 && try_to_fetch "$new"; } ||
    skip "$why into $cache; see above, and try: apt-get update"
  mv "$new"/*.deb "$image"
  rmdir "$new"
}

# What is made from the image is named by what makes it, so a change of that is seen.
boot_folder() {
  echo "$cache/$(cat "$image" "$here/initramfs.sh" "$here/init.sh" | sha256sum | cut -c 1-16)"
}

check_tools() {
  local tool package
  while read -r tool package; do
    command -v "$tool" >/dev/null || skip "no $tool (Debian: $package)"
  done <<<$'busybox busybox-static\ncpio cpio\ndepmod kmod\nxz xz-utils\ndpkg dpkg'
  # ldd fails on what needs no libraries.
  ! ldd "$(command -v busybox)" >/dev/null 2>&1 ||
    skip "busybox needs libraries, which an initramfs has not (Debian: busybox-static)"
}

make_boot_folder() {
  rm -rf "$cache/making"
  "$here/initramfs.sh" "$image" "$cache/making" >&2 || {
    df -h "$cache" || true
    echo "softroce: no initramfs could be made of $image; see above; if the package is damaged," \
      "remove it and it is fetched again"
    exit 1
  } >&2
  mv "$cache/making" "$1"
}

cache=$(cache_folder) ||
  skip "no folder for the kernel: set XDG_CACHE_HOME to one that can be written"
image=$cache/linux-image.deb
exec 9>"$cache/lock"
flock 9
[[ -e $image ]] || fetch_image
boot=$(boot_folder)
if [[ ! -d $boot ]]; then
  check_tools
  make_boot_folder "$boot"
fi
echo "$boot"
