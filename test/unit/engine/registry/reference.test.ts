import { describe, expect, it } from 'vitest';
import { artifactName, registryOf, repositoryOf } from '../../../../src/engine/registry/reference.ts';

describe('registryOf', () => {
  it.each([
    'registry.example.org/kmods',
    'registry.example.org',
    'localhost/kmods',
    'localhost:5000',
    'registry:5000/a/b-c/d__e/f.g_h',
    '192.0.2.1/kmods',
    '[2001:db8::1]:5000/kmods',
  ])('knows the registry %s', (name) => {
    expect(registryOf(name)).toEqual({ kind: 'registry', name });
  });
  it.each([
    ['/srv/kmods', '/srv/kmods'],
    ['/srv/kmods/', '/srv/kmods'],
    ['/srv/with blank:5', '/srv/with blank:5'],
    ['/', '/'],
  ])('knows the directory %s', (text, path) => {
    expect(registryOf(text)).toEqual({ kind: 'directory', path });
  });
  it.each([
    ['one word, which tools look for at docker.io', 'kmods'],
    ['two words, likewise', 'kmods/builds'],
    ['a scheme', 'https://registry.example.org/kmods'],
    ['a transport of skopeo', 'docker://registry.example.org/kmods'],
    ['a tag', 'registry.example.org/kmods:latest'],
    ['a digest', `registry.example.org/kmods@sha256:${'0'.repeat(64)}`],
    ['capitals', 'registry.example.org/Kmods'],
    ['an empty component', 'registry.example.org//kmods'],
    ['a slash at its end', 'registry.example.org/'],
    ['dots', 'registry.example.org/../kmods'],
    ['a relative path', './kmods'],
    ['an option', '-h.example.org/kmods'],
    ['a blank', 'registry.example.org/km ods'],
    ['two lines', '/srv\n/kmods'],
    ['credentials', 'user:word@registry.example.org/kmods'],
    ['nothing', ''],
  ])('refuses %s: %j', (_what, text) => {
    expect(registryOf(text)).toBeUndefined();
  });
});

describe('repositoryOf', () => {
  it.each([
    ['zfs', 'zfs'],
    ['acpi-call', 'acpi-call'],
    ['acpi_call', 'acpi_call'],
    ['nvidia-current-open', 'nvidia-current-open'],
    ['rtl8812AU', 'rtl8812au'],
    ['lib++x', 'lib-x'],
    ['a..b', 'a-b'],
    ['a._b', 'a-b'],
    ['a:b@c', 'a-b-c'],
    ['_under_', 'under'],
    ['++', 'module'],
  ])('makes of %s the repository %s', (module, repository) => {
    expect(repositoryOf(module)).toBe(repository);
  });
});

describe('artifactName', () => {
  it('is what tools take', () => {
    expect(artifactName({ kind: 'registry', name: 'r.example.org/kmods' }, 'ZFS', 'abc')).toBe(
      'r.example.org/kmods/zfs:abc',
    );
    expect(artifactName({ kind: 'directory', path: '/srv/kmods' }, 'zfs', 'abc')).toBe('/srv/kmods/zfs/abc');
  });
});
