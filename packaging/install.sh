#!/bin/sh
# The one recipe that every package calls: puts the built program and all that goes with it below a directory.
set -eu

usage() {
  echo 'usage: install.sh --destdir DIR --layout debian|arch|rpm [--node /usr/bin/node]' >&2
  exit 2
}

destdir= layout= node=/usr/bin/node
while [ $# -gt 0 ]; do
  case $1 in
    --destdir | --layout | --node)
      [ $# -ge 2 ] || usage
      case $1 in
        --destdir) destdir=$2 ;;
        --layout) layout=$2 ;;
        --node) node=$2 ;;
      esac
      shift 2
      ;;
    --destdir=*) destdir=${1#*=} && shift ;;
    --layout=*) layout=${1#*=} && shift ;;
    --node=*) node=${1#*=} && shift ;;
    *) usage ;;
  esac
done
case $layout in
  debian | rpm) sbin=usr/sbin ;;
  arch) sbin=usr/bin ;;
  *) usage ;;
esac
[ -n "$destdir" ] || usage
case $node in
  /*) ;;
  *) echo 'install.sh: --node wants an absolute path: package managers reset PATH' >&2 && exit 2 ;;
esac

top=$(cd "$(dirname "$0")/.." && pwd)
bundle=$top/dist/kmodsort.mjs
[ -f "$bundle" ] || { echo 'install.sh: there is no dist/kmodsort.mjs: npm run build' >&2 && exit 1; }

# Usage: put MODE FILE TARGET
put() {
  install -D -m "$1" "$2" "$destdir/$3"
}

put 755 "$bundle" usr/lib/kmodsort/kmodsort.mjs
sed -i "1s|.*|#!$node|" "$destdir/usr/lib/kmodsort/kmodsort.mjs"
mkdir -p "$destdir/usr/bin" "$destdir/$sbin"
ln -sf ../lib/kmodsort/kmodsort.mjs "$destdir/usr/bin/kmodsort"
ln -sf ../lib/kmodsort/kmodsort.mjs "$destdir/$sbin/dkms"

# The scripts name the program by its absolute path, which depends on the layout.
for script in common.postinst dkms_autoinstaller; do
  put 755 "$top/packaging/files/$script" "usr/lib/dkms/$script"
  sed -i "s|@DKMS@|/$sbin/dkms|; s|@KMODSORT@|/usr/bin/kmodsort|" "$destdir/usr/lib/dkms/$script"
done
put 644 "$top/hooks/systemd/dkms.service" usr/lib/systemd/system/dkms.service
sed -i "s|@DKMS@|/$sbin/dkms|; s|@KMODSORT@|/usr/bin/kmodsort|" "$destdir/usr/lib/systemd/system/dkms.service"
put 644 "$top/packaging/files/framework.conf" etc/dkms/framework.conf
mkdir -p "$destdir/etc/dkms/framework.conf.d"

for page in dkms.8 dkms.conf.5 kmodsort.8; do
  section=${page##*.}
  put 644 "$top/dist/man/$page" "usr/share/man/man$section/$page"
  gzip -9nf "$destdir/usr/share/man/man$section/$page"
done
put 644 "$top/dist/completion/kmodsort.bash" usr/share/bash-completion/completions/dkms
ln -sf dkms "$destdir/usr/share/bash-completion/completions/kmodsort"
put 644 "$top/dist/completion/_kmodsort" usr/share/zsh/site-functions/_kmodsort
put 644 "$top/dist/completion/kmodsort.fish" usr/share/fish/vendor_completions.d/dkms.fish
ln -sf dkms.fish "$destdir/usr/share/fish/vendor_completions.d/kmodsort.fish"
put 644 "$top/LICENSE" usr/share/doc/kmodsort/LICENSE
put 644 "$top/README.md" usr/share/doc/kmodsort/README.md
