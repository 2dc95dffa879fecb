import type { ExecuteResult, Screenshot } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Api, expectStatus } from './api.ts';
import { readImage } from './image.ts';
import { expectProblem } from './problem.ts';
import { startService } from './service.ts';

const VIEWPORT = { width: 640, height: 480 };
/** A page larger than the window, with a red box at a known place and no background of its own. */
const PAGE = `<!doctype html><style>body{margin:0;width:900px;height:2000px}
  #box{position:absolute;left:50px;top:1500px;width:120px;height:80px;background:rgb(255,0,0)}
  #green{position:absolute;left:0;top:0;width:100px;height:100px;background:rgb(0,128,0)}</style>
  <div id=green></div><div id=box></div>`;

const stack = new AsyncDisposableStack();
let api: Api;
let id: string;

beforeAll(async () => {
  ({ api } = await startService(stack));
  ({ id } = await api.create({ stealthLevel: 'basic', viewport: VIEWPORT }));
  await api.navigate(id, `data:text/html,${encodeURIComponent(PAGE)}`);
});
afterAll(() => stack.disposeAsync());

async function screenshot(options: Screenshot = {}): Promise<{ image: Buffer; type: string }> {
  const answer = await api.call('POST', `/api/sessions/${id}/screenshot`, options);
  if (answer.status !== 200) throw new Error(answer.text);
  return { image: answer.body, type: answer.headers['content-type'] ?? '' };
}

/** Colours of an image at some places as red, green, blue, alpha: decoded by a browser, not by us. */
async function pixelsOf(image: Buffer, places: readonly (readonly [x: number, y: number])[]): Promise<number[][]> {
  const source = `async (base64, places) => {
    const bytes = Uint8Array.from(atob(base64), (each) => each.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes]));
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
    canvas.drawImage(bitmap, 0, 0);
    return places.map(([x, y]) => [...canvas.getImageData(x, y, 1, 1).data]);
  }`;
  const body = { function: source, args: [image.toString('base64'), places] };
  return expectStatus<ExecuteResult>(await api.call('POST', `/api/sessions/${id}/execute`, body), 200)
    .result as number[][];
}

const RED = [255, 0, 0, 255];
const GREEN = [0, 128, 0, 255];
const WHITE = [255, 255, 255, 255];

describe('a screenshot', () => {
  it('really is of the format it says, and of the size of the window', async () => {
    for (const format of ['png', 'jpeg', 'webp'] as const) {
      const { image, type } = await screenshot({ format });
      expect(type).toBe(`image/${format}`);
      expect(readImage(image)).toEqual({ format, ...VIEWPORT });
    }
    const { image, type } = await screenshot();
    expect([type, readImage(image).format]).toEqual(['image/png', 'png']);
    expect(
      await pixelsOf(image, [
        [50, 50],
        [300, 300],
      ]),
    ).toEqual([GREEN, WHITE]);
  });

  it('needs no body', async () => {
    const answer = await api.call('POST', `/api/sessions/${id}/screenshot`);
    expect([answer.status, readImage(answer.body)]).toEqual([200, { format: 'png', ...VIEWPORT }]);
  });

  it('is smaller at a lower quality', async () => {
    for (const format of ['jpeg', 'webp'] as const) {
      const [low, high] = [await screenshot({ format, quality: 1 }), await screenshot({ format, quality: 100 })];
      expect(low.image.length).toBeLessThan(high.image.length);
    }
  });

  it('of the full page shows all of it', async () => {
    const { image } = await screenshot({ fullPage: true });
    expect(readImage(image)).toEqual({ format: 'png', width: 900, height: 2000 });
    expect(
      await pixelsOf(image, [
        [50, 50],
        [100, 1550],
        [800, 1900],
      ]),
    ).toEqual([GREEN, RED, WHITE]);
  });

  it('of a clip shows just that part of the document, also where the window does not reach', async () => {
    const { image } = await screenshot({ clip: { x: 40, y: 1490, width: 60, height: 70 } });
    expect(readImage(image)).toEqual({ format: 'png', width: 60, height: 70 });
    expect(
      await pixelsOf(image, [
        [5, 5],
        [20, 20],
      ]),
    ).toEqual([WHITE, RED]);
  });

  it('of a selector shows just that element, wherever the page is scrolled to', async () => {
    for (const top of [0, 700]) {
      await api.evaluate(id, `scrollTo(0, ${top})`);
      const { image } = await screenshot({ selector: '#box' });
      expect(readImage(image)).toEqual({ format: 'png', width: 120, height: 80 });
      expect(
        await pixelsOf(image, [
          [0, 0],
          [119, 79],
        ]),
      ).toEqual([RED, RED]);
    }
    await api.evaluate(id, 'scrollTo(0, 0)');
  });

  it('without background is transparent where the page paints nothing, and the page keeps its own afterwards', async () => {
    const { image } = await screenshot({ omitBackground: true });
    expect(
      await pixelsOf(image, [
        [50, 50],
        [300, 300],
      ]),
    ).toEqual([GREEN, [0, 0, 0, 0]]);
    expect(await pixelsOf((await screenshot()).image, [[300, 300]])).toEqual([WHITE]);
  });

  it('is scaled as asked, by itself and with a part of the page', async () => {
    expect(readImage((await screenshot({ scale: 0.5 })).image)).toEqual({ format: 'png', width: 320, height: 240 });
    expect(readImage((await screenshot({ scale: 2 })).image)).toEqual({ format: 'png', width: 1280, height: 960 });
    const { image } = await screenshot({ selector: '#box', scale: 2 });
    expect(readImage(image)).toEqual({ format: 'png', width: 240, height: 160 });
  });

  it('leaves the page’s window as it was', async () => {
    await screenshot({ fullPage: true });
    expect(await api.evaluate(id, '[innerWidth, innerHeight, scrollY]')).toEqual([640, 480, 0]);
  });

  it('can be taken twice at once', async () => {
    const both = await Promise.all([screenshot({ fullPage: true }), screenshot({ format: 'jpeg' })]);
    expect(both.map(({ image }) => readImage(image).format)).toEqual(['png', 'jpeg']);
  });
});

describe('a print', () => {
  const pdf = async (options?: object): Promise<string> => {
    const answer = await api.call('POST', `/api/sessions/${id}/pdf`, options);
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/pdf']);
    return answer.body.toString('latin1');
  };
  /** Sizes of the pages, in points of a 72nd of an inch. */
  const sizesOf = (text: string): (readonly [width: number, height: number])[] =>
    [...text.matchAll(/\/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\s*\]/g)].map(
      ([, width, height]) => [Number(width), Number(height)] as const,
    );
  /** Chromium prints to whole dots of its own: within a point of the paper is the paper. */
  const expectPaper = (text: string, paper: readonly [width: number, height: number]): void => {
    const sizes = sizesOf(text);
    expect(sizes.length).toBeGreaterThan(0);
    for (const size of sizes) {
      for (const side of [0, 1] as const) expect(Math.abs(size[side] - paper[side])).toBeLessThanOrEqual(1);
    }
  };

  it('is a PDF of letter pages unless asked otherwise', async () => {
    const text = await pdf();
    expect(text.startsWith('%PDF-1.')).toBe(true);
    expect(text.trimEnd().endsWith('%%EOF')).toBe(true);
    expectPaper(text, [612, 792]);
    expect(sizesOf(text).length).toBeGreaterThan(1);
  });

  it('has the paper, orientation and pages it is asked for', async () => {
    expectPaper(await pdf({ paper: 'a4' }), [595.28, 841.89]);
    expectPaper(await pdf({ paper: 'a4', landscape: true }), [841.89, 595.28]);
    expectPaper(await pdf({ widthInches: 5, heightInches: 4 }), [360, 288]);
    expect(sizesOf(await pdf({ pageRanges: '1' }))).toHaveLength(1);
  });

  it('of a range that has no pages, or of margins that leave no room, is refused', async () => {
    for (const options of [{ pageRanges: '99' }, { pageRanges: '3-1' }, { margin: { left: 100 } }]) {
      expectProblem(await api.call('POST', `/api/sessions/${id}/pdf`, options), 422, 'PAGE_OPERATION_FAILED');
    }
  });
});
