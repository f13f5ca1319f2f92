#!/bin/sh
# Makes a package out of the built program: deb, pacman or rpm, all by install.sh. The file is named at the end.
set -eu

usage() {
  echo 'usage: npm run package -- deb|pacman|rpm [--runtime system|bundled] [--output DIR]' >&2
  exit 2
}

format='' runtime=system output=''
while [ $# -gt 0 ]; do
  case $1 in
    deb | pacman | rpm) format=$1 && shift ;;
    --runtime | --output)
      [ $# -ge 2 ] || usage
      case $1 in
        --runtime) runtime=$2 ;;
        --output) output=$2 ;;
      esac
      shift 2
      ;;
    --runtime=*) runtime=${1#*=} && shift ;;
    --output=*) output=${1#*=} && shift ;;
    *) usage ;;
  esac
done
case $runtime in system | bundled) ;; *) usage ;; esac
[ -n "$format" ] || usage

top=$(cd "$(dirname "$0")/.." && pwd)
version=$(node -p 'require(process.argv[1]).version' "$top/package.json")
output=${output:-$top/dist/packages}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
mkdir -p "$output"

needs() {
  for program in "$@"; do
    command -v "$program" > /dev/null || { echo "package.sh: $program is missing: $hint" >&2 && exit 1; }
  done
}

# Usage: tree LAYOUT DIRECTORY: what the package holds.
tree() {
  set -- --layout "$1" --destdir "$2"
  if [ "$runtime" = bundled ]; then
    set -- "$@" --bundle-node "$(node -p process.execPath)"
  fi
  sh "$top/packaging/install.sh" "$@"
}

make_deb() {
  hint='apt-get install dpkg'
  needs dpkg-deb
  root=$work/root
  tree debian "$root"
  # Made by the postinst where it is missing.
  install -D -m 644 "$root/etc/dkms/framework.conf" "$root/usr/share/kmodsort/framework.conf"
  rm "$root/etc/dkms/framework.conf"
  arch=all needed=', nodejs (>= 20.19)'
  if [ "$runtime" = bundled ]; then arch=$(dpkg --print-architecture) needed=', libc6, libstdc++6'; fi
  mkdir -p "$root/DEBIAN"
  sed "s/@VERSION@/$version/; s/@ARCH@/$arch/; s/@RUNTIME@/$needed/; s/@SIZE@/$(du -sk "$root" | cut -f1)/" \
    "$top/packaging/debian/control.in" > "$root/DEBIAN/control"
  cp "$top/packaging/debian/triggers" "$top/packaging/debian/conffiles" "$root/DEBIAN/"
  for script in preinst postinst prerm postrm; do
    sed -e "/^#DKMS_HOOKS#/{r $top/packaging/debian/dkms-hooks.sh" -e 'd}' "$top/packaging/debian/$script" \
      > "$root/DEBIAN/$script"
    chmod 755 "$root/DEBIAN/$script"
  done
  put_documents "$root/usr/share/doc/kmodsort"
  install -D -m 644 "$top/packaging/debian/lintian-overrides" "$root/usr/share/lintian/overrides/kmodsort"
  (cd "$root" && find usr etc -type f -exec md5sum {} +) > "$root/DEBIAN/md5sums"
  file=$output/kmodsort_${version}_$arch.deb
  dpkg-deb --root-owner-group -Zxz -z3 --build "$root" "$file" > /dev/null
}

put_documents() {
  install -D -m 644 "$top/packaging/debian/copyright" "$1/copyright"
  rm -f "$1/LICENSE"
  install -m 644 "$top/CHANGELOG.md" "$1/CHANGELOG.md"
  printf 'kmodsort (%s) unstable; urgency=medium\n\n  * See CHANGELOG.md beside this file.\n\n -- kmodsort contributors <kmodsort@localhost>  %s\n' \
    "$version" "$(LC_ALL=C date -R -r "$top/CHANGELOG.md")" | gzip -9nc > "$1/changelog.gz"
  chmod 644 "$1/changelog.gz"
}

make_pacman() {
  hint='apt-get install makepkg pacman-package-manager libarchive-tools zstd'
  needs makepkg bsdtar zstd
  mkdir "$work/build"
  sed "s/@VERSION@/$version/; s/@RUNTIME@/$runtime/" "$top/packaging/arch/PKGBUILD.in" > "$work/build/PKGBUILD"
  cp "$top/packaging/arch/kmodsort.install" "$work/build/"
  tree arch "$work/build/tree"
  # makepkg refuses to run as root: nobody has no home and needs none.
  chmod 755 "$work" && chown -R nobody "$work/build"
  as=''
  [ "$(id -u)" -ne 0 ] || as='setpriv --reuid=nobody --regid=nogroup --clear-groups'
  (cd "$work/build" && HOME=$work/build PKGDEST=$work/build PKGEXT=.pkg.tar.zst $as makepkg --nodeps --nocheck -f) > "$work/log" 2>&1 ||
    { cat "$work/log" >&2 && exit 1; }
  made=$(ls "$work"/build/*.pkg.tar.zst)
  file=$output/${made##*/}
  cp "$made" "$file"
}

make_rpm() {
  hint='apt-get install rpm'
  needs rpmbuild
  tree rpm "$work/tree"
  arch=noarch needed='nodejs >= 20.19'
  if [ "$runtime" = bundled ]; then arch=$(uname -m) needed='glibc'; fi
  rpmbuild -bb --target "$arch" \
    --define "_topdir $work/rpm" --define "_rpmdir $work/out" --define "tree $work/tree" \
    --define "program_version $version" --define "needed $needed" \
    "$top/packaging/rpm/kmodsort.spec" > "$work/log" 2>&1 || { cat "$work/log" >&2 && exit 1; }
  made=$(find "$work/out" -name '*.rpm')
  file=$output/${made##*/}
  cp "$made" "$file"
}

"make_$format"
echo "$file"
