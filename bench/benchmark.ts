import type { GuiseService } from './guise-service.ts';
import type { RawBrowserPlan } from './raw-browser.ts';
import type { Section } from './report.ts';

/** What every benchmark is given. */
export interface BenchmarkDeps {
  readonly service: GuiseService;
  /** The raw browser that is the floor: the same Chromium, without the service. */
  readonly raw: RawBrowserPlan;
}

/** Measures one thing beside its floor. Leaves nothing behind; rejects only when something does not work. */
export type Benchmark = (deps: BenchmarkDeps, signal: AbortSignal) => Promise<Section>;
