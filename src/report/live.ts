import type { WriteStream } from 'node:tty';
import {
  type ListrEventManager,
  ListrEventType,
  type ListrRenderer,
  type ListrRendererTask,
  ListrTaskEventType,
} from 'listr2';

/** A terminal, as far as it is drawn on. */
export type Screen = Pick<WriteStream, 'getWindowSize' | 'write' | 'on' | 'off'>;

interface LiveOptions {
  readonly screen?: Screen;
  /** The lines that are to stand at the bottom now; none may be as wide as the screen. */
  readonly lines?: () => readonly string[];
}

/** Milliseconds between two drawings when nothing happens: the times go on. */
const tick = 1000;

/**
 * So many lines above the cursor erased, one by one, and the cursor in the first column of the first of them. Source:
 * ECMA-48, CUU, EL, CR. Not ED: where that erases the whole screen, tmux and others keep a copy in their history.
 */
const eraseAbove = (rows: number): string => (rows > 0 ? `${'\u001b[1A\u001b[2K'.repeat(rows)}\r` : '');

// biome-ignore lint/suspicious/noControlCharactersInRegex: a colour begins with one.
const widthOf = (line: string): number => line.replaceAll(/\u001b\[[\d;]*m/g, '').length;

/**
 * Draws the tasks of a list: the title of one that has ended scrolls away, and below them stand a few lines that
 * change. Nothing is drawn beyond the last line, so that what is below it stays the terminal's.
 */
export class LiveRenderer implements ListrRenderer {
  static readonly nonTTY = true;
  static readonly rendererOptions: LiveOptions = {};
  static readonly rendererTaskOptions: never;

  readonly #tasks: readonly ListrRendererTask<typeof LiveRenderer>[];
  readonly #options: LiveOptions;
  readonly #events: ListrEventManager | undefined;
  #clock: NodeJS.Timeout | undefined;
  /** What stands there. */
  #drawn: readonly string[] = [];

  constructor(
    tasks: ListrRendererTask<typeof LiveRenderer>[],
    options: typeof LiveRenderer.rendererOptions,
    events?: ListrEventManager,
  ) {
    this.#tasks = tasks;
    this.#options = options;
    this.#events = events;
  }

  render(): void {
    for (const task of this.#tasks) task.on(ListrTaskEventType.CLOSED, () => this.#draw(task.title));
    this.#events?.on(ListrEventType.SHOULD_REFRESH_RENDER, this.#redraw);
    this.#options.screen?.on('resize', this.#redraw);
    this.#clock = setInterval(this.#redraw, tick).unref();
    this.#draw();
  }

  end(): void {
    clearInterval(this.#clock);
    this.#options.screen?.off('resize', this.#redraw);
    this.#options.screen?.write(this.#erase());
    this.#drawn = [];
  }

  readonly #redraw = (): void => this.#draw();

  /** A terminal that has become narrower has folded the lines that stand there. */
  #erase(): string {
    // Asked anew: word of a change may still be on its way.
    const [columns = 80] = this.#options.screen?.getWindowSize() ?? [];
    const rows = this.#drawn.map((line) => Math.max(Math.ceil(widthOf(line) / Math.max(columns, 1)), 1));
    return eraseAbove(rows.reduce((sum, one) => sum + one, 0));
  }

  #draw(ended?: string): void {
    const lines = this.#options.lines?.() ?? [];
    const above = ended ? `${ended}\n` : '';
    if (above === '' && lines.join('\n') === this.#drawn.join('\n')) return;
    this.#options.screen?.write(`${this.#erase()}${above}${lines.map((line) => `${line}\n`).join('')}`);
    this.#drawn = lines;
  }
}
