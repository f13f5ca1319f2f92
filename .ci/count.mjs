// The closing line of a run: how many tests all suites together passed, failed and skipped.
// Arguments: the files that vitest's json reporter wrote. Ends with 1 where nothing passed.
import { readFileSync } from 'node:fs';

const suites = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, 'utf8')));
const total = (field) => suites.reduce((sum, suite) => sum + suite[field], 0);
const passed = total('numPassedTests');
console.log(`${passed} passed, ${total('numFailedTests')} failed, ${total('numPendingTests')} skipped`);
process.exitCode = passed > 0 ? 0 : 1;
