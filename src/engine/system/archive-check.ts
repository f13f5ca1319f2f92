import { dirname, join, normalize } from 'node:path';
import type { Problem } from '../problems.ts';

/** Whether an archive may be unpacked: everything in it stays inside it. Pure. */

interface Member {
  /** Bytes. */
  readonly size: number;
  /** The first letter of `tar --list --verbose`: `-` file, `d` directory, `l` symbolic link, `h` hard link. */
  readonly type: string;
  readonly name: string;
  /** Where a link leads, as written. */
  readonly target?: string;
}

/** One line of `tar -tv --quoting-style=escape --full-time`: mode, owner, size, date, time, name. */
const memberOf = (line: string): Member | undefined => {
  const match = /^(.)\S*\s+\S+\s+(\d+|\d+,\s*\d+)\s+\S+\s+\S+\s(.*)$/.exec(line);
  const [type, rest] = [match?.[1], match?.[3]];
  if (!type || rest === undefined) return undefined;
  // Of a device two numbers stand there.
  const size = Number(match?.[2]) || 0;
  const arrow = type === 'l' ? ' -> ' : ' link to ';
  if (type !== 'l' && type !== 'h') return { type, size, name: rest };
  const parts = rest.split(arrow);
  // A name with the arrow in it could hide where the link leads.
  return parts.length === 2 ? { type, size, name: parts[0] ?? '', target: parts[1] ?? '' } : undefined;
};

const leaves = (path: string): boolean => path.startsWith('/') || normalize(path).split('/')[0] === '..';

const problemOf = ({ type, name, target }: Member): Problem | undefined => {
  if (leaves(name) || name.split('/').includes('..')) return { problem: 'member-outside', member: name };
  if (!['-', 'd', 'l', 'h'].includes(type)) return { problem: 'member-type', member: name };
  if (target === undefined) return undefined;
  const place = type === 'l' ? join(dirname(name), target) : target;
  return target.startsWith('/') || leaves(place) ? { problem: 'link-outside', member: name, target } : undefined;
};

/**
 * The first reason against unpacking.
 *
 * @param listing what `tar --list --verbose --full-time --quoting-style=escape` printed
 */
export const archiveProblem = (listing: string): Problem | undefined => {
  for (const line of listing.split('\n').filter(Boolean)) {
    const member = memberOf(line);
    if (!member) return { problem: 'member-unreadable', line };
    const problem = problemOf(member);
    if (problem) return problem;
  }
  return undefined;
};

/** Bytes that the members in a listing take when they are unpacked. */
export const unpackedBytes = (listing: string): number =>
  listing
    .split('\n')
    .map((line) => memberOf(line)?.size ?? 0)
    .reduce((sum, size) => sum + size, 0);

/** Names of the members in a listing. */
export const memberNames = (listing: string): string[] =>
  listing
    .split('\n')
    .map((line) => memberOf(line)?.name.replace(/^\.\//, ''))
    .filter((name) => name !== undefined);
