#!/bin/sh
# The tests of a fleet, in a network, a mount and a pid namespace of their own: what they start, mount and connect is
# gone with the first process, however it ends. A little of each with --slice; --only chooses by a word of the name.
set -eu
cd "$(dirname "$0")/../.."
if [ "$(id -u)" -ne 0 ]; then
  echo 'The tests of a fleet make networks and mount file systems, and only root can.' >&2
  exit 1
fi
usage='usage: npm run test:fleet [-- [--slice] [--only CASE]]'
case ${1:-} in
  --slice)
    export FLEET_SLICE=1
    shift
    ;;
esac
case ${1:-} in
  '') ;;
  --only)
    [ $# -eq 2 ] || {
      echo "$usage" >&2
      exit 2
    }
    set -- -t "$2"
    ;;
  *)
    echo "$usage" >&2
    exit 2
    ;;
esac
# Nothing of a fleet is made on the machine's own network: see test/fleet/network.ts.
FLEET_OUTSIDE=$(readlink /proc/self/ns/net)
export FLEET_OUTSIDE
# The shell stays: it is the one that takes leave of what has lost its parent.
# shellcheck disable=SC2016 # The inner shell expands them.
exec unshare --mount --propagation private --net --pid --fork --kill-child --mount-proc sh -euc '
  ip link set lo up
  machines=$(mktemp -d)
  mount -t tmpfs -o size=8g,mode=1777 kmodsort-fleet "$machines"
  status=0
  TMPDIR=$machines npx vitest run --project "${FLEET_PROJECT:-fleet}" --no-file-parallelism "$@" || status=$?
  umount -l "$machines"
  rmdir "$machines"
  exit "$status"
' fleet "$@"
