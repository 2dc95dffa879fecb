import type { Pdf, Screenshot } from '@guise/contract';
import type { Protocol } from 'devtools-protocol';

import { AppError } from '../lib/app-error.ts';
import { defined } from '../lib/defined.ts';
import type { CdpSession } from './cdp-connection.ts';

const PAPER_INCHES: Readonly<Record<NonNullable<Pdf['paper']>, readonly [width: number, height: number]>> = {
  letter: [8.5, 11],
  legal: [8.5, 14],
  tabloid: [11, 17],
  ledger: [17, 11],
  a0: [33.1, 46.8],
  a1: [23.4, 33.1],
  a2: [16.54, 23.4],
  a3: [11.7, 16.54],
  a4: [8.27, 11.7],
  a5: [5.83, 8.27],
  a6: [4.13, 5.83],
};

/** Runs in an isolated world; gives the box in CSS pixels of the document, or null. */
const MEASURE_ELEMENT = `(selector) => {
  const element = document.querySelector(selector);
  if (element === null) return null;
  const { x, y, width, height } = element.getBoundingClientRect();
  return { x: x + scrollX, y: y + scrollY, width, height };
}`;

type Area = Omit<Protocol.Page.Viewport, 'scale'>;

/** The page a picture is taken of. */
export interface CapturedPage {
  readonly session: CdpSession;
  isolatedContext(signal: AbortSignal): Promise<number>;
}

async function measureElement(page: CapturedPage, selector: string, signal: AbortSignal): Promise<Area> {
  const contextId = await page.isolatedContext(signal);
  const expression = `(${MEASURE_ELEMENT})(${JSON.stringify(selector)})`;
  const { result, exceptionDetails } = await page.session.send(
    'Runtime.evaluate',
    { expression, contextId, returnByValue: true },
    signal,
  );
  if (exceptionDetails !== undefined) throw new AppError('ELEMENT_NOT_FOUND', `${selector} is not a CSS selector`);
  const box = result.value as Area | null;
  if (box === null) throw new AppError('ELEMENT_NOT_FOUND', `Nothing on the page matches ${selector}`);
  if (box.width === 0 || box.height === 0) throw new AppError('ELEMENT_NOT_FOUND', `${selector} has no size`);
  return box;
}

async function areaOf(page: CapturedPage, input: Screenshot, signal: AbortSignal): Promise<Area | undefined> {
  if (input.clip !== undefined) return input.clip;
  if (input.selector !== undefined) return measureElement(page, input.selector, signal);
  if (input.fullPage !== true && input.scale === undefined) return undefined;
  const { cssContentSize, cssVisualViewport } = await page.session.send('Page.getLayoutMetrics', undefined, signal);
  if (input.fullPage === true) return cssContentSize;
  const { pageX, pageY, clientWidth, clientHeight } = cssVisualViewport;
  return { x: pageX, y: pageY, width: clientWidth, height: clientHeight };
}

/** Takes a picture of the page and returns the encoded image. @throws {AppError} ELEMENT_NOT_FOUND */
export async function captureScreenshot(page: CapturedPage, input: Screenshot, signal: AbortSignal): Promise<Buffer> {
  const { session } = page;
  const { format = 'png', quality, omitBackground = false, scale = 1 } = input;
  const area = await areaOf(page, input, signal);
  const transparent = { r: 0, g: 0, b: 0, a: 0 };
  if (omitBackground) await session.send('Emulation.setDefaultBackgroundColorOverride', { color: transparent }, signal);
  try {
    const { data } = await session.send(
      'Page.captureScreenshot',
      {
        format,
        ...(quality === undefined ? {} : { quality }),
        ...(area === undefined ? {} : { clip: { ...area, scale }, captureBeyondViewport: true }),
      },
      signal,
    );
    return Buffer.from(data, 'base64');
  } finally {
    if (omitBackground) await session.send('Emulation.setDefaultBackgroundColorOverride').catch(() => undefined);
  }
}

function toPrintParameters(input: Pdf): Protocol.Page.PrintToPDFRequest {
  const [width, height] = PAPER_INCHES[input.paper ?? 'letter'];
  const { margin = {}, headerTemplate, footerTemplate } = input;
  return defined({
    paperWidth: input.widthInches ?? width,
    paperHeight: input.heightInches ?? height,
    landscape: input.landscape,
    printBackground: input.printBackground,
    scale: input.scale,
    pageRanges: input.pageRanges,
    preferCSSPageSize: input.preferCssPageSize,
    displayHeaderFooter: headerTemplate !== undefined || footerTemplate !== undefined,
    // An empty template is Chromium's own header with date and title; a blank one is none.
    headerTemplate: headerTemplate ?? '<span></span>',
    footerTemplate: footerTemplate ?? '<span></span>',
    marginTop: margin.top,
    marginBottom: margin.bottom,
    marginLeft: margin.left,
    marginRight: margin.right,
  });
}

/** Prints the page and returns the PDF. */
export async function printPdf(session: CdpSession, input: Pdf, signal: AbortSignal): Promise<Buffer> {
  const { data } = await session.send('Page.printToPDF', toPrintParameters(input), signal);
  return Buffer.from(data, 'base64');
}
