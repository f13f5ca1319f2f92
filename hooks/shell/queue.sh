# shellcheck shell=sh
# For the scripts beside this one: read a setting, and put the words of a hook, and its list of files, into the queue.
# One file: a word a line, an empty line, then what came on stdin.

# Usage: setting NAME: what a plain assignment of framework.conf says, as the program reads it; the last one counts.
setting() {
  for file in /etc/dkms/framework.conf /etc/dkms/framework.conf.d/*.conf; do
    [ ! -r "$file" ] || sed -n "s/^[[:space:]]*\(export[[:space:]]\{1,\}\)\{0,1\}$1=//p" "$file"
  done | tail -n 1 | sed "s/^'\([^']*\)'.*/\1/; t
    s/^\"\([^\"]*\)\".*/\1/; t
    s/[[:space:];].*//"
}

state_directory() {
  setting kmodsort_state
}

# Only these bring a list, and it ends; another stdin may never end.
brings_files() {
  case "$1 ${2:-}" in
    'pacman install' | 'pacman remove' | 'rpm files-in' | 'rpm files-out') return 0 ;;
  esac
  return 1
}

# $program is the one that cannot start, or $trouble says what became of it.
queue() {
  # shellcheck disable=SC2154 # whoever calls this names its program
  said="kmodsort: ${trouble:-cannot start now} ($program)"
  state=$(state_directory)
  queue=${state:-/var/lib/kmodsort}/queue
  entry=$(date +%s).$$
  if (
    umask 022
    mkdir -p "$queue" &&
      {
        printf '%s\n' "$@" ''
        ! brings_files "$@" || cat
      } > "$queue/.tmp_$entry" &&
      mv "$queue/.tmp_$entry" "$queue/$entry"
  ); then
    echo "$said: '$*' waits in $queue for the next run, at the latest at boot" >&2
  else
    echo "$said, and cannot write to $queue: run 'kmodsort sync' when it can" >&2
  fi
  return 0
}
