/** The bash that reads confs: each in a subshell of its own, with a result file of its own. */

/** Directives whose values are regular expressions of bash against the kernel or the architecture. */
const patterns = { kernelver: ['MAKE_MATCH', 'PATCH_MATCH', 'BUILD_EXCLUSIVE_KERNEL'], arch: ['BUILD_EXCLUSIVE_ARCH'] };

/*
 * Fields of the list are NUL-terminated: result, complaints, uname directory, then files, scope
 * (NAME=value) and directives, each closed by an empty field.
 * Each value is taken as a word list joined by blanks and expanded a second time in double quotes:
 * confs in the field rely on it ('sub-$kernelver'). The answer is given in the function that reads: what a conf
 * declares (declare -a MAKE) is local to it.
 */
export const reader = `
kmodsort_fields() {
  kmodsort_got=()
  while IFS= read -r -d '' -u 7 kmodsort_field && [[ -n $kmodsort_field ]]; do kmodsort_got+=("$kmodsort_field"); done
}
kmodsort_twice() {
  local IFS=$' \\t\\n' lead='' words
  [[ $1 == [[:space:]]* ]] && lead=' '
  set -f; words=($1); set +f
  IFS=' '; kmodsort_once=$lead\${words[*]}
  kmodsort_value=$kmodsort_once
  eval "kmodsort_value=\\"$kmodsort_once\\""
  kmodsort_value=\${kmodsort_value%$'\\r'}
}
kmodsort_print() {
  local name index reference
  for name in "\${kmodsort_names[@]}"; do
    eval "kmodsort_indexes=(\\"\\\${!$name[@]}\\")"
    for index in "\${kmodsort_indexes[@]}"; do
      reference="$name[$index]"
      kmodsort_twice "\${!reference}"
      printf -v "$reference" %s "$kmodsort_value"
      printf '%s\\0%s\\0%s\\0' "$name" "$index" "$kmodsort_value"
    done
  done
}
kmodsort_match() {
  local subject=$1 name index reference answer; shift
  for name; do
    eval "kmodsort_indexes=(\\"\\\${!$name[@]}\\")"
    for index in "\${kmodsort_indexes[@]}"; do
      reference="$name[$index]" answer=no
      [[ $subject =~ \${!reference} ]] && answer=yes
      printf 'match:%s\\0%s\\0%s\\0' "$name" "$index" "$answer"
    done
  done
}
kmodsort_read_all() {
  for kmodsort_file in "\${kmodsort_files[@]}"; do
    printf -v kmodsort_now %s "$kmodsort_file"
    . "$kmodsort_file" </dev/null >/dev/null
  done
  for kmodsort_field in "\${kmodsort_directives[@]}"; do eval "\${kmodsort_field%%=*}=\\\${kmodsort_field#*=}"; done
  kmodsort_answer >"$kmodsort_result.part"
}
kmodsort_answer() {
  kmodsort_print
  kmodsort_match "$kernelver" ${patterns.kernelver.join(' ')}
  kmodsort_match "$arch" ${patterns.arch.join(' ')}
  printf 'END\\0000\\000done\\0'
}
mapfile -t kmodsort_names <"$2"
exec 7<"$1"
while IFS= read -r -d '' -u 7 kmodsort_result; do
  IFS= read -r -d '' -u 7 kmodsort_complaints
  IFS= read -r -d '' -u 7 kmodsort_uname
  kmodsort_fields; kmodsort_files=("\${kmodsort_got[@]}")
  kmodsort_fields; kmodsort_scope=("\${kmodsort_got[@]}")
  kmodsort_fields; kmodsort_directives=("\${kmodsort_got[@]}")
  (
    exec 7<&- 2>"$kmodsort_complaints"
    PATH=$kmodsort_uname:$PATH
    for kmodsort_field in "\${kmodsort_scope[@]}"; do printf -v "\${kmodsort_field%%=*}" %s "\${kmodsort_field#*=}"; done
    kmodsort_read_all
    mv -f "$kmodsort_result.part" "$kmodsort_result"
  ) </dev/null
done
exit 0
`;
