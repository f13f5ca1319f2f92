import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { repository, type TestKernel } from '../kernels.ts';
import { download } from '../module-packages.ts';
import { run } from '../packages.ts';

/** What Debian's own dkms makes of a dkms.conf: its script, out of its package, asked at test time. */

/** One conf as a program reads it for one kernel. */
export interface ReadConf {
  /** It is no valid conf; nothing else counts then. */
  readonly refused: boolean;
  /** `built name, location, dest name, DEST_MODULE_LOCATION, strip` for each object. */
  readonly objects: readonly (readonly string[])[];
  readonly make: string;
  readonly patches: readonly string[];
  /** `PRE_BUILD=configure --with-x` for each that there is. */
  readonly scripts: readonly string[];
  readonly excluded: boolean;
  readonly autoinstall: boolean;
  readonly depends: readonly string[];
}

const cache = join(repository, '.cache', 'dkms');

/** The script of the newest dkms that this Debian has. */
export const dkmsScript = (): string => {
  const kept = join(cache, 'dkms');
  if (existsSync(kept)) return kept;
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, '.tmp-'));
  try {
    download('dkms', work);
    const file = readdirSync(work).find((name) => name.endsWith('.deb')) ?? '';
    run('dpkg', ['-x', join(work, file), join(work, 'x')]);
    renameSync(join(work, 'x/usr/sbin/dkms'), kept);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return kept;
};

/** Everything of the script up to where it looks at its arguments: functions and defaults. */
const functionsOf = (script: string): string => {
  const text = readFileSync(script, 'utf8');
  const end = text.search(/^while \(\(\$# > 0\)\); do$/m);
  if (end < 0) throw new Error(`${script} does not look as it did until now`);
  return text.slice(0, end);
};

/** Asks for one conf a line of stdin: name, version, release, headers, path; answers are words that end in NUL. */
const asking = `
emit() { printf '%s\\0' "$@"; }
ask() (
  module=$1 module_version=$2 kernel_source_dir=$4 ksourcedir_fromcli=true
  kernel_config=$4/.config
  read_conf "$3" x86_64 "$5" >/dev/null 2>&1
  emit conf "$?"
  for index in "\${!DEST_MODULE_LOCATION[@]}"; do
    emit object "\${built_module_name[$index]}" "\${built_module_location[$index]}" "\${dest_module_name[$index]}"
    emit "\${DEST_MODULE_LOCATION[$index]}" "\${strip[$index]}"
  done
  emit make "$make_command" excluded "$build_exclude" autoinstall "$AUTOINSTALL"
  for patch in "\${patch_array[@]}"; do emit patch "$patch"; done
  for script in PRE_BUILD POST_BUILD POST_ADD PRE_INSTALL POST_INSTALL POST_REMOVE; do
    [[ \${!script} ]] && emit script "$script=\${!script}"
  done
  for need in "\${BUILD_DEPENDS[@]}"; do emit need "$need"; done
  emit end
)
while IFS=$'\\t' read -r name version release headers path; do ask "$name" "$version" "$release" "$headers" "$path" </dev/null; done
`;

export interface Question {
  readonly name: string;
  readonly version: string;
  readonly kernel: TestKernel;
  /** Absolute path of the conf. */
  readonly path: string;
}

const parse = (words: string[]): ReadConf => {
  const objects: string[][] = [];
  const lists: Record<string, string[]> = { need: [], patch: [], script: [] };
  const single = new Map<string, string>();
  while (words.length > 0) {
    const key = words.shift() ?? '';
    if (key === 'object') objects.push(words.splice(0, 5));
    else if (lists[key]) lists[key].push(words.shift() ?? '');
    else single.set(key, words.shift() ?? '');
  }
  return {
    objects,
    refused: single.get('conf') !== '0',
    depends: lists.need ?? [],
    patches: lists.patch ?? [],
    scripts: lists.script ?? [],
    make: single.get('make') ?? '',
    excluded: single.get('excluded') === 'yes',
    autoinstall: /^y/i.test(single.get('autoinstall') ?? ''),
  };
};

/** What dkms reads, in the order of the questions. */
export const readByDkms = (questions: readonly Question[], directory: string): ReadConf[] => {
  const script = join(directory, 'asking.sh');
  writeFileSync(script, `${functionsOf(dkmsScript())}\n${asking}`);
  const input = questions
    .map(({ name, version, kernel, path }) => `${[name, version, kernel.release, kernel.headers, path].join('\t')}\n`)
    .join('');
  const { stdout, status } = spawnSync('bash', [script], { input, encoding: 'utf8', maxBuffer: 1 << 27 });
  const answers = stdout.split('end\0').slice(0, -1);
  if (status !== 0 || answers.length !== questions.length)
    throw new Error(`dkms answered ${answers.length} of ${questions.length}`);
  return answers.map((answer) => parse(answer.split('\0').slice(0, -1)));
};
