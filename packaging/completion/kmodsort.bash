# bash completion for dkms and kmodsort: looks into the trees itself, starts no program.

_kmodsort_modules() {
  local tree=/var/lib/dkms entry
  for entry in "$tree"/*/*/source /usr/src/*/dkms.conf; do
    [[ -e $entry ]] || continue
    case $entry in
      "$tree"/*) entry=${entry#"$tree"/} && echo "${entry%/source}" ;;
      *) entry=${entry#/usr/src/} && entry=${entry%/dkms.conf} && echo "${entry%-*}/${entry##*-}" ;;
    esac
  done | sort -u
}

_kmodsort_kernels() {
  local directory
  for directory in /lib/modules/*/ /usr/lib/modules/*/; do
    [[ -d $directory ]] && basename "$directory"
  done | sort -u
}

_kmodsort() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} words
  COMPREPLY=()
  case $previous in
    -k | --kernelver | --kernel | --templatekernel) words=$(_kmodsort_kernels) ;;
    -m | --module) words=$(_kmodsort_modules) ;;
    -c | --conf | --config | --archive | --packages | --kernelsourcedir | --*tree | --confdir | --statedir | --os-release)
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
    *)
      case ${COMP_WORDS[0]##*/} in
        dkms) words='@DKMS_ACTIONS@' ;;
        *) words='@KMODSORT_COMMANDS@' ;;
      esac
      if [[ $current == -* ]]; then
        case ${COMP_WORDS[0]##*/} in
          dkms) words='@DKMS_OPTIONS@' ;;
          *) words='@KMODSORT_OPTIONS@' ;;
        esac
      elif [[ ${COMP_WORDS[1]} == lint ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
      elif ((COMP_CWORD > 1)); then
        words=$(_kmodsort_modules)
      fi
      ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _kmodsort dkms kmodsort
