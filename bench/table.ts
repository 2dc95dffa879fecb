import { type Row, type Section, toRow } from './report.ts';

const HEADINGS = ['', 'n', 'median', 'p95', 'unit', 'ratio', 'goal'] as const;
/** Columns of words; the others hold numbers, which stand to the right. */
const LEFT_ALIGNED = new Set<number>([0, 4, 6]);
const SIGNIFICANT_DIGITS = 3;
const GAP = '  ';

/** Three significant digits, and never an exponent: `0.243`, `12.3`, `1234`. */
function toDigits(value: number): string {
  const wholeDigits = Math.max(1, Math.floor(Math.log10(Math.max(Math.abs(value), Number.EPSILON))) + 1);
  return value.toFixed(Math.min(3, Math.max(0, SIGNIFICANT_DIGITS - wholeDigits)));
}

function toLimit({ of, atMost }: NonNullable<Row['goal']>, unit: Row['unit']): string {
  switch (of) {
    case 'ratio':
      return `ratio <= ${atMost.toFixed(2)}`;
    case 'difference':
      return `floor + <= ${atMost} ${unit}`;
    case 'p95':
      return `p95 <= ${atMost} ${unit}`;
    case 'median':
      return `<= ${atMost} ${unit}`;
  }
}

function toGoalText({ goal, unit, reached, reachesGoal }: Row): string {
  if (goal === undefined) return '';
  const verdict = reachesGoal === true ? 'reached' : 'not reached';
  // The other figures stand in columns of their own.
  const figure = goal.of === 'difference' && reached !== undefined ? ` (${toDigits(reached)})` : '';
  return `${toLimit(goal, unit)}: ${verdict}${figure}`;
}

function toCells(row: Row): string[] {
  return [
    row.what,
    String(row.count),
    toDigits(row.median),
    toDigits(row.p95),
    row.unit,
    row.ratio === undefined ? '' : row.ratio.toFixed(2),
    toGoalText(row),
  ];
}

/** A section as lines of text: title, table, notes. Pure. */
export function toTable(section: Section): string[] {
  const rows = [[...HEADINGS], ...section.measurements.map((each) => toCells(toRow(each)))];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  const lines = rows.map((cells) =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return LEFT_ALIGNED.has(column) ? cell.padEnd(width) : cell.padStart(width);
      })
      .join(GAP)
      .trimEnd(),
  );
  return [section.title, ...[...lines, ...section.notes].map((line) => `${GAP}${line}`)];
}
