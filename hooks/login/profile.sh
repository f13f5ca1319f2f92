# shellcheck shell=sh
# Shown at each login until the modules are there again. Stays behind when the package is removed, and then does nothing.
case $- in
  *i*)
    if [ -r /usr/lib/kmodsort/queue.sh ]; then
      (
        # shellcheck source=hooks/shell/queue.sh
        . /usr/lib/kmodsort/queue.sh
        state=$(state_directory)
        notice=${state:-/var/lib/kmodsort}/notice
        [ ! -s "$notice" ] || cat "$notice"
      )
    fi
    ;;
esac
