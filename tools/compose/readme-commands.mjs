const FENCE = /^```(\w*)$/;
const MARKS = { '⚙': 'engine', '▶': 'stack' };

function lastMark(line) {
  const found = [...line.matchAll(/[⚙▶]/gu)].at(-1)?.[0];
  return found && MARKS[found];
}

/**
 * The commands of the operators' guide: every block of shell or JavaScript, and what it needs by the last mark before it in its chapter.
 * @returns {{ language: string, needs: 'engine' | 'stack' | 'nothing', text: string, line: number }[]}
 */
export function listCommands(markdown) {
  const blocks = [];
  let needs = 'nothing';
  let block;
  for (const [index, line] of markdown.split('\n').entries()) {
    const [isFence, language] = FENCE.exec(line) ?? [];
    if (isFence && block) {
      blocks.push({ ...block, text: block.lines.join('\n') });
      block = undefined;
    } else if (isFence) block = { language, needs, line: index + 1, lines: [] };
    else if (block) block.lines.push(line);
    else if (line.startsWith('## ')) needs = 'nothing';
    else needs = lastMark(line) ?? needs;
  }
  return blocks.filter(({ language }) => ['sh', 'js'].includes(language));
}
