#!/bin/sh
# The torture in a mount namespace of its own: all is read-only but a private file system in memory, where its worlds are,
# the cache of kernels, and docs/, where its page goes.
set -eu
cd "$(dirname "$0")/../.."
if [ "$(id -u)" -ne 0 ]; then
  echo 'The torture mounts file systems, and only root can.' >&2
  exit 1
fi
[ -d .cache ] || mkdir .cache
# shellcheck disable=SC2016 # The inner shell expands them.
exec unshare --mount --propagation private sh -euc '
  worlds=$(mktemp -d)
  mount -t tmpfs -o size=1g,mode=700 kmodsort-torture "$worlds"
  for place in .cache docs; do mount --bind "$place" "$place"; done
  while read -r _ place _ options _; do
    case $place,$options in
      /proc* | /sys* | /dev* | "$worlds",* | "$PWD"/.cache,* | "$PWD"/docs,* | *,ro,* | *,ro) continue ;;
    esac
    mount -o remount,bind,ro "$place" || echo "torture: $place stays writable" >&2
  done < /proc/self/mounts
  TMPDIR=$worlds exec node dist/torture.mjs "$@"
' torture "$@"
