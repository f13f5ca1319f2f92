# shellcheck shell=sh
# Shown at each login until the modules are there again.
case $- in
  *i*) [ ! -s /var/lib/kmodsort/notice ] || cat /var/lib/kmodsort/notice ;;
esac
