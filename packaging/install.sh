#!/bin/sh
# The one recipe that every package calls: puts the built program and all that goes with it below a directory.
set -eu

usage() {
  echo 'usage: install.sh --destdir DIR --layout debian|arch|rpm [--node /usr/bin/node] [--bundle-node FILE]' >&2
  exit 2
}

destdir='' layout='' node=/usr/bin/node bundled=''
while [ $# -gt 0 ]; do
  case $1 in
    --destdir | --layout | --node | --bundle-node)
      [ $# -ge 2 ] || usage
      case $1 in
        --destdir) destdir=$2 ;;
        --layout) layout=$2 ;;
        --node) node=$2 ;;
        --bundle-node) bundled=$2 ;;
      esac
      shift 2
      ;;
    --destdir=*) destdir=${1#*=} && shift ;;
    --layout=*) layout=${1#*=} && shift ;;
    --node=*) node=${1#*=} && shift ;;
    --bundle-node=*) bundled=${1#*=} && shift ;;
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
if [ ! -f "$bundle" ] || [ ! -d "$top/dist/lib" ]; then
  echo 'install.sh: dist is not built: npm run build' >&2
  exit 1
fi

# Usage: put MODE FILE TARGET
put() {
  install -D -m "$1" "$2" "$destdir/$3"
}

# Usage: place MODE FILE TARGET: as put, with the program's own paths, which depend on the layout, filled in.
place() {
  put "$1" "$top/$2" "$3"
  sed -i "s|@DKMS@|/$sbin/dkms|; s|@KMODSORT@|/usr/bin/kmodsort|" "$destdir/$3"
}

# The node that built it goes along: a hook then runs also while the system's own node is being replaced.
if [ -n "$bundled" ]; then
  node=/usr/lib/kmodsort/node
  put 755 "$bundled" usr/lib/kmodsort/node
fi
put 755 "$bundle" usr/lib/kmodsort/kmodsort.mjs
sed -i "1s|.*|#!$node|" "$destdir/usr/lib/kmodsort/kmodsort.mjs"
for part in "$top"/dist/lib/*.mjs; do put 644 "$part" "usr/lib/kmodsort/lib/${part##*/}"; done
ln -sf kmodsort.mjs "$destdir/usr/lib/kmodsort/dkms"
mkdir -p "$destdir/usr/bin"
ln -sf ../lib/kmodsort/kmodsort.mjs "$destdir/usr/bin/kmodsort"
place 755 hooks/dkms/dkms "$sbin/dkms"

# What hooks of every kind call, and what they call it with where the program cannot start.
for script in hook guard required-check boot-guard; do place 755 "hooks/shell/$script" "usr/lib/kmodsort/$script"; done
place 644 hooks/shell/queue.sh usr/lib/kmodsort/queue.sh
for script in common.postinst dkms_autoinstaller; do place 755 "hooks/dkms/$script" "usr/lib/dkms/$script"; done
place 644 hooks/systemd/kmodsort.service usr/lib/systemd/system/kmodsort.service
ln -sf kmodsort.service "$destdir/usr/lib/systemd/system/dkms.service"
place 644 hooks/login/profile.sh etc/profile.d/kmodsort.sh
put 644 "$top/packaging/framework.conf" etc/dkms/framework.conf
put 644 "$top/packaging/sysusers.conf" usr/lib/sysusers.d/kmodsort.conf
mkdir -p "$destdir/etc/dkms/framework.conf.d" "$destdir/var/lib/dkms" "$destdir/var/lib/kmodsort"

case $layout in
  debian)
    # Before dracut and initramfs-tools: the modules are to be in the initramfs.
    for hook in postinst.d prerm.d; do place 755 "hooks/apt/$hook/00-kmodsort" "etc/kernel/$hook/00-kmodsort"; done
    place 644 hooks/apt/apt.conf etc/apt/apt.conf.d/50kmodsort
    ;;
  arch)
    for hook in "$top"/hooks/pacman/*.hook; do
      place 644 "hooks/pacman/${hook##*/}" "usr/share/libalpm/hooks/${hook##*/}"
    done
    ;;
  rpm) place 755 hooks/rpm/40-dkms.install usr/lib/kernel/install.d/40-dkms.install ;;
esac

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
put 644 "$top/docs/lint.md" usr/share/doc/kmodsort/lint.md
put 644 "$top/docs/doctor.md" usr/share/doc/kmodsort/doctor.md
put 644 "$top/docs/boot-guard.md" usr/share/doc/kmodsort/boot-guard.md
put 644 "$top/docs/prebuilt.md" usr/share/doc/kmodsort/prebuilt.md
put 644 "$top/docs/matrix.md" usr/share/doc/kmodsort/matrix.md
put 644 "$top/docs/fleet.md" usr/share/doc/kmodsort/fleet.md
put 644 "$top/docs/pack.md" usr/share/doc/kmodsort/pack.md
