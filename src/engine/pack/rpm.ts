import { join } from 'node:path';
import { makeDirectory, writeText } from '../system/publish.ts';
import { packageFile } from './names.ts';
import { descriptionOf, type ModulePackage, summaryOf } from './package.ts';
import { relationText } from './relations.ts';
import { rpmScripts } from './scripts.ts';
import { make, placeObjects, settle, type Workshop } from './tree.ts';

/** Packages for rpm. Sources: rpm-spec(5), rpmbuild(8), the macros of rpm for reproducible builds. */

/** `Sat Nov 28 2026`. */
const changelogDate = (seconds: number): string => {
  const [day = '', number = '', month = '', year = ''] = new Date(seconds * 1000).toUTCString().split(/,? /);
  return `${day} ${month} ${number} ${year}`;
};

/**
 * The spec of a package whose files are in a directory.
 *
 * @param root absolute path of that directory
 */
export const specText = (made: ModulePackage, root: string): string =>
  `%global __os_install_post %{nil}
%global debug_package %{nil}
%global _build_id_links none
%global _binary_payload w6.xzdio
%global _buildhost localhost
%global use_source_date_epoch_as_buildtime 1
%global clamp_mtime_to_source_date_epoch 1
Name: ${made.name}
Version: ${made.version}
Release: ${made.revision}
Summary: ${summaryOf(made).replace(/^k/, 'K')}
License: ${made.license}
Group: System Environment/Kernel
AutoReqProv: no
${made.depends.map((one) => `Requires: ${relationText('rpm', one)}`).join('\n')}
Requires(post): kmod
Requires(postun): kmod
${made.provides.map((name) => `Provides: ${name}`).join('\n')}
${made.conflicts.map((name) => `Conflicts: ${name}`).join('\n')}

%description
${descriptionOf(made).join('\n')}

%install
cp -a ${root}/. %{buildroot}/

${rpmScripts(made)}
%files
%defattr(-,root,root,-)
%dir ${made.directory}
${made.objects.map((name) => `${made.directory}/${name}`).join('\n')}

%changelog
* ${changelogDate(made.seconds)} kmodsort <kmodsort@localhost> - ${made.version}-${made.revision}
- ${made.module.name} ${made.module.version}, built for Linux ${made.kernel.release}
`;

/**
 * Make a package.
 *
 * @param objects absolute paths
 * @returns the path of its file. Throws FailureError.
 */
export const makeRpm = async (workshop: Workshop, made: ModulePackage, objects: readonly string[]): Promise<string> => {
  const { directory } = workshop;
  const root = join(directory, 'root');
  placeObjects(root, made.directory, objects);
  await settle(workshop, root, made.seconds);
  const spec = join(directory, 'package.spec');
  writeText(spec, specText(made, root));
  makeDirectory(join(directory, 'home'));
  const defined = { _topdir: join(directory, 'top'), _rpmdir: directory, _rpmfilename: packageFile('rpm', made) };
  const defines = Object.entries(defined).flatMap(([name, value]) => ['--define', `${name} ${value}`]);
  await make(workshop, ['rpmbuild', '-bb', '--target', `${made.arch}-linux`, ...defines, spec], {
    // Macros of whoever runs it are not part of the package.
    variables: { SOURCE_DATE_EPOCH: String(made.seconds), HOME: join(directory, 'home') },
  });
  return join(directory, packageFile('rpm', made));
};
