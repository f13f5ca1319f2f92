# An earlier dkms leaves its hooks behind as configuration files, and they would run against our program. They
# stay aside as long as we are installed, so that a dkms that comes back finds them as they were.
aside=/var/lib/kmodsort/dkms-hooks

# Installed, or removed and not purged.
is_dkms_known() {
  case $(dpkg-query -W -f '${db:Status-Status}' dkms 2> /dev/null) in
    '' | not-installed) return 1 ;;
  esac
}

put_dkms_hooks_aside() {
  for place in header_postinst.d install.d postinst.d preinst.d prerm.d postrm.d; do
    hook=/etc/kernel/$place/dkms
    [ -e "$hook" ] || continue
    mkdir -p "$aside"
    mv -f "$hook" "$aside/$place"
  done
}

put_dkms_hooks_back() {
  [ -d "$aside" ] || return 0
  for hook in "$aside"/*; do
    place=/etc/kernel/${hook##*/}
    # Of a dkms that was purged nothing may stay.
    if [ -e "$hook" ] && [ ! -e "$place/dkms" ] && is_dkms_known; then
      mkdir -p "$place"
      mv "$hook" "$place/dkms"
    fi
  done
  rm -rf "$aside"
}
