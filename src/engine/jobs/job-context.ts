import type { ModuleConf } from '../conf/conf.ts';
import type { Finding } from '../plan/survey.ts';
import type { Job } from '../plan.ts';
import type { Step } from '../progress.ts';
import type { BuildSite } from '../run/build-site.ts';
import type { Run } from '../run/run.ts';

/** What the steps of one Job share. */
export interface JobContext {
  readonly run: Run;
  readonly job: Job;
  readonly finding: Finding;
  readonly conf: ModuleConf;
  readonly site: BuildSite;
  readonly needs: readonly string[];
  /** A run that was killed had begun to change what is installed. */
  readonly unfinished: boolean;
  readonly say: (step: Step) => void;
  /** Told when files of the kernel have been changed. */
  readonly onChanged: () => void;
}
