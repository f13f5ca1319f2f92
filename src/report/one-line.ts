/** One line is one line, whatever a compiler put into it; escape codes and a bare CR would garble a log. */
export const oneLine = (text: string): string =>
  text
    .replaceAll(/[\r\n\t]+/g, ' ')
    .replaceAll(/\p{Cc}\[[0-9;]*[A-Za-z]|\p{Cc}/gu, '')
    .trimEnd();
